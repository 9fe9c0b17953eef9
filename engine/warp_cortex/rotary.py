"""A model's own rotary embedding: the cos and sin it uses at a position, and which components it pairs.

The tables come from the model's module, so every variant (linear, YaRN, partial, per-layer-type) is right by
construction; the layout is found by looking at what the model caches, not by its name.
"""

import inspect
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.rope import LAYOUTS, unrotate

MAX_PROBE_ERROR = 0.05  # relative; half precision stays below 0.01, a wrong layout is near 1


@dataclass(frozen=True, slots=True)
class Rotary:
    """cos and sin for every layer of one model."""

    module: nn.Module
    layout: str
    layer_types: tuple[str, ...] | None

    def tables(self, positions: Tensor, layer: int) -> tuple[Tensor, Tensor]:
        """Return cos and sin, float32 [T, R], at int64 positions [T]; R components are rotated."""
        return _tables(self.module, positions, self.layer_types[layer] if self.layer_types else None)

    def unrotated(self, keys: Tensor, positions: Tensor, layer: int) -> Tensor:
        """Return keys [H_kv, T, D] of one layer as float32 without their rotation."""
        cos, sin = self.tables(positions, layer)
        return unrotate(keys.float(), cos, sin, layout=self.layout)


def find_rotary(model: PreTrainedModel, layer_types: tuple[str, ...] | None) -> Rotary | None:
    """Return the model's rotary embedding with the layout still to be probed, or None if it has none."""
    for name, module in model.named_modules():
        if name.rsplit(".", 1)[-1] == "rotary_emb":
            typed = "layer_type" in inspect.signature(module.forward).parameters
            return Rotary(module, "half", layer_types if typed else None)
    return None


def probe_layout(rotary: Rotary, first: Tensor, later: Tensor, position: int) -> Rotary | None:
    """Return the rotary embedding with the layout that explains what the model caches, or None if none does.

    first, later: the first layer's keys [H_kv, 1, D] of the same token at position 0 and at `position`. Without
    their rotation they must agree, because first-layer keys depend on nothing but the token.
    """
    errors = {}
    for layout in LAYOUTS:
        candidate = Rotary(rotary.module, layout, rotary.layer_types)
        here = candidate.unrotated(first, torch.zeros(1, dtype=torch.long, device=first.device), 0)
        there = candidate.unrotated(later, torch.full((1,), position, device=first.device), 0)
        errors[layout] = float((here - there).norm() / here.norm().clamp_min(1e-12))
    best = min(errors, key=lambda layout: errors[layout])
    if errors[best] > MAX_PROBE_ERROR:
        return None
    return Rotary(rotary.module, best, rotary.layer_types)


def _tables(module: nn.Module, positions: Tensor, layer_type: str | None) -> tuple[Tensor, Tensor]:
    like = torch.zeros(1, dtype=torch.float32, device=positions.device)
    options = {} if layer_type is None else {"layer_type": layer_type}
    cos, sin = module(like, positions[None], **options)
    return cos[0].float(), sin[0].float()
