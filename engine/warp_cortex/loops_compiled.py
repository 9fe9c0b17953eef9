"""The loops themselves, over arrays: float32, or bfloat16 as uint16 bits."""
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call, import-not-found, import-untyped"
# mypy: disable-error-code="misc, call-arg, var-annotated"
# ruff: noqa: ANN001, ANN201, ANN202, ARG001, ARG005, FURB136, PLR0917 - compiled code: types are found at the first call, arguments are positional

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

# sums may be reordered and fused; infinities and NaN keep their meaning
FAST = {"reassoc", "contract", "nsz", "arcp"}
LOG2E = np.float32(1.4426950408889634)


@intrinsic
def _as_float(_, value):
    """The float32 with these bits."""
    return types.float32(types.uint32), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.FloatType())


@intrinsic
def _as_bits(_, value):
    """The bits of a float32."""
    return types.uint32(types.float32), lambda _c, builder, _s, args: builder.bitcast(args[0], ir.IntType(32))


def wide(number):
    """Return a stored number as float32; compiled by type below."""
    raise NotImplementedError(number)


def narrow(number, like):
    """Return a float32 as it is stored in `like`; compiled by type below."""
    raise NotImplementedError(number, like)


@overload(wide, inline="always")
def _wide(number):
    if isinstance(number, types.Float):
        return lambda number: number
    return lambda number: _as_float(np.uint32(number) << np.uint32(16))


