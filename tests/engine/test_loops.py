"""The compiled loops compute what the plain parts compute, in both precisions and at every ragged length."""

import pytest
import torch
from torch import Tensor
from warp_cortex import loops, partial, plain
from warp_cortex.partial import Partial

DTYPES = (torch.float32, torch.bfloat16)
LIMIT = {torch.float32: 3e-6, torch.bfloat16: 2e-2}
B, HEADS, KV, DIM, CAP, K = 6, 6, 2, 16, 20, 33
COLUMNS = torch.tensor([0, 1, 5, 6, 18, 19])


def drawn(*shape: int, dtype: torch.dtype, seed: int = 0) -> Tensor:
    """Return normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def close(one: Tensor, other: Tensor, limit: float) -> bool:
    """Whether two tensors agree, relative to the larger one's scale."""
    return float((one.double() - other.double()).abs().max()) <= limit * max(1.0, float(other.double().abs().max()))


def over_all(query: Tensor, keys: Tensor, values: Tensor) -> Partial:
    """Return every agent's attention to a shared block, by the plain way."""
    rows = query.view(B, KV, -1, DIM).transpose(0, 1).reshape(1, KV, -1, DIM)
    found = partial.over(rows.double(), keys[None].double(), values[None].double())
    out = found.out[0].view(KV, B, -1, DIM).transpose(0, 1)
    return Partial(out.to(query.dtype), found.lse[0].view(KV, B, -1).transpose(0, 1).float())


@pytest.mark.parametrize("dtype", DTYPES)
def test_norms_agree(dtype: torch.dtype) -> None:
    """Sum and norm equal the plain ones; the sum to the bit."""
    x, residual, weight = (drawn(*shape, dtype=dtype) for shape in ((B, 48), (B, 48), (48,)))
    for before in (None, residual):
        ours, plainly = loops.add_norm(x, before, weight, 1e-6), plain.add_norm(x, before, weight, 1e-6)
        assert torch.equal(ours[1], plainly[1])
        assert close(ours[0], plainly[0], LIMIT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_rotation_writes_only_its_own_column(dtype: torch.dtype) -> None:
    """Queries, keys and values equal the plain ones, and no other entry of the block changes."""
    qkv = drawn(B, (HEADS + 2 * KV) * DIM, dtype=dtype)
    cos, sin = (drawn(B, DIM // 2, dtype=torch.float32, seed=seed).repeat(1, 2) for seed in (1, 2))
    ours, plainly = (drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=3) for _ in range(2))
    before = ours.clone()
    query = loops.rotate_write(qkv, cos, sin, ours, COLUMNS)
    assert close(query, plain.rotate_write(qkv, cos, sin, plainly, COLUMNS), LIMIT[dtype])
    assert close(ours, plainly, LIMIT[dtype])
    ours[:, torch.arange(B), :, COLUMNS] = before[:, torch.arange(B), :, COLUMNS]
    assert torch.equal(ours, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("first", [0, 1])
def test_attention_agrees_however_the_rest_is_given(dtype: torch.dtype, first: int) -> None:
    """A shared block read here, the same as a prior, and nothing but own entries: all as the plain parts have it."""
    query, block = drawn(B, HEADS, DIM, dtype=dtype), drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=1)
    keys, values = drawn(KV, K, DIM, dtype=dtype, seed=2), drawn(KV, K, DIM, dtype=dtype, seed=3)
    columns = COLUMNS.clamp(min=first)
    prior = over_all(query, keys, values)
    wanted = plain.attend(query, block, columns, prior, first=first, width=CAP)
    read = loops.attend(query, block, columns, None, first=first, width=CAP, shared=(keys, values))
    given = loops.attend(query, block, columns, prior, first=first, width=CAP)
    assert close(read, wanted, LIMIT[dtype])
    assert close(given, wanted, LIMIT[dtype])
    own = plain.attend(query, block, columns, None, first=first, width=CAP)
    assert close(loops.attend(query, block, columns, None, first=first, width=CAP), own, LIMIT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_leader_sees_its_own_block(dtype: torch.dtype) -> None:
    """With a leader, agent 0 sees the prior and not the shared block; the others the block and no prior."""
    query, block = drawn(B, HEADS, DIM, dtype=dtype), drawn(2, B, KV, CAP, DIM, dtype=dtype, seed=1)
    keys, values = drawn(KV, K, DIM, dtype=dtype, seed=2), drawn(KV, K, DIM, dtype=dtype, seed=3)
    other = over_all(query, keys * 2, values + 1)
    lead = Partial(other.out[:1], other.lse[:1])
    found = loops.attend(query, block, COLUMNS, lead, first=0, width=CAP, shared=(keys, values), led=True)
    first = plain.attend(query, block, COLUMNS, other, first=0, width=CAP)
    rest = plain.attend(query, block, COLUMNS, over_all(query, keys, values), first=0, width=CAP)
    assert close(found[:1], first[:1], LIMIT[dtype])
    assert close(found[1:], rest[1:], LIMIT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_gates_agree_at_any_size(dtype: torch.dtype) -> None:
    """SiLU is right from -200 to 200, where its exponential would run over."""
    gate = torch.linspace(-200, 200, 801).to(dtype)[None]
    x = torch.cat((gate, torch.ones_like(gate)), -1)
    wanted = torch.nn.functional.silu(gate.double())
    assert close(loops.gated(x), wanted, LIMIT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_of_equals_is_chosen(dtype: torch.dtype) -> None:
    """The choice is the plain one's, and the lowest id wins a tie."""
    logits = drawn(B, 300, dtype=dtype)
    logits[:, 7] = logits[:, 211] = 99.0
    assert loops.best(logits).tolist() == [7] * B
    logits[:, [7, 211]] = drawn(B, 2, dtype=dtype, seed=1)
    assert torch.equal(loops.best(logits), plain.best(logits.float()))


def test_not_a_number_stays_one() -> None:
    """A broken state is not hidden: what is computed from a NaN is a NaN."""
    x = torch.full((1, 8), float("nan"))
    assert loops.add_norm(x, None, torch.ones(8), 1e-6)[0].isnan().all()
    assert loops.gated(x).isnan().all()
