"""The parts of a decode step between its matrix products, in plain torch: the reference.

`decode_triton` has the same five functions for CUDA, `decode_cpu` for CPUs; where neither fits,
these run. Shapes: B agents, H_q / H_kv heads, D head size, K shared entries, V vocabulary.
"""

import sys

import torch
from torch import Tensor
from torch.nn import functional

from warp_cortex.attention.partial import Partial, join

MOST_SHARED = 0  # shared entries `attend` reads itself
MOST_AGENTS = sys.maxsize  # agents that take a step together
BROKEN = -1  # in place of a token: some of its logits are infinite or not a number


def add_norm(
    x: Tensor, residual: Tensor | None, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return (RMS norm of x + residual, x + residual), both [B, C].

    The norm is taken in float32 at least.
    """
    total = x if residual is None else x + residual
    wide = total if total.dtype == torch.float64 else total.float()
    normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)
    return weight * normed.to(total.dtype), total


def rotate_write(qkv: Tensor, cos: Tensor, sin: Tensor, block: Tensor, columns: Tensor) -> Tensor:
    """Rotate queries and keys, write keys and values behind each agent's own; return queries.

    qkv: [B, (H_q + 2 H_kv) D]. cos, sin: float32 [B, D] of each agent's position. block: [2, S,
    H_kv, capacity, D]. columns: int64 [B], where the new entries go. Returns [B, H_q, D].
    """
    kv_heads = block.shape[2]
    dim = block.shape[4]
    heads = qkv.view(len(qkv), -1, dim)
    turned = heads[:, :-kv_heads]
    half = torch.cat((-turned[..., dim // 2 :], turned[..., : dim // 2]), -1)
    turned = (turned * cos[:, None].to(qkv.dtype)) + half * sin[:, None].to(qkv.dtype)
    rows = torch.arange(len(qkv), device=qkv.device)
    block[0].transpose(1, 2)[rows, columns] = turned[:, -kv_heads:]
    block[1].transpose(1, 2)[rows, columns] = heads[:, -kv_heads:]
    return turned[:, :-kv_heads]


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
    """Attend to each agent's own entries `first .. columns` and to `prior`; return [B, H_q D].

    block: [2, S, H_kv, capacity, D]. width: entries that are looked at, no fewer than the longest
    agent's. shared, led: see `decode_triton.attend`; here a shared block is always part of the
    prior.
    """
    assert shared is None
    assert not led
    num, heads, dim = query.shape
    kv_heads = block.shape[2]
    grouped = query.reshape(num, kv_heads, heads // kv_heads, dim) * dim**-0.5
    keys = block[0, :num, :, first:width]
    values = block[1, :num, :, first:width]
    scores = grouped @ keys.transpose(-1, -2)
    hidden = torch.arange(first, width, device=query.device) > columns[:, None]
    scores = scores.masked_fill(hidden[:, None, None], float("-inf"))
    scores = scores if scores.dtype == torch.float64 else scores.float()
    if prior is None:
        alone: Tensor = (scores.softmax(-1).to(values.dtype) @ values).reshape(num, heads * dim)
        return alone
    own = Partial(scores.softmax(-1).to(values.dtype) @ values, scores.logsumexp(-1))
    both: Tensor = join(own, prior).reshape(num, heads * dim)
    return both


def gated(x: Tensor) -> Tensor:
    """Return SiLU(gate) * up, [B, I], of the two halves of x [B, 2 I]."""
    gate, up = x.chunk(2, -1)
    opened: Tensor = functional.silu(gate) * up
    return opened


def best(logits: Tensor) -> Tensor:
    """Return each row's most likely token, int64 [B], or BROKEN; the lowest id wins a tie.

    logits: [B, V].
    """
    # a NaN is both the lowest and the highest
    is_whole = torch.isfinite(logits.amin(-1)) & torch.isfinite(logits.amax(-1))
    return torch.where(is_whole, logits.argmax(-1), BROKEN)
