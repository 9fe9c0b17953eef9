"""The parts of a step, compiled for a CPU or for CUDA, compute what the plain ones do, at every
ragged length.

The CUDA ones run in Triton's interpreter, which needs no GPU (and has no bfloat16 products).
"""

import importlib
from types import ModuleType

import pytest
import torch
from torch import Tensor
from warp_cortex import Snapshot, StreamBatch
from warp_cortex.attention import partial
from warp_cortex.attention.partial import Partial
from warp_cortex.decode.decoder import parts_for
from warp_cortex.kernels import decode_torch

from tests.engine.greedy import last_states, think
from tests.engine.tiny import build_prism, random_ids

LIMIT = {torch.float32: 3e-6, torch.float16: 4e-3, torch.bfloat16: 2e-2}
KINDS = (
    ("decode_cpu", torch.float32),
    ("decode_cpu", torch.bfloat16),
    ("decode_triton", torch.float32),
    ("decode_triton", torch.float16),
)
B, HEADS, KV, DIM, CAP, K = 6, 6, 2, 16, 20, 33
COLUMNS = torch.tensor([0, 1, 5, 6, 18, 19])


def load(name: str) -> ModuleType:
    """Return the module of that name."""
    if name == "decode_triton":
        pytest.importorskip(
            "triton", reason="Triton, which the CUDA parts are written in, is not installed"
        )
    return importlib.import_module(f"warp_cortex.kernels.{name}")


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{str(kind[1]).removeprefix('torch.')}")
def kind(request: pytest.FixtureRequest) -> tuple[ModuleType, torch.dtype]:
    """Parts, and a precision they compute in."""
    name, dtype = request.param
    return load(name), dtype


def drawn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Return normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def close(one: Tensor, other: Tensor, limit: float) -> bool:
    """Whether two tensors agree, relative to the larger one's scale."""
    return float((one.double() - other.double()).abs().max()) <= limit * max(
        1.0, float(other.double().abs().max())
    )


def over_all(query: Tensor, keys: Tensor, values: Tensor) -> Partial:
    """Return every agent's attention to a shared block, by the plain way."""
    rows = query.view(B, KV, -1, DIM).transpose(0, 1).reshape(1, KV, -1, DIM)
    found = partial.over(rows.double(), keys[None].double(), values[None].double())
    out = found.out[0].view(KV, B, -1, DIM).transpose(0, 1)
    return Partial(out.to(query.dtype), found.lse[0].view(KV, B, -1).transpose(0, 1).float())


def test_norms_agree(kind: tuple[ModuleType, torch.dtype]) -> None:
    """Sum and norm equal the plain ones; the sum to the bit."""
    parts, dtype = kind
    x, residual, weight = (drawn(*shape, dtype=dtype) for shape in ((B, 48), (B, 48), (48,)))
    for before in (None, residual):
        ours, plainly = (
            parts.add_norm(x, before, weight, 1e-6),
            decode_torch.add_norm(x, before, weight, 1e-6),
        )
        assert torch.equal(ours[1], plainly[1])
        assert close(ours[0], plainly[0], LIMIT[dtype])


def test_rotation_writes_only_its_own_column(kind: tuple[ModuleType, torch.dtype]) -> None:
    """Queries, keys and values equal the plain ones, and no other entry of the block changes."""
    parts, dtype = kind
    qkv = drawn(B, (HEADS + 2 * KV) * DIM, dtype=dtype)
    cos, sin = (drawn(B, DIM // 2, dtype=torch.float32, seed=seed).repeat(1, 2) for seed in (1, 2))
    ours, plainly = (drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=3) for _ in range(2))
    before = ours.clone()
    query = parts.rotate_write(qkv, cos, sin, ours, COLUMNS)
    assert close(query, decode_torch.rotate_write(qkv, cos, sin, plainly, COLUMNS), LIMIT[dtype])
    assert close(ours, plainly, LIMIT[dtype])
    ours[:, torch.arange(B), :, COLUMNS] = before[:, torch.arange(B), :, COLUMNS]
    assert torch.equal(ours, before)


@pytest.mark.parametrize("first", [0, 1])
def test_attention_agrees_however_the_rest_is_given(
    kind: tuple[ModuleType, torch.dtype], first: int
) -> None:
    """A shared block read here, the same as a prior, and nothing but own entries: all as the plain
    parts have it.
    """
    parts, dtype = kind
    query, block = drawn(B, HEADS, DIM, dtype=dtype), drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=1)
    keys, values = drawn(KV, K, DIM, dtype=dtype, seed=2), drawn(KV, K, DIM, dtype=dtype, seed=3)
    columns = COLUMNS.clamp(min=first)
    prior = over_all(query, keys, values)
    wanted = decode_torch.attend(query, block, columns, prior, first=first, width=CAP)
    read = parts.attend(query, block, columns, None, first=first, width=CAP, shared=(keys, values))
    given = parts.attend(query, block, columns, prior, first=first, width=CAP)
    assert close(read, wanted, LIMIT[dtype])
    assert close(given, wanted, LIMIT[dtype])
    own = decode_torch.attend(query, block, columns, None, first=first, width=CAP)
    assert close(
        parts.attend(query, block, columns, None, first=first, width=CAP), own, LIMIT[dtype]
    )


