"""The compiled loops of `decode_cpu`, over arrays of float32 or bfloat16 bits."""

import numpy as np
from numba import njit

from warp_cortex.kernels.numba_bfloat16 import FAST, exp, fetch, narrow, wide

SCANNED = 64  # logits compared at once


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
            out[row, at] = narrow(
                wide(narrow(wide(x[row, at]) * scale, out)) * wide(weight[at]), out
            )


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
            out[row, at] = narrow(
                wide(narrow(wide(total[row, at]) * scale, out)) * wide(weight[at]), out
            )


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def rotate_write(qkv, cos, sin, keys, values, columns, query):
    """Rotate queries and keys; write keys and values at each agent's column.

    keys, values: [S, H_kv, capacity, D].
    """
    heads = query.shape[1]
    dim = query.shape[2]
    kv_heads = keys.shape[1]
    half = dim // 2
    for agent in range(len(qkv)):
        column = columns[agent]
        for head in range(heads + kv_heads):
            start = head * dim
            target = query[agent, head] if head < heads else keys[agent, head - heads, column]
            for at in range(half):
                left = wide(qkv[agent, start + at])
                right = wide(qkv[agent, start + half + at])
                cosine = cos[agent, at]
                sine = sin[agent, at]
                target[at] = narrow(left * cosine - right * sine, query)
                target[half + at] = narrow(right * cosine + left * sine, query)
        for head in range(kv_heads):
            start = (heads + kv_heads + head) * dim
            target = values[agent, head, column]
            for at in range(dim):
                target[at] = qkv[agent, start + at]


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def weigh(query, keys, columns, scores, own, lse, count, share, first, led):
    """Softmax over shared scores, own entries and a prior.

    scores: [H_kv, B G, K], replaced by weights. own: [B, H_q, W], filled with weights. share: [B,
    H_q], filled with the prior's weight.
    """
    heads = query.shape[1]
    dim = query.shape[2]
    lanes = keys.shape[1]
    num_shared = scores.shape[2]
    group = heads // lanes
    scale = np.float32(1.0) / np.sqrt(np.float32(dim))
    common = np.empty(num_shared, np.float32)
    tops = np.empty(group, np.float32)
    asked = np.empty((group, dim), np.float32)
    for agent in range(len(query)):
        num = columns[agent] + 1 - first
        seen = 0 if led and agent == 0 else num_shared
        after = min(agent + 1, len(query) - 1)
        for lane in range(lanes):
            begin = lane * group
            for head in range(group):
                for at in range(dim):
                    asked[head, at] = wide(query[agent, begin + head, at]) * scale
            mine = own[agent, begin : begin + group]
            _score(asked, keys[agent, lane, first:], keys[after, lane, first:], mine, num, tops)
            for head in range(group):
                row = scores[lane, agent * group + head]
                before = lse[agent, begin + head] if agent < count else np.float32(-np.inf)
                top = max(before, tops[head])
                for entry in range(seen):
                    top = max(top, wide(row[entry]) * scale)
                mass = _exponents(row, seen, scale, top, common)
                for entry in range(num):
                    mine[head, entry] = exp(mine[head, entry] - top)
                    mass += mine[head, entry]
                prior = exp(before - top) if agent < count else np.float32(0.0)
                part = np.float32(1.0) / (mass + prior)
                for entry in range(num_shared):
                    row[entry] = narrow(
                        common[entry] * part if entry < seen else np.float32(0.0), scores
                    )
                for entry in range(num):
                    mine[head, entry] *= part
                share[agent, begin + head] = prior * part


@njit(inline="always", fastmath=FAST)
def _score(asked, keys, ahead, out, num, tops):
    """Write the products of G queries with the first `num` keys, [G, W], and each query's highest.

    A step reads more than fits a cache, and one agent's entries lie apart from the next one's:
    while these are multiplied, the next agent's (`ahead`) are fetched.
    """
    group, dim = asked.shape
    line = 64 // keys.itemsize
    tops[:] = np.float32(-np.inf)
    for entry in range(num):
        for at in range(0, dim, line):
            fetch(ahead, entry * dim + at)
        for head in range(group):
            dot = np.float32(0.0)
            for at in range(dim):
                dot += asked[head, at] * wide(keys[entry, at])
            out[head, entry] = dot
            tops[head] = max(tops[head], dot)


@njit(inline="always", fastmath=FAST)
def _exponents(row, seen, scale, top, out):
    """Write the exponentials of the first `seen` scores under `top`; return their sum."""
    mass = np.float32(0.0)
    for entry in range(seen):
        out[entry] = exp(wide(row[entry]) * scale - top)
        mass += out[entry]
    return mass


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def mix(values, columns, own, shared, has_shared, out, first):
    """Sum own values by weight and the shared block's part [H_kv B G, D]; out: [B, H_q D]."""
    heads = own.shape[1]
    lanes = values.shape[1]
    dim = values.shape[3]
    num_agents = len(own)
    group = heads // lanes
    total = np.empty((group, dim), np.float32)
    for agent in range(num_agents):
        num = columns[agent] + 1 - first
        after = min(agent + 1, num_agents - 1)
        for lane in range(lanes):
            for head in range(group):
                for at in range(dim):
                    total[head, at] = (
                        wide(shared[(lane * num_agents + agent) * group + head, at])
                        if has_shared
                        else np.float32(0.0)
                    )
            mine = own[agent, lane * group : (lane + 1) * group]
            _gather(values[agent, lane, first:], values[after, lane, first:], mine, num, total)
            for head in range(group):
                for at in range(dim):
                    out[agent, (lane * group + head) * dim + at] = narrow(total[head, at], out)


@njit(inline="always", fastmath=FAST)
def _gather(values, ahead, weights, num, total):
    """Add the first `num` values by the weights of G queries, [G, W].

    The next agent's values are fetched meanwhile, as in `_score`.
    """
    group, dim = total.shape
    line = 64 // values.itemsize
    for entry in range(num):
        for at in range(0, dim, line):
            fetch(ahead, entry * dim + at)
        for head in range(group):
            weight = weights[head, entry]
            for at in range(dim):
                total[head, at] += weight * wide(values[entry, at])


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def gated(x, out):
    """SiLU of the left half of every row, times its right half."""
    size = out.shape[1]
    for row in range(len(out)):
        for at in range(size):
            gate = wide(x[row, at])
            opened = gate / (np.float32(1.0) + exp(-gate))
            out[row, at] = narrow(opened * wide(x[row, size + at]), out)


@njit(nogil=True, cache=True, error_model="numpy")
def best(logits, lows, highs, out):
    """Write the first of each row's highest numbers where the row's lowest and highest are finite.

    Blocks are compared without a branch, which the compiler turns into vector instructions.
    """
    size = logits.shape[1]
    for row in range(len(logits)):
        top = wide(highs[row])
        if not (np.isfinite(top) and np.isfinite(wide(lows[row]))):
            continue
        for start in range(0, size, SCANNED):
            stop = min(start + SCANNED, size)
            is_here = False
            for at in range(start, stop):
                is_here |= wide(logits[row, at]) == top
            if is_here:
                for at in range(start, stop):
                    if wide(logits[row, at]) == top:
                        out[row] = at
                        break
                break
