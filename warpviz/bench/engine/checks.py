"""Right before fast: what the timed code computes, against independent references in float64."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, PreTrainedModel
from warp_cortex import Context, Prism, SharedKV, StreamBatch, Synapse, SynapseConfig
from warp_cortex.agents.stepper import Room, Stepper
from warp_cortex.landmarks.farthest import compare_all, greedy

from warpviz.bench.engine import shape

# with its own tokens the River passes from one recorded stretch to the next
TOKENS = 500
OWN = 24
AGENTS = 5
K = 64
CHUNK = 48
TOLERANCE = {torch.bfloat16: 4e-2, torch.float32: 1e-4}


def checks(device: str, *, seed: int, model: str = "check-shape") -> Iterator[dict[str, Any]]:
    """Yield one row per law: the relative error of the final states (or what else must agree) and
    whether it holds.
    """
    prism = shape.load(model, device=device, positions=TOKENS + 2 * OWN, seed=seed)
    oracle = _double(prism)
    ids = shape.random_ids(TOKENS, prism.spec.vocab_size, seed=seed)
    context = Context(prism, capacity=TOKENS)
    context.read(ids)
    kept = torch.randperm(TOKENS, generator=torch.Generator().manual_seed(seed))[:K].sort().values
    landmarks = context.store.gather(kept.to(prism.device))
    everything = context.store.share()
    tasks = _ragged(prism, seed=seed)
    limit = TOLERANCE[prism.dtype]

    def against(stepper: Stepper, visible: Tensor, first: int = 0) -> float:
        """Return the largest error of any agent against the oracle."""
        errors = [
            relative(
                stepper.last[row],
                reference(oracle, ids, stepper.script[row, :OWN].tolist(), visible),
            )
            for row in range(first, AGENTS)
        ]
        return max(errors)

    shared = _run(prism, tasks, shared=landmarks)
    full = _run(prism, tasks, shared=everything)
    copied = _run(prism, tasks, copies=everything)
    plainly = _run(prism, tasks, shared=landmarks, kernels=False)
    led = _run(prism, tasks, shared=landmarks, lead=everything)
    every = torch.arange(TOKENS)
    yield _row("landmarks shared = copies of them (float64, masked)", against(shared, kept), limit)
    yield _row(
        "k = all: a stream is a continuation of the River (float64)", against(full, every), limit
    )
    yield _row("full cache copied per agent (float64)", against(copied, every), limit)
    yield _row("plain parts, landmarks shared (float64)", against(plainly, kept), limit)
    yield _row(
        "a River in one batch with its streams: the River",
        against_one(led, oracle, ids, every),
        limit,
    )
    yield _row("a River in one batch with its streams: the streams", against(led, kept, 1), limit)
    yield _row(
        "the model's own code, for scale (float64)", _own_error(prism, context, oracle, ids), limit
    )
    yield _row(
        "the engine's StreamBatch, landmarks shared (float64)",
        _batch(prism, context, oracle, ids, seed),
        limit,
    )
    yield _row("reading in chunks = reading at once", _chunks(prism, ids, context), limit)
    error, eager = _recorded(prism, context, ids, seed)
    yield _row("recorded steps of the River and its streams = the steps", error, limit)
    yield _row(
        "landmarks chosen here = chosen one by one on the CPU: radii", _choice(context), 1e-3
    )
    if prism.device.type == "cuda":
        graph = _run(prism, tasks, shared=landmarks, graph=True)
        same = torch.equal(graph.script, shared.script)
        eager += graph.recording is None or not graph.recording.is_graph
        yield _row("CUDA graph: recordings that could not be one", float(eager), 0.5)
        yield _row("CUDA graph = eager: states", relative(graph.last, shared.last), 1e-6)
        yield _row("CUDA graph = eager: tokens that differ", float(not same), 0.5)


def relative(found: Tensor, wanted: Tensor) -> float:
    """Return |found - wanted| / |wanted|; not a number counts as infinite."""
    error = float(
        (found.double().cpu() - wanted.double().cpu()).norm() / wanted.double().cpu().norm()
    )
    return error if error == error else float("inf")


def reference(oracle: PreTrainedModel, ids: list[int], own: list[int], visible: Tensor) -> Tensor:
    """Return the final state after `own` tokens that see only `visible` of the context: one masked
    float64 pass.
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


