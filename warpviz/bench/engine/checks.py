"""Right before fast: what the timed code computes, against independent references in float64."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel
from warp_cortex import Context, Prism, SharedKV, Snapshot, StreamBatch, Synapse, SynapseConfig
from warp_cortex.kernels import decode_torch
from warp_cortex.landmarks.farthest import compare_all, greedy

from warpviz.bench.engine import shape
from warpviz.bench.engine.variants import BenchStreams

# with its own tokens the River passes from one recorded stretch to the next
TOKENS = 500
OWN = 24
AGENTS = 5
K = 64
CHUNK = 48
TOLERANCE = {torch.bfloat16: 4e-2, torch.float32: 1e-4}


def checks(device: str, *, seed: int, model: str = "check-shape") -> Iterator[dict[str, Any]]:
    """Yield one row per law: the relative error of what must agree, and whether the law holds."""
    prism = shape.load(model, device=device, positions=TOKENS + 2 * OWN, seed=seed)
    oracle = _double(prism)
    ids = shape.random_ids(TOKENS, prism.spec.vocab_size, seed=seed)
    context = Context(prism, capacity=TOKENS)
    context.read(ids)
    landmarks = Synapse(SynapseConfig(k=K), seed=seed).publish(context)
    kept = landmarks.landmarks.cpu()
    everything = replace(landmarks, kv=context.store.share())
    tasks = [
        shape.random_ids(3 + row, prism.spec.vocab_size, seed=seed + row) for row in range(AGENTS)
    ]
    limit = TOLERANCE[prism.dtype]

    def against(thoughts: _Thoughts, visible: Tensor, rows: range = range(AGENTS)) -> float:
        """Return the largest error of these agents against the oracle."""
        wanted = [reference(oracle, ids, thoughts.fed[row], visible) for row in rows]
        pairs = zip((thoughts.last[row] for row in rows), wanted, strict=True)
        return max(relative(found, state) for found, state in pairs)

    shared = _think(prism, landmarks, tasks)
    full = _think(prism, everything, tasks)
    copied = _think(prism, everything, tasks, copied=True)
    plainly = _think_plainly(prism, landmarks, tasks)
    led = _think(prism, landmarks, tasks, lead=everything.kv)
    every = torch.arange(TOKENS)
    first = range(1)
    rest = range(1, AGENTS)
    yield _row("landmarks shared = copies of them (float64, masked)", against(shared, kept), limit)
    yield _row(
        "k = all: a stream is a continuation of the River (float64)", against(full, every), limit
    )
    yield _row("full cache copied per agent (float64)", against(copied, every), limit)
    yield _row("plain parts, landmarks shared (float64)", against(plainly, kept), limit)
    yield _row(
        "a River in one batch with its streams: the River", against(led, every, first), limit
    )
    yield _row(
        "a River in one batch with its streams: the streams", against(led, kept, rest), limit
    )
    yield _row(
        "the model's own code, for scale (float64)", _own_error(prism, context, oracle, ids), limit
    )
    yield _row("reading in chunks = reading at once", _chunks(prism, ids, context), limit)
    error, eager = _recorded(prism, context, ids, landmarks)
    yield _row("recorded steps of the River and its streams = the steps", error, limit)
    yield _row(
        "landmarks chosen here = chosen one by one on the CPU: radii", _choice(context), 1e-3
    )
    if prism.device.type == "cuda":
        yield _row("CUDA graph: recordings that could not be one", float(eager), 0.5)


@dataclass(frozen=True, slots=True)
class _Thoughts:
    """What agents fed (tasks and greedy thoughts), and their last states, float32 [B, C]."""

    fed: list[list[int]]
    last: Tensor


def relative(found: Tensor, wanted: Tensor) -> float:
    """Return |found - wanted| / |wanted|; not a number counts as infinite."""
    error = float(
        (found.double().cpu() - wanted.double().cpu()).norm() / wanted.double().cpu().norm()
    )
    return float("inf") if math.isnan(error) else error


def reference(oracle: PreTrainedModel, ids: list[int], own: list[int], visible: Tensor) -> Tensor:
    """Return the final state [C] after `own` tokens that see only `visible` of the context.

    One float64 pass of the model's own code, with a mask.
    """
    total = len(ids) + len(own)
    allowed = torch.ones(total, total, dtype=torch.bool).tril()
    hidden = torch.ones(len(ids), dtype=torch.bool)
    hidden[visible] = False
    allowed[len(ids) :, : len(ids)] &= ~hidden
    mask = torch.zeros(1, 1, total, total, dtype=torch.float64).masked_fill(
        ~allowed, torch.finfo(torch.float64).min
    )
    where = oracle.device
    with torch.no_grad():
        out = oracle.model(
            input_ids=torch.tensor([ids + own], device=where),
            attention_mask=mask.to(where),
            use_cache=False,
        )
    state: Tensor = out.last_hidden_state[0, -1]
    return state


def _double(prism: Prism) -> PreTrainedModel:
    config = type(prism.model.config).from_dict(prism.model.config.to_dict())
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager", dtype=torch.float64
    )
    model.load_state_dict(
        {name: value.double().cpu() for name, value in prism.model.state_dict().items()}
    )
    return model.to(prism.device, torch.float64).eval()


def _think(
    prism: Prism,
    snapshot: Snapshot,
    tasks: list[list[int]],
    *,
    copied: bool = False,
    lead: SharedKV | None = None,
) -> _Thoughts:
    """Let agents read their tasks and think until the longest has fed OWN tokens."""
    capacity = OWN + (snapshot.kv.num_entries if copied else 0)
    batch = StreamBatch(
        prism, snapshot, slots=len(tasks), capacity=capacity, copied=copied, lead=lead
    )
    streams = BenchStreams(batch, tasks, own=OWN)
    fed = [list(task) for task in tasks]
    while streams.longest < OWN:
        for thought, token in zip(fed, streams.tokens, strict=True):
            thought.append(token)
        streams.run(1)
    return _Thoughts(fed, torch.stack([batch.state(row).last for row in range(len(tasks))]))


def _think_plainly(prism: Prism, snapshot: Snapshot, tasks: list[list[int]]) -> _Thoughts:
    """Think with the reference in plain torch between the matrix products."""
    decoder = prism.decoder
    assert decoder is not None
    usual = decoder.parts
    decoder.parts = decode_torch
    try:
        return _think(prism, snapshot, tasks)
    finally:
        decoder.parts = usual


def _own_error(prism: Prism, context: Context, oracle: PreTrainedModel, ids: list[int]) -> float:
    fork = context.fork()
    own = shape.random_ids(OWN, prism.spec.vocab_size, seed=1)
    for token in own:
        fork.write(token)
    assert fork.last is not None
    return relative(fork.last, reference(oracle, ids, own, torch.arange(len(ids))))


def _recorded(
    prism: Prism, context: Context, ids: list[int], snapshot: Snapshot
) -> tuple[float, int]:
    """Return recorded steps' error against unrecorded ones, and recordings without a graph."""
    own = shape.random_ids(OWN, prism.spec.vocab_size, seed=2)
    usual = prism.records_steps
    found = []
    eager = 0
    for prism.records_steps in (True, False):
        river = context.fork()
        batch = StreamBatch(prism, snapshot, slots=AGENTS, capacity=OWN)
        batch.admit(list(range(AGENTS)), [ids[: 2 + row] for row in range(AGENTS)], [None] * AGENTS)
        for number, token in enumerate(own):
            river.write(token)
            if number < OWN // 2:
                batch.step(torch.full((AGENTS,), token, device=prism.device))
        assert river.last is not None
        steps = [*river.store.recorded.values(), *batch.slots.recorded.values()]
        eager += sum(not step.is_graph for step in steps) if prism.records_steps else 0
        found.append(
            torch.stack(
                [
                    river.last.float(),
                    *(batch.state(row).last.to(prism.device) for row in range(AGENTS)),
                ]
            )
        )
    prism.records_steps = usual
    return relative(*found), eager


def _chunks(prism: Prism, ids: list[int], whole: Context) -> float:
    pieces = Context(prism, capacity=len(ids))
    pieces.read(ids, chunk=CHUNK)
    assert pieces.last is not None
    assert whole.last is not None
    return relative(pieces.last, whole.last)


def _choice(context: Context) -> float:
    """Return the error of the cover radii of landmarks chosen on the device.

    Radii, not picks: of two points that are equally far to the last bit either may come first.
    """
    evidence = context.evidence("keys")
    points = evidence.points
    flat = torch.zeros(TOKENS)
    first = torch.zeros(K, dtype=torch.long)
    _, squared = compare_all(points.cpu(), flat, first, fixed=1, alpha=0.0, skip=0)
    found = greedy(points, flat.to(points.device), first=[0], picks=K - 1)
    return relative(found.radii, squared.sqrt())


def _row(law: str, error: float, limit: float) -> dict[str, Any]:
    return {"law": law, "error": error, "at most": limit, "holds": error <= limit}