def test_a_leader_sees_its_own_block(kind: tuple[ModuleType, torch.dtype]) -> None:
    """With a leader, agent 0 sees the prior and not the shared block; the others the block and no
    prior.
    """
    parts, dtype = kind
    query, block = drawn(B, HEADS, DIM, dtype=dtype), drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=1)
    keys, values = drawn(KV, K, DIM, dtype=dtype, seed=2), drawn(KV, K, DIM, dtype=dtype, seed=3)
    other = over_all(query, keys * 2, values + 1)
    lead = Partial(other.out[:1], other.lse[:1])
    found = parts.attend(
        query, block, COLUMNS, lead, first=0, width=CAP, shared=(keys, values), led=True
    )
    first = decode_torch.attend(query, block, COLUMNS, other, first=0, width=CAP)
    rest = decode_torch.attend(
        query, block, COLUMNS, over_all(query, keys, values), first=0, width=CAP
    )
    assert close(found[:1], first[:1], LIMIT[dtype])
    assert close(found[1:], rest[1:], LIMIT[dtype])


@pytest.mark.filterwarnings(
    "ignore:overflow encountered"
)  # the interpreter's exponential, on its way to the right answer
def test_gates_agree_at_any_size(kind: tuple[ModuleType, torch.dtype]) -> None:
    """SiLU is right from -200 to 200, where its exponential would run over."""
    parts, dtype = kind
    gate = torch.linspace(-200, 200, 801).to(dtype)[None]
    x = torch.cat((gate, torch.ones_like(gate)), -1)
    wanted = torch.nn.functional.silu(gate.double())
    assert close(parts.gated(x), wanted, LIMIT[dtype])


def test_the_first_of_equals_is_chosen(kind: tuple[ModuleType, torch.dtype]) -> None:
    """The choice is the plain one's, and the lowest id wins a tie."""
    parts, dtype = kind
    logits = drawn(B, 300, dtype=dtype)
    logits[:, 7] = logits[:, 211] = 99.0
    assert parts.best(logits).tolist() == [7] * B
    logits[:, [7, 211]] = drawn(B, 2, dtype=dtype, seed=1)
    assert torch.equal(parts.best(logits), decode_torch.best(logits.float()))


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_no_token_is_chosen_of_logits_that_are_not_finite(
    kind: tuple[ModuleType, torch.dtype], number: str
) -> None:
    """One such number anywhere in a row marks that row, and no other."""
    parts, dtype = kind
    logits = drawn(B, 300, dtype=dtype)
    wanted = parts.best(logits)
    for row, at in ((1, 0), (4, 299)):
        logits[row, at] = float(number)
        wanted[row] = decode_torch.BROKEN
    assert torch.equal(parts.best(logits), wanted)


def test_what_nobody_wrote_is_never_read(kind: tuple[ModuleType, torch.dtype]) -> None:
    """Entries behind an agent's own may hold anything, broken numbers included."""
    parts, dtype = kind
    query, block = drawn(B, HEADS, DIM, dtype=dtype), drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=1)
    wanted = parts.attend(query, block, COLUMNS, None, first=0, width=CAP)
    block.transpose(2, 3)[:, torch.arange(CAP)[None] > COLUMNS[:, None]] = float("nan")
    assert torch.equal(parts.attend(query, block, COLUMNS, None, first=0, width=CAP), wanted)


def test_not_a_number_stays_one(kind: tuple[ModuleType, torch.dtype]) -> None:
    """A broken state is not hidden: what is computed from a NaN is a NaN."""
    parts, dtype = kind
    x = torch.full((1, 8), float("nan"), dtype=dtype)
    assert parts.add_norm(x, None, torch.ones(8, dtype=dtype), 1e-6)[0].isnan().all()
    assert parts.gated(x).isnan().all()


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama", "mistral"])
def test_a_whole_step_agrees(family: str) -> None:
    """Shared landmarks, copies of them, and a River that leads its streams: every token and state
    of the CUDA parts.
    """
    kernels = load("decode_triton")
    with build_prism(family, head_dim=16) as prism:
        context = prism.read("The lamp is in the cellar, the key is in the box.")
        landmarks = context.store.gather(torch.arange(0, context.num_tokens, 3))
        where = landmarks.positions
        snapshot = Snapshot(1, 50, landmarks, where, where, 0.0, "test", "", "")
        decoder = prism.decoder
        assert decoder is not None
        for lead in (None, context.store.share()):
            found = []
            for parts in (kernels, decode_torch):
                decoder.parts = parts
                batch = StreamBatch(prism, snapshot, lead=lead)
                thoughts = think(batch, [random_ids(2, seed=row) for row in range(3)], steps=6)
                found.append((thoughts, last_states(batch)))
            assert found[0][0] == found[1][0]
            torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("head_dim", "name"), [(64, "triton"), (128, "triton"), (100, "torch"), (96, "torch")]
)
def test_cuda_parts_are_for_heads_they_can_tile(
    head_dim: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triton's tiles are powers of two: a model with heads of 100 takes the plain parts, which are
    right for any.
    """
    load("decode_triton")
    monkeypatch.setattr(
        "warp_cortex.decode.decoder.can_launch", lambda device: device.type == "cuda"
    )
    parts = parts_for(torch.device("cuda"), torch.bfloat16, head_dim)
    assert parts.__name__ == f"warp_cortex.kernels.decode_{name}"
