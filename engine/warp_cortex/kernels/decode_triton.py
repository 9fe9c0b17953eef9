"""The parts of a decode step between its matrix products, as one Triton kernel each.

`decode_torch` is the reference. Scores, softmax and norms are in float32 whatever the cache holds.
Triton comes with CUDA builds of torch.
"""

import sys

import torch
import triton
from torch import Tensor

from warp_cortex.attention.partial import Partial
from warp_cortex.kernels import decode_kernels_triton as kernels
from warp_cortex.kernels.decode_torch import best

__all__ = ["MOST_AGENTS", "MOST_SHARED", "add_norm", "attend", "best", "gated", "rotate_write"]

ROWS = 16  # the smallest tile a matrix unit takes: a group of query heads is padded to it
BLOCK = 32  # private entries per tile
TILE = 1024  # MLP columns per program
NARROW = 2048  # columns up to which a norm takes four warps
MOST_AGENTS = sys.maxsize  # agents that take a step together
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
    kernels.add_norm[(num,)](
        x,
        x if residual is None else residual,
        weight,
        out,
        total,
        eps,
        size,
        has_residual=residual is not None,
        width=width,
        num_warps=4 if width <= NARROW else 8,
    )
    return out, total


def rotate_write(qkv: Tensor, cos: Tensor, sin: Tensor, block: Tensor, columns: Tensor) -> Tensor:
    """Rotate queries and keys, write keys and values behind each agent's own; return queries."""
    num = len(qkv)
    dim = block.shape[4]
    kv_heads = block.shape[2]
    heads = qkv.shape[1] // dim - 2 * kv_heads
    query = torch.empty((num, heads, dim), dtype=qkv.dtype, device=qkv.device)
    kernels.rotate_write[(num,)](
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
    """Attend to each agent's own entries `first .. columns` and to `prior`; return [B, H_q D].

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
    kernels.attend[(num, kv_heads)](
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
    kernels.gated[(num, triton.cdiv(size, TILE))](x, out, size, tile=TILE, num_warps=4)
    return out
