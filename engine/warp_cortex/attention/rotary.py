"""Rotary embeddings (RoPE, arXiv 2104.09864): a model's tables and layout, and how to undo them.

A rotated key is `s * R(position) k`. The geometry of a cache is only meaningful without R, because
the same content moved by 4,096 positions would be displaced by more than its own norm.

The tables come from the model's module, so every variant (linear, YaRN, partial, per-layer-type) is
right by construction. The layout, and which layers rotate at all, is found from the keys that the
model caches, not from its name.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

MAX_PROBE_ERROR = 0.05  # relative; half precision stays below 0.01, a wrong layout is near 1


def turn_half(x: Tensor) -> Tensor:
    """Return (-x2, x1) of x = (x1, x2): a quarter turn of the planes that two halves form."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((-right, left), dim=-1)


def turn_pairs(x: Tensor) -> Tensor:
    """Return a quarter turn of the planes that neighbouring components form (GPT-J, Cohere)."""
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


LAYOUTS = {"half": turn_half, "pairs": turn_pairs, "mixed": turn_pairs}


def arrange(table: Tensor, layout: str) -> Tensor:
    """Return a table of cos or sin [T, R] in the order its layout needs.

    Models with the layout "mixed" (GLM, Helium, Ernie 4.5) rotate neighbours, but their tables
    repeat half by half.
    """
    return (
        table[..., : table.shape[-1] // 2].repeat_interleave(2, -1) if layout == "mixed" else table
    )


def rotate(keys: Tensor, cos: Tensor, sin: Tensor, *, layout: str = "half") -> Tensor:
    """Rotate the first `cos.shape[-1]` components of keys [..., T, D].

    The rest passes through (partial rotary).
    """
    size = cos.shape[-1]
    head = keys[..., :size]
    tail = keys[..., size:]
    return torch.cat((head * cos + LAYOUTS[layout](head) * sin, tail), dim=-1)


def unrotate(keys: Tensor, cos: Tensor, sin: Tensor, *, layout: str = "half") -> Tensor:
    """Undo `rotate`, the scaling that some variants (YaRN) fold into cos and sin included."""
    size = cos.shape[-1]
    head = keys[..., :size]
    tail = keys[..., size:]
    scale = cos * cos + sin * sin
    return torch.cat(((head * cos - LAYOUTS[layout](head) * sin) / scale, tail), dim=-1)


@dataclass(frozen=True, slots=True)
class Rotary:
    """cos and sin for every layer of one model; the layers in `bare` do not rotate their keys."""

    module: nn.Module
    layout: str
    layer_types: tuple[str, ...] | None
    bare: frozenset[int] = frozenset()

    def tables(self, positions: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Return cos and sin, float32 [T, R], at int64 positions [T]; R components are rotated."""
        cos, sin = _tables(
            self.module, positions, self.layer_types[layer] if self.layer_types else None
        )
        return arrange(cos, self.layout), arrange(sin, self.layout)

    def unrotated(self, keys: Tensor, positions: Tensor, layer: int) -> Tensor:
        """Return keys [H_kv, T, D] of one layer as float32 without their rotation."""
        if layer in self.bare:
            return keys.float()
        cos, sin = self.tables(positions, layer)
        return unrotate(keys.float(), cos, sin, layout=self.layout)


def find_rotary(model: PreTrainedModel, layer_types: tuple[str, ...] | None) -> Rotary | None:
    """Return the model's rotary embedding, its layout still to be probed; None if it has none."""
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] == "rotary_emb":
            typed = "layer_type" in inspect.signature(module.forward).parameters
            return Rotary(module, "half", layer_types if typed else None)
    return None


def probe_layout(
    rotary: Rotary, first: Sequence[Tensor], later: Sequence[Tensor], position: int
) -> Rotary | None:
    """Return the rotary embedding with the layout that explains the cached keys; None if none does.

    first, later: every layer's keys [H_kv, 1, D] of the same lone token at position 0 and at
    `position`. Without their rotation they must agree, because a token that sees only itself has
    the same states at every position.
    """
    pairs = enumerate(zip(first, later, strict=True))
    found = [_layout_of(rotary, layer, here, there, position) for layer, (here, there) in pairs]
    layouts = set(found) - {"bare"}
    if len(layouts) != 1 or None in layouts:
        return None
    bare = frozenset(layer for layer, layout in enumerate(found) if layout == "bare")
    return replace(rotary, layout=str(layouts.pop()), bare=bare)


def _layout_of(
    rotary: Rotary, layer: int, first: Tensor, later: Tensor, position: int
) -> str | None:
    """Return the layout under which one layer's two keys agree best; None if they agree in none.

    The layout is "bare" if the keys agree as they are.
    """
    candidates = {layout: replace(rotary, layout=layout) for layout in LAYOUTS}
    candidates["bare"] = replace(rotary, bare=frozenset({layer}))
    errors = {}
    for name, candidate in candidates.items():
        here = candidate.unrotated(
            first, torch.zeros(1, dtype=torch.long, device=first.device), layer
        )
        there = candidate.unrotated(later, torch.full((1,), position, device=first.device), layer)
        errors[name] = float((here - there).norm() / here.norm().clamp_min(1e-12))
    best = min(errors, key=lambda name: errors[name])
    return best if errors[best] <= MAX_PROBE_ERROR else None


def _tables(module: nn.Module, positions: Tensor, layer_type: str | None) -> tuple[Tensor, Tensor]:
    like = torch.zeros(1, dtype=torch.float32, device=positions.device)
    options = {} if layer_type is None else {"layer_type": layer_type}
    cos, sin = module(like, positions[None], **options)
    return cos[0].float(), sin[0].float()
