"""Attention to one block of entries that all agents share, and to each agent's private entries.

Registered with transformers' attention interface under `NAME`, it replaces a model's attention
without touching its code. Scores against the shared block are one matrix product over all agents;
one softmax runs over both.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from warp_cortex.attention import partial
from warp_cortex.cache.store import SharedKV

NAME = "warp_cortex"
# sinks, biases, sparse choices, masks a model makes by itself
FOREIGN = (
    "s_aux",
    "sinks",
    "position_bias",
    "head_mask",
    "indices",
    "block_indices",
    "attention_mask",
)

# one model at a time: models are heard by way of transformers' one registry
_ASKING = threading.Lock()
_ASKED = threading.local()


class UnplannedError(ValueError):
    """The attention was called without the engine's plan."""


@dataclass(frozen=True, slots=True)
class Limits:
    """A layer's soft cap on its scores, and its window in positions; None where it has none."""

    softcap: float | None = None
    window: int | None = None


Tap = Callable[[int, Tensor, Limits], None]


@dataclass(slots=True)
class Plan:
    """What one forward pass may see; travels to every layer as the keyword `warp`.

    positions: int64 [B, T] of the queries. key_positions: int64 [B or 1, S] of the private entries.
    mask: bool [B or 1, T, S], True where a query may see a private entry; None when it sees all of
    them. causal: a query sees the `past` entries held before the pass and the pass's own up to
    itself; no mask is needed. span: an upper bound of query position minus key position, known
    without asking the device. tap: called with (layer, scaled query [B, H_q, T, D], limits) in
    every layer, to collect queries for attention that is computed later.
    """

    positions: Tensor
    key_positions: Tensor
    shared: SharedKV | None = None
    mask: Tensor | None = None
    causal: bool = False
    past: int = 0
    span: int = 0
    tap: Tap | None = None


def register() -> None:
    """Make the attention known to transformers under `NAME`; calling it again changes nothing."""
    AttentionInterface.register(NAME, attend)
    # never removed: a thread inside `windows_asked` may still look it up
    ALL_MASK_ATTENTION_FUNCTIONS[NAME] = _no_mask


@contextmanager
def windows_asked() -> Iterator[set[int]]:
    """Collect the sliding windows for which a model that this thread runs asks for a mask.

    The model gets no mask, as at other times. Models give a window to their attention, to their
    masks or to both; the engine honours only the window that the attention gets.
    """
    with _ASKING:
        _ASKED.windows = set()
        AttentionMaskInterface.register(NAME, _no_mask)  # in any thread, models ask from now on
        try:
            yield _ASKED.windows
        finally:
            known = AttentionMaskInterface._global_mapping  # noqa: SLF001 - it has no public pop
            known.pop(NAME, None)
            del _ASKED.windows


def _no_mask(*_: object, local_size: int | None = None, **__: object) -> None:
    """Make no mask; note the window if this thread wants to know."""
    windows: set[int] | None = getattr(_ASKED, "windows", None)
    if windows is not None and local_size is not None:
        windows.add(local_size)