def against_one(
    stepper: Stepper, oracle: PreTrainedModel, ids: list[int], visible: Tensor
) -> float:
    """Return the error of agent 0 alone."""
    return relative(
        stepper.last[0], reference(oracle, ids, stepper.script[0, :OWN].tolist(), visible)
    )


def _double(prism: Prism) -> PreTrainedModel:
    config = type(prism.model.config).from_dict(prism.model.config.to_dict())
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager", dtype=torch.float64
    )
    model.load_state_dict(
        {name: value.double().cpu() for name, value in prism.model.state_dict().items()}
    )
    return model.to(prism.device, torch.float64).eval()


def _ragged(prism: Prism, *, seed: int) -> Tensor:
    tasks = shape.random_tasks(AGENTS, 8, prism.spec.vocab_size, seed=seed)
    for row in range(AGENTS):
        tasks[row, 3 + row :] = -1
    return tasks.to(prism.device)


def _run(
    prism: Prism,
    tasks: Tensor,
    *,
    shared: SharedKV | None = None,
    copies: SharedKV | None = None,
    lead: SharedKV | None = None,
    kernels: bool = True,
    graph: bool = False,
) -> Stepper:
    common = 0 if copies is None else copies.num_entries
    room = Room(agents=AGENTS, capacity=OWN + common, common=common)
    stepper = Stepper(prism, room, shared=shared, base=TOKENS, lead=lead, kernels=kernels)
    if copies is not None:
        stepper.data[:, 0, :, :, :common] = copies.keys[:, None]
        stepper.data[:, 1, :, :, :common] = copies.values[:, None]
    stepper.seat(tasks)
    if graph:
        stepper.capture()
    stepper.run(OWN)
    return stepper


def _own_error(prism: Prism, context: Context, oracle: PreTrainedModel, ids: list[int]) -> float:
    fork = context.fork()
    own = shape.random_ids(OWN, prism.spec.vocab_size, seed=1)
    for token in own:
        fork.write(token)
    assert fork.last is not None
    return relative(fork.last, reference(oracle, ids, own, torch.arange(len(ids))))


def _batch(
    prism: Prism, context: Context, oracle: PreTrainedModel, ids: list[int], seed: int
) -> float:
    snapshot = Synapse(SynapseConfig(k=K), seed=seed).publish(context)
    batch = StreamBatch(prism, snapshot, slots=AGENTS, capacity=OWN)
    tasks = [shape.random_ids(3 + row, prism.spec.vocab_size, seed=row) for row in range(AGENTS)]
    batch.admit(list(range(AGENTS)), tasks, [None] * AGENTS)
    fed = [shape.random_ids(4, prism.spec.vocab_size, seed=50 + row) for row in range(AGENTS)]
    for column in range(4):
        batch.step(torch.tensor([row[column] for row in fed], device=prism.device))
    visible = snapshot.landmarks.cpu()
    return max(
        relative(batch.state(row).last, reference(oracle, ids, tasks[row] + fed[row], visible))
        for row in range(AGENTS)
    )


def _recorded(prism: Prism, context: Context, ids: list[int], seed: int) -> tuple[float, int]:
    """Return how far recorded steps are from the same steps without a recording, and recordings
    that are no graph.
    """
    own = shape.random_ids(OWN, prism.spec.vocab_size, seed=2)
    usual = prism.records_steps
    found = []
    eager = 0
    snapshot = Synapse(SynapseConfig(k=K), seed=seed).publish(context)
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
    assert pieces.last is not None and whole.last is not None
    return relative(pieces.last, whole.last)


def _choice(context: Context) -> float:
    """Return how far the cover radii of landmarks chosen on the device are from the reference's,
    over the same points.

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
