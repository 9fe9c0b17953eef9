"""The parts of a fast step between its matrix products, as one Triton kernel each; `plain` is the
reference.

Scores, softmax and norms are in float32 whatever the cache holds. Triton comes with CUDA builds of
torch.
"""

import sys

import torch
import triton
import triton.language as tl
from torch import Tensor

from warp_cortex.attention.partial import Partial
from warp_cortex.kernels.decode_torch import best

__all__ = ["MOST_AGENTS", "MOST_SHARED", "add_norm", "attend", "best", "gated", "rotate_write"]

ROWS = 16  # the smallest tile a matrix unit takes: a group of query heads is padded to it
BLOCK = 32  # private entries per tile
TILE = 1024  # MLP columns per program
MOST_AGENTS = sys.maxsize  # that take a step together
# shared entries that the kernel reads itself, once per agent, out of the second-level cache
MOST_SHARED = 256


def add_norm(
    x: Tensor, residual: Tensor | None, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return (RMS norm of x + residual, x + residual), both [B, C]."""
    num, size = x.shape
    out = torch.empty_like(x)
    total = x if residual is None else torch.empty_like(x)
    width = triton.next_power_of_2(size)
    _add_norm[(num,)](
        x,
        x if residual is None else residual,
        weight,
        out,
        total,
        eps,
        size,
        has_residual=residual is not None,
        width=width,
        num_warps=4 if width <= 2048 else 8,
    )
    return out, total


def rotate_write(qkv: Tensor, cos: Tensor, sin: Tensor, block: Tensor, columns: Tensor) -> Tensor:
    """Rotate queries and keys, write keys and values behind each agent's own entries; return
    queries [B, H_q, D].
    """
    num = len(qkv)
    dim = block.shape[4]
    kv_heads = block.shape[2]
    heads = qkv.shape[1] // dim - 2 * kv_heads
    query = torch.empty((num, heads, dim), dtype=qkv.dtype, device=qkv.device)
    _rotate_write[(num,)](
        qkv,
        cos,
        sin,
        block,
        columns,
        query,
        block.stride(0),
        block.stride(1),
        block.stride(2),
        heads=heads,
        kv_heads=kv_heads,
        half=dim // 2,
        padded=triton.next_power_of_2(heads + 2 * kv_heads),
        num_warps=4,
    )
    return query


def attend(
    query: Tensor,
    block: Tensor,
    columns: Tensor,
    prior: Partial | None,
    *,
    first: int,
    width: int,
    shared: tuple[Tensor, Tensor] | None = None,
    led: bool = False,
) -> Tensor:
    """Attend to each agent's own entries `first .. columns` and to what `prior` already holds;
    return [B, H_q D].

    shared: keys and values [H_kv, K, D] of a small block that every agent sees. led: the prior is
    that of agent 0 alone, which in turn does not see the shared block. Only the entries an agent
    holds are read: `width` bounds nothing here.
    """
    del width
    num, heads, dim = query.shape
    kv_heads = block.shape[2]
    group = heads // kv_heads
    out = torch.empty((num, heads * dim), dtype=query.dtype, device=query.device)
    before, lse = (query, query) if prior is None else prior
    strides = (0, 0, 0, 0, 0, 0) if prior is None else (*before.stride()[:3], *lse.stride())
    keys, values = (query, query) if shared is None else shared
    _attend[(num, kv_heads)](
        query,
        block,
        columns,
        before,
        lse,
        keys,
        values,
        out,
        dim**-0.5,
        first,
        0 if shared is None else keys.shape[1],
        block.stride(0),
        block.stride(1),
        block.stride(2),
        0 if shared is None else keys.stride(0),
        *strides,
        has_prior=prior is not None,
        has_shared=shared is not None,
        led=led,
        heads=heads,
        group=group,
        dim=dim,
        rows=max(ROWS, triton.next_power_of_2(group)),
        block=BLOCK,
        num_warps=2,
        num_stages=2,
    )
    return out


def gated(x: Tensor) -> Tensor:
    """Return SiLU(gate) * up, [B, I], of the two halves of x [B, 2 I]."""
    num = x.shape[0]
    size = x.shape[1] // 2
    out = torch.empty((num, size), dtype=x.dtype, device=x.device)
    _gated[(num, triton.cdiv(size, TILE))](x, out, size, tile=TILE, num_warps=4)
    return out


@triton.jit
def _add_norm(
    x, residual, weight, out, total, eps, size, has_residual: tl.constexpr, width: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64) * size
    at = tl.arange(0, width)
    inside = at < size
    value = tl.load(x + row + at, mask=inside, other=0.0)
    if has_residual:
        value = (
            value.to(tl.float32)
            + tl.load(residual + row + at, mask=inside, other=0.0).to(tl.float32)
        ).to(out.dtype.element_ty)
        tl.store(total + row + at, value, mask=inside)
    wide = value.to(tl.float32)
    scale = tl.rsqrt(tl.sum(wide * wide, axis=0) / size + eps)
    normed = (wide * scale).to(out.dtype.element_ty).to(tl.float32)
    tl.store(
        out + row + at,
        normed * tl.load(weight + at, mask=inside, other=0.0).to(tl.float32),
        mask=inside,
    )


@triton.jit
def _rotate_write(
    qkv,
    cos,
    sin,
    block,
    columns,
    query,
    value_stride,
    slot_stride,
    head_stride,
    heads: tl.constexpr,
    kv_heads: tl.constexpr,
    half: tl.constexpr,
    padded: tl.constexpr,
):
    agent = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, padded)[:, None]
    at = tl.arange(0, half)[None, :]
    dim: tl.constexpr = 2 * half
    source = qkv + agent * (heads + 2 * kv_heads) * dim + head * dim + at
    inside = head < heads + 2 * kv_heads
    left = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    right = tl.load(source + half, mask=inside, other=0.0).to(tl.float32)
    cosine = tl.load(cos + agent * dim + at)
    sine = tl.load(sin + agent * dim + at)
    is_query = head < heads
    is_value = head >= heads + kv_heads
    first = tl.where(is_value, left, left * cosine - right * sine)
    second = tl.where(is_value, right, right * cosine + left * sine)
    target = query + agent * heads * dim + head * dim + at
    tl.store(target, first, mask=is_query)
    tl.store(target + half, second, mask=is_query)
    column = tl.load(columns + agent)
    lane = head - heads - tl.where(is_value, kv_heads, 0)
    entry = (
        block
        + agent * slot_stride
        + tl.where(is_value, value_stride, 0)
        + lane * head_stride
        + column * dim
        + at
    )
    kept = inside & (head >= heads)
    tl.store(entry, first, mask=kept)
    tl.store(entry + half, second, mask=kept)


@triton.jit
def _absorb(asked, keys, values, seen, scale, top, mass, mixed):
    """Take one tile of entries into a running softmax. keys, values: pointers [block, dim]; seen:
    [block].
    """
    key = tl.load(keys, mask=seen[:, None], other=0.0)
    scores = tl.where(seen[None, :], tl.dot(asked, tl.trans(key)) * scale, float("-inf"))
    highest = tl.maximum(top, tl.max(scores, axis=1))
    weight = tl.exp(scores - highest[:, None])
    shrink = tl.exp(top - highest)
    value = tl.load(values, mask=seen[:, None], other=0.0)
    mass = mass * shrink + tl.sum(weight, axis=1)
    mixed = mixed * shrink[:, None] + tl.dot(weight.to(value.dtype), value)
    return highest, mass, mixed


@triton.jit
def _attend(
    query,
    cache,
    columns,
    prior,
    prior_lse,
    shared_keys,
    shared_values,
    out,
    scale,
    first,
    num_shared,
    value_stride,
    slot_stride,
    head_stride,
    shared_stride,
    prior_agent,
    prior_head,
    prior_row,
    lse_agent,
    lse_head,
    lse_row,
    has_prior: tl.constexpr,
    has_shared: tl.constexpr,
    led: tl.constexpr,
    heads: tl.constexpr,
    group: tl.constexpr,
    dim: tl.constexpr,
    rows: tl.constexpr,
    block: tl.constexpr,
):
    agent = tl.program_id(0).to(tl.int64)
    lane = tl.program_id(1)
    row = tl.arange(0, rows)
    at = tl.arange(0, dim)
    entry = tl.arange(0, block)
    live = row < group
    place = (agent * heads + lane * group + row)[:, None] * dim + at[None, :]
    asked = tl.load(query + place, mask=live[:, None], other=0.0)
    if has_prior:
        mine = live & (row + agent == row) if led else live  # agent 0 alone
        place_lse = agent * lse_agent + lane * lse_head + row * lse_row
        top = tl.load(prior_lse + place_lse, mask=mine, other=float("-inf")).to(tl.float32)
        mass = tl.full([rows], 1.0, tl.float32)
        source = (
            prior + agent * prior_agent + lane * prior_head + row[:, None] * prior_row + at[None, :]
        )
        mixed = tl.load(source, mask=mine[:, None], other=0.0).to(tl.float32)
    else:
        top = tl.full([rows], float("-inf"), tl.float32)
        mass = tl.zeros([rows], tl.float32)
        mixed = tl.zeros([rows, dim], tl.float32)
    tile = entry[:, None] * dim + at[None, :]
    if has_shared:
        visible = tl.where(agent == 0, 0, num_shared) if led else num_shared
        for start in range(0, visible, block):
            offset = lane * shared_stride + start * dim + tile
            top, mass, mixed = _absorb(
                asked,
                shared_keys + offset,
                shared_values + offset,
                start + entry < num_shared,
                scale,
                top,
                mass,
                mixed,
            )
    last = tl.load(columns + agent).to(tl.int32)
    keys = cache + agent * slot_stride + lane * head_stride
    for start in range(first, last + 1, block):
        where = keys + start * dim + tile
        top, mass, mixed = _absorb(
            asked, where, where + value_stride, start + entry <= last, scale, top, mass, mixed
        )
    tl.store(out + place, mixed / mass[:, None], mask=live[:, None])


@triton.jit
def _gated(x, out, size, tile: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * tile + tl.arange(0, tile)
    inside = at < size
    gate = tl.load(x + row * 2 * size + at, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(x + row * 2 * size + size + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + row * size + at, gate * tl.sigmoid(gate) * up, mask=inside)
