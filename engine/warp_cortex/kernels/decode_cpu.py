"""The parts of a decode step between its matrix products, as compiled loops for a CPU.

`decode_torch` is the reference. bfloat16 is read and written as its bits, because numba has no such
number; scores, softmax and norms are in float32. One call handles a whole batch: of so small a
model, per-operation costs of tensors would be most of the time.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from warp_cortex.attention.partial import Partial
from warp_cortex.kernels import decode_numba as compiled
from warp_cortex.kernels.decode_torch import BROKEN

MOST_SHARED = 512  # shared entries `attend` reads itself
# agents that take a step together: activations of more would leave a core's cache in between
MOST_AGENTS = 512


def bits(tensor: Tensor) -> NDArray[Any]:
    """Return a tensor's memory as an array; bfloat16 comes as its bits, uint16."""
    array: NDArray[Any] = (
        tensor.view(torch.uint16) if tensor.dtype == torch.bfloat16 else tensor
    ).numpy()
    return array


def add_norm(
    x: Tensor, residual: Tensor | None, weight: Tensor, eps: float
) -> tuple[Tensor, Tensor]:
    """Return (RMS norm of x + residual, x + residual), both [B, C]."""
    x = x.contiguous()
    out = torch.empty_like(x)
    if residual is None:
        compiled.norm(bits(x), bits(weight), bits(out), eps)
        return out, x
    total = torch.empty_like(x)
    compiled.add_norm(bits(x), bits(residual), bits(weight), bits(out), bits(total), eps)
    return out, total


def rotate_write(qkv: Tensor, cos: Tensor, sin: Tensor, block: Tensor, columns: Tensor) -> Tensor:
    """Rotate queries and keys, write keys and values behind each agent's own; return queries."""
    kv_heads = block.shape[2]
    dim = block.shape[4]
    heads = qkv.shape[1] // dim - 2 * kv_heads
    query = torch.empty((len(qkv), heads, dim), dtype=qkv.dtype)
    compiled.rotate_write(
        bits(qkv), bits(cos), bits(sin), bits(block[0]), bits(block[1]), bits(columns), bits(query)
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

    shared, led: see `decode_triton.attend`. The shared block is read by two matrix products for all
    agents together. Only entries that an agent holds are read: `width` bounds nothing here.
    """
    del width
    num, heads, dim = query.shape
    kv_heads = block.shape[2]
    group = heads // block.shape[2]
    out = torch.empty((num, heads * dim), dtype=query.dtype)
    if shared is None:
        scores = query.new_empty((kv_heads, num * group, 0))
    else:
        rows = (
            query.view(num, kv_heads, group, dim)
            .transpose(0, 1)
            .reshape(kv_heads, num * group, dim)
        )
        scores = rows @ shared[0].transpose(1, 2)
    own = np.empty((num, heads, block.shape[3] - first), np.float32)
    share = np.empty((num, heads), np.float32)  # of the prior, in the joint softmax
    lse, count = _lse(prior, heads)
    compiled.weigh(
        bits(query),
        bits(block[0]),
        bits(columns),
        bits(scores),
        own,
        lse,
        count,
        share,
        first,
        led,
    )
    mixed = None if shared is None else scores @ shared[1]
    common = bits((query if mixed is None else mixed).reshape(-1, dim))
    compiled.mix(bits(block[1]), bits(columns), own, common, mixed is not None, bits(out), first)
    if prior is not None:
        weight = torch.from_numpy(share[:count, :, None]).to(query.dtype)
        before = prior.out.reshape(count, heads, dim).to(query.dtype) * weight
        out[:count] += before.reshape(count, -1)
    return out


def gated(x: Tensor) -> Tensor:
    """Return SiLU(gate) * up, [B, I], of the two halves of x [B, 2 I]."""
    out = torch.empty((len(x), x.shape[1] // 2), dtype=x.dtype)
    compiled.gated(bits(x), bits(out))
    return out


def best(logits: Tensor) -> Tensor:
    """Return each row's most likely token, int64 [B], or BROKEN; the lowest id wins a tie."""
    logits = logits.contiguous()
    out = torch.full((len(logits),), BROKEN)
    compiled.best(bits(logits), bits(logits.amin(-1)), bits(logits.amax(-1)), bits(out))
    return out


def _lse(prior: Partial | None, heads: int) -> tuple[NDArray[Any], int]:
    """Return the prior's log-sums [N, H_q] as an array, and for how many agents it holds."""
    if prior is None:
        return np.empty((0, heads), np.float32), 0
    lse = prior.lse.reshape(-1, heads).float().contiguous()
    return lse.numpy(), len(lse)