@overload(narrow, inline="always")
def _narrow(number, like):
    if isinstance(like.dtype, types.Float):
        return lambda number, like: number

    def rounded(number, like):
        raw = _as_bits(number)  # to nearest, ties to even; a NaN keeps a bit
        return np.uint16((raw + np.uint32(0x7FFF) + ((raw >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16))

    return rounded


@njit(inline="always", fastmath=FAST)
def _exp(x):
    """Return exp of a float32 to 2e-7, relative; below -87 as at -87, above 87 as at 87."""
    x = np.float32(-87.0) if x < np.float32(-87.0) else x
    x = np.float32(87.0) if x > np.float32(87.0) else x
    y = x * LOG2E
    whole = np.floor(y + np.float32(0.5))
    part = y - whole
    power = np.float32(1.5403530393381609e-4)
    power = power * part + np.float32(1.3333558146428443e-3)
    power = power * part + np.float32(9.618129107628477e-3)
    power = power * part + np.float32(5.550410866482158e-2)
    power = power * part + np.float32(2.402265069591007e-1)
    power = power * part + np.float32(6.931471805599453e-1)
    power = power * part + np.float32(1.0)
    return power * _as_float(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def norm(x, weight, out, eps):
    """RMS norm of every row."""
    size = x.shape[1]
    for row in range(len(x)):
        mass = np.float32(0.0)
        for at in range(size):
            value = wide(x[row, at])
            mass += value * value
        scale = np.float32(1.0) / np.sqrt(mass / np.float32(size) + np.float32(eps))
        for at in range(size):
            out[row, at] = narrow(wide(narrow(wide(x[row, at]) * scale, out)) * wide(weight[at]), out)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def add_norm(x, residual, weight, out, total, eps):
    """The sum of two rows, and its RMS norm."""
    size = x.shape[1]
    for row in range(len(x)):
        mass = np.float32(0.0)
        for at in range(size):
            stored = narrow(wide(x[row, at]) + wide(residual[row, at]), total)
            total[row, at] = stored
            value = wide(stored)
            mass += value * value
        scale = np.float32(1.0) / np.sqrt(mass / np.float32(size) + np.float32(eps))
        for at in range(size):
            out[row, at] = narrow(wide(narrow(wide(total[row, at]) * scale, out)) * wide(weight[at]), out)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def rotate_write(qkv, cos, sin, block, columns, query):
    """Rotate queries and keys; keys and values go to block [2, S, H_kv, capacity, D] at each agent's column."""
    heads, dim = query.shape[1], query.shape[2]
    kv_heads, half = block.shape[2], dim // 2
    for agent in range(len(qkv)):
        column = columns[agent]
        for head in range(heads + kv_heads):
            start = head * dim
            target = query[agent, head] if head < heads else block[0, agent, head - heads, column]
            for at in range(half):
                left, right = wide(qkv[agent, start + at]), wide(qkv[agent, start + half + at])
                cosine, sine = cos[agent, at], sin[agent, at]
                target[at] = narrow(left * cosine - right * sine, query)
                target[half + at] = narrow(right * cosine + left * sine, query)
        for head in range(kv_heads):
            start = (heads + kv_heads + head) * dim
            target = block[1, agent, head, column]
            for at in range(dim):
                target[at] = qkv[agent, start + at]


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def weigh(query, block, columns, scores, own, lse, count, share, first, led):
    """Softmax over shared scores [H_kv, B G, K] (in place), own entries (into own [B, H_q, W]) and a prior."""
    heads, dim = query.shape[1], query.shape[2]
    group, num_shared = heads // block.shape[2], scores.shape[2]
    scale = np.float32(1.0) / np.sqrt(np.float32(dim))
    common, asked = np.empty(num_shared, np.float32), np.empty(dim, np.float32)
    for agent in range(len(query)):
        num = columns[agent] + 1 - first
        seen = 0 if led and agent == 0 else num_shared
        for head in range(heads):
            lane = head // group
            for at in range(dim):
                asked[at] = wide(query[agent, head, at]) * scale
            row, mine = scores[lane, agent * group + head - lane * group], own[agent, head]
            before = lse[agent, head] if agent < count else np.float32(-np.inf)
            top = max(before, _score(asked, block[0, agent, lane, first:], mine, num))
            for entry in range(seen):
                top = max(top, wide(row[entry]) * scale)
            mass = _exponents(row, seen, scale, top, common)
            for entry in range(num):
                mine[entry] = _exp(mine[entry] - top)
                mass += mine[entry]
            prior = _exp(before - top) if agent < count else np.float32(0.0)
            part = np.float32(1.0) / (mass + prior)
            for entry in range(num_shared):
                row[entry] = narrow(common[entry] * part if entry < seen else np.float32(0.0), scores)
            for entry in range(num):
                mine[entry] *= part
            share[agent, head] = prior * part


@njit(inline="always", fastmath=FAST)
def _score(asked, keys, out, num):
    """Write the products with the first `num` keys; return the highest."""
    top = np.float32(-np.inf)
    for entry in range(num):
        dot = np.float32(0.0)
        for at in range(len(asked)):
            dot += asked[at] * wide(keys[entry, at])
        out[entry] = dot
        top = max(top, dot)
    return top


@njit(inline="always", fastmath=FAST)
def _exponents(row, seen, scale, top, out):
    """Write the exponentials of the first `seen` scores under `top`; return their sum."""
    mass = np.float32(0.0)
    for entry in range(seen):
        out[entry] = _exp(wide(row[entry]) * scale - top)
        mass += out[entry]
    return mass


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def mix(block, columns, own, shared, has_shared, out, first):
    """Sum own values by their weights, and what came from the shared block ([H_kv B G, D]); into out [B, H_q D]."""
    heads, dim = own.shape[1], block.shape[4]
    group, num_agents = heads // block.shape[2], len(own)
    total = np.empty(dim, np.float32)
    for agent in range(num_agents):
        num = columns[agent] + 1 - first
        for head in range(heads):
            lane = head // group
            if has_shared:
                row = shared[(lane * num_agents + agent) * group + head - lane * group]
                for at in range(dim):
                    total[at] = wide(row[at])
            else:
                total[:] = np.float32(0.0)
            for entry in range(num):
                value, weight = block[1, agent, lane, first + entry], own[agent, head, entry]
                for at in range(dim):
                    total[at] += weight * wide(value[at])
            for at in range(dim):
                out[agent, head * dim + at] = narrow(total[at], out)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def gated(x, out):
    """SiLU of the left half of every row, times its right half."""
    size = out.shape[1]
    for row in range(len(out)):
        for at in range(size):
            gate = wide(x[row, at])
            opened = gate / (np.float32(1.0) + _exp(-gate))
            out[row, at] = narrow(opened * wide(x[row, size + at]), out)


@njit(nogil=True, cache=True, error_model="numpy")
def best(logits, out):
    """The first of each row's highest numbers; a NaN is never chosen."""
    for row in range(len(logits)):
        top = np.float32(-np.inf)
        for at in range(logits.shape[1]):
            value = wide(logits[row, at])
            top = value if value > top else top
        out[row] = 0
        for at in range(logits.shape[1]):
            if wide(logits[row, at]) == top:
                out[row] = at
                break
