"""Entries that are not visible text, as points in the cloud of the text: injected thoughts,
streams' own tokens.

They are placed in the units of the text's own points, measured once, so that nothing that is there
already moves.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.cache.store import TEXT, SharedKV
from warp_cortex.config import SPACES, choice
from warp_cortex.context.points import layer_block

if TYPE_CHECKING:
    from warp_cortex.context.context import Context


class EntryProjector:
    """Places entries [L, H_kv, M, D] among the points of a context's visible text, as
    `Context.points` has them.

    space, layer, head: as for `Context.points`. The hidden space has states of visible tokens only.

    Raises:
        ValueError: the space is `hidden` or unknown, or the model has no such layer or head.
    """

    def __init__(
        self,
        context: "Context",
        space: str = "keys",
        *,
        layer: int | None = None,
        head: int | str | None = None,
    ) -> None:
        choice("space", space, tuple(name for name in SPACES if name != "hidden"))
        self._context = context
        self._space = space
        self._head = head
        self._all = layer is None
        self._layers = list(range(context.prism.spec.num_layers)) if layer is None else [layer]
        self._units = [self._measure(index) for index in self._layers]

    def points(self, entries: SharedKV) -> Tensor:
        """Return the entries as points, float32 [M, P]; the text's own entries give the text's own
        points.
        """
        parts = []
        for index, (mean, scale) in zip(self._layers, self._units, strict=True):
            block = (entries.values if self._space == "values" else entries.keys)[index].float()
            rotary = self._context.prism.rotary
            if self._space == "keys" and rotary is not None:
                block = rotary.unrotated(block, entries.positions, index)
            parts.append((self._side_by_side(block) - mean) / scale)
        return torch.cat(parts, 1)

    def _measure(self, index: int) -> tuple[Tensor, Tensor]:
        part = self._side_by_side(layer_block(self._context, self._space, index))
        mean = part.mean(0)
        spread = (part - mean).square().mean().sqrt().clamp_min(1e-12)
        return mean, spread if self._all else torch.ones_like(spread)

    def _side_by_side(self, block: Tensor) -> Tensor:
        """Return [H_kv, T, D] as [T, P]: one head, their mean, or all of them."""
        if self._head == "mean":
            return block.mean(0)
        return block.transpose(0, 1).flatten(1) if self._head is None else block[int(self._head)]


def injected_entries(context: "Context") -> dict[int, SharedKV]:
    """Return a copy of the entries of every injected thought in a context's cache, by injection."""
    store = context.store
    tags = store.tags[: store.length]
    return {
        int(tag): store.gather((tags == tag).nonzero().flatten())
        for tag in sorted({*tags.tolist()} - {TEXT})
    }


def text_entries(context: "Context", *, first: int) -> SharedKV:
    """Return a copy of the held entries of the visible tokens from position `first` on."""
    rows = context.store.text_rows()
    return context.store.gather(rows[context.store.positions[rows] >= first])
