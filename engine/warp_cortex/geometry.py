"""A context as a point cloud: which vectors stand for its tokens, and who attended to whom."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.config import SPACES, choice
from warp_cortex.evidence import Evidence

if TYPE_CHECKING:
    from warp_cortex.context import Context


def points(
    context: "Context", space: str = "keys", *, layer: int | None = None, head: int | str | None = None,
    centre: bool = True,
) -> Tensor:  # fmt: skip
    """Return the held visible tokens of a context as a point cloud, float32 [T, P].

    space: `keys` without their rotation, `rotated` keys as cached, `values`, or `hidden` middle-layer states.
    layer: one layer, or None for all, each scaled to unit mean square so that none drowns the others.
    head: one KV head, None for all side by side, or "mean".

    Raises:
        ValueError: unknown space, no such layer or head, or `keys` of a model without rotary positions.
    """
    choice("space", space, SPACES)
    if space == "hidden":
        cloud = context.middle[context.positions].float()
        return cloud - cloud.mean(0) if centre else cloud
    spec = context.prism.spec
    layers = range(spec.num_layers) if layer is None else [_index("layer", layer, spec.num_layers)]
    parts = []
    for index in layers:
        block = _block(context, space, index)  # [H_kv, T, D]
        if head == "mean":
            part = block.mean(0)
        elif head is None:
            part = block.transpose(0, 1).flatten(1)
        else:
            part = block[_index("head", head, spec.num_kv_heads)]
        part = part - part.mean(0) if centre else part
        parts.append(part if layer is not None else part / part.square().mean().sqrt().clamp_min(1e-12))
    return torch.cat(parts, dim=1)


def evidence(context: "Context", space: str = "keys", *, layer: int | None = None) -> Evidence:
    """Return what every landmark policy chooses from; a model without rotary positions gives its keys as they are."""
    rotary = context.prism.rotary is not None
    seen, received = attention(context)
    return Evidence(
        points=points(context, "rotated" if space == "keys" and not rotary else space, layer=layer),
        keys=points(context, "keys" if rotary else "rotated", layer=layer, centre=False),
        attention=seen,
        received=received,
    )


def attention(context: "Context") -> tuple[Tensor, Tensor]:
    """Return attention [W, T] of the last W tokens and what each held token receives [T]; see `QueryLog.attention`."""
    rows = context.store.text_rows()
    return context.queries.attention(context.store.data[:, 0].index_select(2, rows), context.store.positions[rows])


def _block(context: "Context", space: str, layer: int) -> Tensor:
    """Return one layer's keys or values of the visible tokens, float32 [H_kv, T, D]."""
    rows, rotary = context.store.text_rows(), context.prism.rotary
    block = context.store.data[layer, 1 if space == "values" else 0].index_select(1, rows).float()
    if space != "keys":
        return block
    if rotary is None:
        msg = f"{context.prism.spec.name} has no rotary positions to undo; use space='rotated', 'values' or 'hidden'"
        raise ValueError(msg)
    return rotary.unrotated(block, context.store.positions[rows], layer)


def _index(name: str, value: int | str, count: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -count <= value < count:
        msg = f"{name} must be a whole number from 0 to {count - 1}, got {value!r}"
        raise ValueError(msg)
    return value % count