def attend(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None = None,
    *,
    warp: Plan | None = None,
    scaling: float | None = None,
    softcap: float | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend to the shared block and the private entries under one softmax.

    query: [B, H_q, T, D]. key, value: [B, H_kv, S, D]. Returns [B, T, H_q, D] and None: weights are
    never kept.

    Raises:
        ValueError: the layer asks for something this attention does not know (sinks, an extra bias,
            a mask of its own), or the model was called past its Prism.
    """
    if warp is None:
        msg = (
            "this model is lent to a Prism, which alone may call it; close the Prism to use the "
            "model by itself"
        )
        raise UnplannedError(msg)
    options["attention_mask"] = attention_mask
    if foreign := [name for name in FOREIGN if options.get(name) is not None]:
        kind = type(module).__name__
        msg = f"{kind} uses {', '.join(foreign)}, which shared-context attention does not support"
        raise ValueError(msg)
    if warp.shared is not None and key.shape[1] != warp.shared.keys.shape[1]:
        heads = f"{key.shape[1]} heads of keys where it caches {warp.shared.keys.shape[1]}"
        msg = f"{type(module).__name__} attends to {heads}, so what is cached cannot be shared"
        raise ValueError(msg)
    layer = _layer_of(module)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if warp.tap is not None:
        warp.tap(layer, query * scale, Limits(softcap, sliding_window))
    window = sliding_window if sliding_window is not None and warp.span >= sliding_window else None
    if warp.shared is None and softcap is None:
        out = _alone(query, key, value, warp, scale=scale, window=window)
    else:
        out = _together(
            query, key, value, warp, layer=layer, scale=scale, softcap=softcap, window=window
        )
    return out.contiguous(), None  # as transformers' own do: some models take a view of it


def _layer_of(module: Any) -> int:
    return int(module.layer_idx)


def _visible(plan: Plan, window: int | None, num_queries: int) -> Tensor | None:
    """Return bool [B or 1, T, S] of the private entries, or None when everything may be seen."""
    mask = plan.mask
    if plan.causal and num_queries > 1 and (mask is None):
        shape = (1, num_queries, plan.past + num_queries)
        mask = torch.ones(shape, dtype=torch.bool, device=plan.positions.device).tril(plan.past)
    if window is not None:
        near = plan.positions[:, :, None] - plan.key_positions[:, None, :] < window
        mask = near if mask is None else mask & near
    return mask


def _alone(
    query: Tensor, key: Tensor, value: Tensor, plan: Plan, *, scale: float, window: int | None
) -> Tensor:
    """Attend to private entries only, with the platform's fused kernel."""
    gqa = query.shape[1] != key.shape[1]
    if plan.causal and window is None and plan.past and query.shape[2] > 1:
        return partial.over_past(query, key, value, past=plan.past, scale=scale).transpose(1, 2)
    if plan.causal and window is None:
        out = functional.scaled_dot_product_attention(
            query,
            key,
            value,
            is_causal=not plan.past and query.shape[2] > 1,
            scale=scale,
            enable_gqa=gqa,
        )
    else:
        mask = _visible(plan, window, query.shape[2])
        mask = None if mask is None else mask[:, None]
        out = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scale, enable_gqa=gqa
        )
    return out.transpose(1, 2)


def _together(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    plan: Plan,
    *,
    layer: int,
    scale: float,
    softcap: float | None,
    window: int | None,
) -> Tensor:
    """Attend to shared and private entries: two score products, one softmax, two value products."""
    num_agents, heads, num_queries, dim = query.shape
    kv_heads = key.shape[1]
    rows = heads // kv_heads * num_queries
    grouped = (query * scale).reshape(num_agents, kv_heads, rows, dim)
    own = _softcap(grouped @ key.transpose(-1, -2), softcap)
    visible = _visible(plan, window, num_queries)
    if visible is not None:
        own = own.view(num_agents, kv_heads, -1, num_queries, key.shape[2])
        own = own.masked_fill(~visible[:, None, None], float("-inf")).view(
            num_agents, kv_heads, rows, key.shape[2]
        )
    if plan.shared is None:
        weights = own.softmax(-1, dtype=torch.float32).to(value.dtype)
        out = weights @ value
    else:
        across = grouped.transpose(0, 1).reshape(kv_heads, num_agents * rows, dim)
        common = _softcap(across @ plan.shared.keys[layer].transpose(-1, -2), softcap)
        common = _mask_shared(common, plan, layer=layer, window=window, rows=rows)
        num_shared = common.shape[-1]
        common = common.view(kv_heads, num_agents, rows, num_shared).transpose(0, 1)
        weights = torch.cat((common, own), dim=-1).softmax(-1, dtype=torch.float32).to(value.dtype)
        left = (
            weights[..., :num_shared]
            .transpose(0, 1)
            .reshape(kv_heads, num_agents * rows, num_shared)
        )
        out = (
            (left @ plan.shared.values[layer]).view(kv_heads, num_agents, rows, dim).transpose(0, 1)
        )
        out = out + weights[..., num_shared:] @ value
    return out.reshape(num_agents, heads, num_queries, dim).transpose(1, 2)


def _softcap(scores: Tensor, softcap: float | None) -> Tensor:
    return scores if softcap is None else softcap * torch.tanh(scores / softcap)


def _mask_shared(
    scores: Tensor, plan: Plan, *, layer: int, window: int | None, rows: int
) -> Tensor:
    """Add the landmarks' bias and hide those outside a sliding window.

    scores: [H_kv, B * rows, K].
    """
    shared = plan.shared
    assert shared is not None
    if shared.bias is not None:
        scores = scores + shared.bias[layer][:, None, :].to(scores.dtype)
    if window is None:
        return scores
    near = plan.positions[:, :, None] - shared.positions < window  # [B, T, K]
    group = rows // plan.positions.shape[1]
    near = near[:, None].expand(-1, group, -1, -1).reshape(1, -1, near.shape[-1])
    return scores.masked_fill(~near, float("-inf"))
