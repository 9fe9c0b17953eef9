"""The reference for every answer: transformers' own model, attention and cache."""

from functools import cache
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from warp_cortex import SharedKV

from tests.engine.tiny import build_model


@cache
def reference(family: str, attention: str = "eager") -> Any:
    """Return a twin of `build_model(family)` that the engine never sees."""
    model = build_model(family)
    model.set_attn_implementation(attention)
    return model


@torch.no_grad()
def feed(
    family: str,
    ids: list[int],
    *,
    positions: range | None = None,
    cache: DynamicCache | None = None,
    mask: Tensor | None = None,
    attention: str = "eager",
) -> Tensor:
    """Return the twin's logits [T, V] after reading ids at positions, on top of a cache.

    mask: float [T, S], added to the scores of every layer in place of the causal triangle over
    cache order.
    """
    cache = DynamicCache() if cache is None else cache
    start = cache.get_seq_length()
    places = range(start, start + len(ids)) if positions is None else positions
    options: dict[str, Any] = {}
    if mask is not None:
        full = mask[None, None]
        types = set(getattr(reference(family).config, "layer_types", None) or ())
        options["attention_mask"] = dict.fromkeys(types, full) if len(types) > 1 else full
    return reference(family, attention)(
        input_ids=torch.tensor([ids]),
        position_ids=torch.tensor([list(places)]),
        past_key_values=cache,
        **options,
    ).logits[0]


def cache_of(block: SharedKV) -> DynamicCache:
    """Return transformers' cache holding copies of a block's entries."""
    cache = DynamicCache()
    for layer in range(block.keys.shape[0]):
        cache.update(block.keys[layer][None].clone(), block.values[layer][None].clone(), layer)
    return cache


def triangle(num_new: int, num_held: int) -> Tensor:
    """Return the additive causal mask [T, S] of new tokens over held entries and themselves."""
    mask = torch.full((num_new, num_held + num_new), float("-inf"))
    return mask.triu(num_held + 1)
