"""Undoing and redoing rotary position embeddings (RoPE, arXiv 2104.09864) on cached keys.

A rotated key is `s * R(position) k`; the geometry of a cache is only meaningful without R, because the same content
moved by 4,096 positions would be displaced by more than its own norm.
"""

import torch
from torch import Tensor


def turn_half(x: Tensor) -> Tensor:
    """Return (-x2, x1) of x = (x1, x2): a quarter turn in every plane, planes split half and half."""
    left, right = x.chunk(2, dim=-1)
    return torch.cat((-right, left), dim=-1)


def turn_pairs(x: Tensor) -> Tensor:
    """Return a quarter turn in every plane, planes made of neighbouring components (GPT-J, Cohere)."""
    return torch.stack((-x[..., 1::2], x[..., ::2]), dim=-1).flatten(-2)


LAYOUTS = {"half": turn_half, "pairs": turn_pairs, "mixed": turn_pairs}


def arrange(table: Tensor, layout: str) -> Tensor:
    """Return a table of cos or sin [T, R] in the order its layout needs.

    Models with the layout "mixed" (GLM, Helium, Ernie 4.5) rotate neighbours, but their tables repeat half by half.
    """
    return table[..., : table.shape[-1] // 2].repeat_interleave(2, -1) if layout == "mixed" else table


def rotate(keys: Tensor, cos: Tensor, sin: Tensor, *, layout: str = "half") -> Tensor:
    """Rotate the first `cos.shape[-1]` components of keys [..., T, D]; the rest passes through (partial rotary)."""
    size = cos.shape[-1]
    head, tail = keys[..., :size], keys[..., size:]
    return torch.cat((head * cos + LAYOUTS[layout](head) * sin, tail), dim=-1)


def unrotate(keys: Tensor, cos: Tensor, sin: Tensor, *, layout: str = "half") -> Tensor:
    """Undo `rotate`, the scaling that some variants (YaRN) fold into cos and sin included."""
    size = cos.shape[-1]
    head, tail = keys[..., :size], keys[..., size:]
    scale = cos * cos + sin * sin
    return torch.cat(((head * cos - LAYOUTS[layout](head) * sin) / scale, tail), dim=-1)
