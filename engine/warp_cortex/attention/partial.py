"""Attention to a part of the entries, with what is needed to join it with attention to the rest.

A partial result and the logarithm of the sum of its exponentials (LSE) determine the softmax over
both parts.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from warp_cortex.cache.store import SharedKV

FLASH = (torch.bfloat16, torch.float16)


class Partial(NamedTuple):
    """out: [..., D] over one part of the entries. lse: [...], log of its sum of exponentials."""

    out: Tensor
    lse: Tensor


def join(one: Partial, other: Partial) -> Tensor:
    """Return attention over both parts, in the dtype of the first."""
    weight = torch.sigmoid(one.lse - other.lse).to(one.out.dtype)[..., None]
    return other.out + weight * (one.out - other.out)


def over(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    *,
    bias: Tensor | None = None,
    causal: bool = False,
    scale: float | None = None,
) -> Partial:
    """Attend to a block without a mask, or (causal, R = K) to its lower triangle.

    query: [N, H, R, D]. keys, values: [N, H, K, D]. bias: [H, K] is added to the scores.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    aten = torch.ops.aten
    if query.is_cuda and query.dtype in FLASH and bias is None:
        flash = aten._scaled_dot_product_flash_attention  # noqa: SLF001 - the public one has no LSE
        out, lse, *_ = flash(query, keys, values, 0.0, causal, scale=scale)
        return Partial(out, lse)
    if not query.is_cuda and query.dtype != torch.float64 and bias is None:
        flash = aten._scaled_dot_product_flash_attention_for_cpu  # noqa: SLF001 - as above
        out, lse = flash(query, keys, values, 0.0, causal, scale=scale)
        return Partial(out, lse)
    scores = (query * scale) @ keys.transpose(-1, -2)
    scores = scores if bias is None else scores + bias[:, None].to(scores.dtype)
    if causal:
        above = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(above, float("-inf"))
    wide = scores if scores.dtype == torch.float64 else scores.float()
    return Partial(wide.softmax(-1).to(values.dtype) @ values, wide.logsumexp(-1))


def over_past(query: Tensor, keys: Tensor, values: Tensor, *, past: int, scale: float) -> Tensor:
    """Attend to `past` entries and then causally to the pass's own T; return [N, H_q, T, D].

    No [T, S] mask is made. query: [N, H_q, T, D]. keys, values: [N, H_kv, past + T, D].
    """
    num, heads, tokens, dim = query.shape
    group = heads // keys.shape[1]
    rows = query.reshape(num, keys.shape[1], group * tokens, dim)
    before = over(rows, keys[:, :, :past], values[:, :, :past], scale=scale)
    before = Partial(before.out.reshape(query.shape), before.lse.reshape(num, heads, tokens))
    own = [part[:, :, past:].repeat_interleave(group, 1) for part in (keys, values)]
    return join(over(query, own[0], own[1], causal=True, scale=scale), before)


def over_shared(query: Tensor, shared: SharedKV, layer: int) -> Partial:
    """Attend to a block that all agents share, which is read once for all of them.

    query: [B, H_q, D]. Returns out [B, H_kv, G, D] and lse [B, H_kv, G].
    """
    num, _, dim = query.shape
    kv_heads = shared.keys.shape[1]
    rows = query.view(num, kv_heads, -1, dim).transpose(0, 1).reshape(1, kv_heads, -1, dim)
    bias = None if shared.bias is None else shared.bias[layer]
    out, lse = over(rows, shared.keys[layer][None], shared.values[layer][None], bias=bias)
    shape = (kv_heads, num, -1)
    return Partial(
        out[0].reshape(*shape, dim).transpose(0, 1), lse[0].reshape(shape).transpose(0, 1)
    )


def over_common(query: Tensor, block: Tensor, count: int) -> Partial:
    """Attend to the first `count` entries of every agent's own slot.

    query: [B, H_q, D]. block: [2, S, H_kv, capacity, D]. Returns out [B, H_kv, G, D].
    """
    num, _, dim = query.shape
    grouped = query.reshape(num, block.shape[2], -1, dim)
    return over(grouped, block[0, :num, :, :count], block[1, :num, :, :count])
