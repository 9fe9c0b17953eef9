"""The arrays of a trace: what a viewer needs of the River's cache and of the thoughts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from warp_cortex.context.context import Context

NUM_LAYERS = 4  # layers whose keys a trace holds, spread evenly over the model


def trace_arrays(context: Context, thoughts: Sequence[Tensor]) -> dict[str, NDArray[Any]]:
    """Return the arrays of `Trace`, of the tokens that the cache still holds; {} if it has none.

    thoughts: the middle-layer state [C] of every finished thought, in the order of judgement.
    """
    if not context.num_tokens:
        return {}
    prism = context.prism
    layers = np.unique(np.linspace(0, prism.spec.num_layers - 1, NUM_LAYERS).astype(np.int64))
    space = "keys" if prism.rotary is not None else "rotated"
    clouds = [context.points(space, layer=int(layer), centre=False) for layer in layers]
    arrays: dict[str, NDArray[Any]] = {
        "layers": layers,
        "keys": np.stack([_by_head(cloud, prism.spec.num_kv_heads) for cloud in clouds]),
        "hidden": _half(context.middle),
        "positions": context.positions.cpu().numpy(),
        "attention": context.received().cpu().numpy(),
    }
    if thoughts:
        arrays["thoughts"] = torch.stack(list(thoughts)).numpy()
    return arrays


def _by_head(cloud: Tensor, num_kv_heads: int) -> NDArray[np.float16]:
    return _half(cloud.view(len(cloud), num_kv_heads, -1).transpose(0, 1))  # [H_kv, T, D]


def _half(tensor: Tensor) -> NDArray[np.float16]:
    limit = torch.finfo(torch.float16).max  # half precision would turn larger numbers into infinity
    return tensor.float().clamp(-limit, limit).half().cpu().numpy()
