"""A context as a point cloud: which vectors stand for its tokens, and who attended to whom."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.config import SPACES, choice
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.moments import Moments

if TYPE_CHECKING:
    from warp_cortex.context.context import Context


def points(
    context: "Context",
    space: str = "keys",
    *,
    layer: int | None = None,
    head: int | str | None = None,
    centre: bool = True,
) -> Tensor:
    """Return the held visible tokens of a context as a point cloud, float32 [T, P].

    space: `keys` without their rotation, `rotated` keys as cached, `values`, or `hidden`
    middle-layer states. layer: one layer, or None for all, each scaled to unit mean square so that
    none drowns the others. head: one KV head, None for all side by side, or "mean".

    Raises:
        ValueError: unknown space, no such layer or head, or `keys` of a model without rotary
        positions.
    """
    choice("space", space, SPACES)
    if space == "hidden":
        cloud = context.middle[context.positions].float()
        return cloud - cloud.mean(0) if centre else cloud
    spec = context.prism.spec
    layers = range(spec.num_layers) if layer is None else [_index("layer", layer, spec.num_layers)]
    parts = []
    for index in layers:
        block = layer_block(context, space, index)  # [H_kv, T, D]
        if head == "mean":
            part = block.mean(0)
        elif head is None:
            part = block.transpose(0, 1).flatten(1)
        else:
            part = block[_index("head", head, spec.num_kv_heads)]
        part = part - part.mean(0) if centre else part
        parts.append(
            part if layer is not None else part / part.square().mean().sqrt().clamp_min(1e-12)
        )
    return torch.cat(parts, dim=1)


def evidence(context: "Context", space: str = "keys", *, layer: int | None = None) -> Evidence:
    """Return what every landmark policy chooses from; a model without rotary positions gives its
    keys as they are.
    """
    seen, received = attention(context)
    keys = points(context, known(context, "keys"), layer=layer, centre=False)
    return Evidence(
        points=points(context, known(context, space), layer=layer),
        keys=keys,
        attention=seen,
        received=received,
    )


def known(context: "Context", space: str) -> str:
    """Return the space as this model has it: keys that were never rotated are the rotated ones."""
    return "rotated" if space == "keys" and context.prism.rotary is None else space


def measure(context: "Context", space: str, rows: Tensor | None = None) -> Moments:
    """Return centre and spread, per layer, of the vectors of some rows of the cache (all visible
    ones by default).
    """
    return Moments.stacked([Moments.of(part) for part in layers(context, space, rows)])


def framed(context: "Context", space: str, rows: Tensor, frame: Moments) -> Tensor:
    """Return rows of the cache as points, float32 [T, P], in units measured once and for all.

    In the frame `measure` takes over a whole context these are the points of `points`, whatever is
    read later; the hidden space, which has one layer, is centred only.
    """
    parts = enumerate(layers(context, space, rows))
    scale = torch.ones_like(frame.scale) if space == "hidden" else frame.scale
    return torch.cat([(part - frame.mean[layer]) / scale[layer] for layer, part in parts], 1)


def attention(context: "Context", rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return attention [W, T] of the last W tokens and what each token receives [T]; see
    `QueryLog.attention`.

    rows: of the cache, int64 [T]; every visible one by default. Weights sum to one over the rows
    that are given.
    """
    rows = context.store.text_rows() if rows is None else rows
    return context.queries.attention(
        context.store.data[:, 0].index_select(2, rows), context.store.positions[rows]
    )


def layers(context: "Context", space: str, rows: Tensor | None) -> Iterator[Tensor]:
    """Yield each layer's vectors of some rows, all KV heads side by side, float32 [T, P]; one layer
    if hidden.
    """
    rows = context.store.text_rows() if rows is None else rows
    if space == "hidden":
        yield context.middle[context.store.positions[rows]].float()
        return
    for layer in range(context.prism.spec.num_layers):
        yield layer_block(context, space, layer, rows).transpose(0, 1).flatten(1)


def layer_block(context: "Context", space: str, layer: int, rows: Tensor | None = None) -> Tensor:
    """Return one layer's keys or values of some rows (by default the visible tokens), float32
    [H_kv, T, D].
    """
    rows = context.store.text_rows() if rows is None else rows
    rotary = context.prism.rotary
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
