"""A text's tokens as points: which vectors stand for them, and how much attention they receive."""

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from warp_cortex.config import SPACES
from warp_cortex.config.checks import choice
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.moments import LEAST, Moments
from warp_cortex.landmarks.policies import NEEDS

if TYPE_CHECKING:
    from warp_cortex.cache.store import KVStore
    from warp_cortex.context.queries import QueryLog
    from warp_cortex.model.shared import SharedModel


class HeldText(Protocol):
    """What points are made from: the part of a `Context` that this module reads."""

    prism: "SharedModel"
    store: "KVStore"
    queries: "QueryLog"

    @property
    def middle(self) -> Tensor:
        """Middle-layer states of all visible tokens, [T, C]."""

    @property
    def positions(self) -> Tensor:
        """Positions of the visible tokens whose entries are held, int64 [T]."""


def points(
    text: HeldText,
    space: str = "keys",
    *,
    layer: int | None = None,
    head: int | str | None = None,
    centre: bool = True,
) -> Tensor:
    """Return the held visible tokens of a text as a point cloud, float32 [T, P].

    space: `keys` without their rotation, `rotated` keys as cached, `values`, or `hidden`
        middle-layer states.
    layer: one layer, or None for all, each scaled to unit mean square so that none drowns the
        others.
    head: one KV head, None for all, concatenated, or "mean".
    centre: whether the mean of the points is subtracted.

    Raises:
        ValueError: unknown space, no such layer or head, or `keys` of a model without rotary
            positions.
    """
    choice("space", space, SPACES)
    if space == "hidden":
        cloud = text.middle[text.positions].float()
        return cloud - cloud.mean(0) if centre else cloud
    parts = []
    for index in chosen_layers(text, layer):
        part = chosen_heads(layer_block(text, space, index), head)
        part = part - part.mean(0) if centre else part
        if layer is None:
            part = part / part.square().mean().sqrt().clamp_min(LEAST)
        parts.append(part)
    return torch.cat(parts, dim=1)


def evidence(
    text: HeldText,
    space: str = "keys",
    *,
    layer: int | None = None,
    needs: Collection[str] = NEEDS,
) -> Evidence:
    """Return what landmark policies choose by.

    space, layer: as for `points`; a model without rotary positions gives its keys as they are.
    needs: which parts besides the points are computed; all of them by default.
    """
    keys = seen = received = None
    if "attention" in needs or "received" in needs:
        seen, received = attention(text)
    if "keys" in needs:
        keys = points(text, known(text, "keys"), layer=layer, centre=False)
    cloud = points(text, known(text, space), layer=layer)
    return Evidence(points=cloud, keys=keys, attention=seen, received=received)


def known(text: HeldText, space: str) -> str:
    """Return the space as this model has it: keys that were never rotated are the rotated ones."""
    return "rotated" if space == "keys" and text.prism.rotary is None else space


def measure(text: HeldText, space: str, rows: Tensor | None = None) -> Moments:
    """Return centre and spread, per layer, of the vectors of some rows of the cache.

    rows: int64 [T]; those of all visible tokens by default.
    """
    return Moments.stacked([Moments.of(part) for part in layers(text, space, rows)])


def framed(text: HeldText, space: str, rows: Tensor, frame: Moments) -> Tensor:
    """Return rows of the cache as points, float32 [T, P], in the units of `frame`.

    In the frame that `measure` takes of a whole text these are the points of `points`, and they do
    not move when more is read. The hidden space, which has one layer, is centred only.
    """
    scale = torch.ones_like(frame.scale) if space == "hidden" else frame.scale
    parts = [
        (part - frame.mean[layer]) / scale[layer]
        for layer, part in enumerate(layers(text, space, rows))
    ]
    return torch.cat(parts, 1)


def attention(text: HeldText, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return attention [W, T] of the last W tokens, and what each token receives [T].

    rows: of the cache, int64 [T]; those of all visible tokens by default. Weights sum to one over
        the rows that are given. See `QueryLog.attention`.
    """
    rows = text.store.text_rows() if rows is None else rows
    return text.queries.attention(
        text.store.data[:, 0].index_select(2, rows), text.store.positions[rows]
    )


def layers(text: HeldText, space: str, rows: Tensor | None) -> Iterator[Tensor]:
    """Yield the vectors of some rows layer by layer, float32 [T, P], all KV heads concatenated.

    rows: int64 [T]; those of all visible tokens if None. The hidden space has one layer.
    """
    rows = text.store.text_rows() if rows is None else rows
    if space == "hidden":
        yield text.middle[text.store.positions[rows]].float()
        return
    for layer in range(text.prism.spec.num_layers):
        yield layer_block(text, space, layer, rows).transpose(0, 1).flatten(1)


def layer_block(text: HeldText, space: str, layer: int, rows: Tensor | None = None) -> Tensor:
    """Return one layer's keys or values of some rows, float32 [H_kv, T, D].

    rows: int64 [T]; those of all visible tokens by default.

    Raises:
        ValueError: `keys` of a model without rotary positions.
    """
    rows = text.store.text_rows() if rows is None else rows
    rotary = text.prism.rotary
    block = text.store.data[layer, 1 if space == "values" else 0].index_select(1, rows).float()
    if space != "keys":
        return block
    if rotary is None:
        msg = (
            f"{text.prism.spec.name} has no rotary positions to undo; "
            "use space='rotated', 'values' or 'hidden'"
        )
        raise ValueError(msg)
    return rotary.unrotated(block, text.store.positions[rows], layer)


def chosen_layers(text: HeldText, layer: int | None) -> list[int]:
    """Return the numbers of all layers, or of one.

    Raises:
        ValueError: there is no such layer.
    """
    count = text.prism.spec.num_layers
    return list(range(count)) if layer is None else [_index("layer", layer, count)]


def chosen_heads(block: Tensor, head: int | str | None) -> Tensor:
    """Return a layer's block [H_kv, T, D] as [T, P]: one head, "mean" of all, or all of them.

    Raises:
        ValueError: there is no such head.
    """
    if head == "mean":
        return block.mean(0)
    if head is None:
        return block.transpose(0, 1).flatten(1)
    return block[_index("head", head, len(block))]


def _index(name: str, value: int | str, count: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -count <= value < count:
        msg = f"{name} must be a whole number from 0 to {count - 1}, got {value!r}"
        raise ValueError(msg)
    return value % count
