"""The Triton kernels that `decode_triton` launches; its functions give shapes and meanings."""

import triton
import triton.language as tl


@triton.jit
def add_norm(
    x, residual, weight, out, total, eps, size, has_residual: tl.constexpr, width: tl.constexpr
):
    """Write the RMS norm of one row of x + residual, and the sum; one program per row."""
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
def rotate_write(
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
    """Rotate one agent's queries and keys, write its keys and values; one program per agent."""
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
    """Take one tile of entries into a running softmax.

    keys, values: pointers [block, dim]. seen: [block].
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
def attend(
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
    """Attend to one agent's entries with the query heads of one KV head, one program for each."""
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
def gated(x, out, size, tile: tl.constexpr):
    """Write SiLU(gate) * up of one tile of one row; one program per row and tile."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * tile + tl.arange(0, tile)
    inside = at < size
    gate = tl.load(x + row * 2 * size + at, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(x + row * 2 * size + size + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out + row * size + at, gate * tl.sigmoid(gate) * up, mask=inside)
