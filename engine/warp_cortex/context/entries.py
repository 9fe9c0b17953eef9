"""Entries that are not visible text as points among it: injected thoughts, streams' own tokens.

Their units are those of the text's own points, measured once, so that no point moves later.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.cache.store import TEXT, SharedKV
from warp_cortex.config import SPACES
from warp_cortex.config.checks import choice
from warp_cortex.context.points import chosen_heads, chosen_layers, layer_block
from warp_cortex.landmarks.moments import LEAST

if TYPE_CHECKING:
    from warp_cortex.context.context import Context


class EntryProjector:
    """Projects entries [L, H_kv, M, D] into the point cloud of a context's visible text.

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
        self._layers = chosen_layers(context, layer)
        self._units = [self._measure(index) for index in self._layers]

    def points(self, entries: SharedKV) -> Tensor:
        """Return entries as points, float32 [M, P].

        The text's own entries give the text's own points, as `Context.points` has them.
        """
        parts = []
        for index, (mean, scale) in zip(self._layers, self._units, strict=True):
            block = (entries.values if self._space == "values" else entries.keys)[index].float()
            rotary = self._context.prism.rotary
            if self._space == "keys" and rotary is not None:
                block = rotary.unrotated(block, entries.positions, index)
            parts.append((chosen_heads(block, self._head) - mean) / scale)
        return torch.cat(parts, 1)

    def _measure(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the mean [P] and the scale [] of one layer's points."""
        part = chosen_heads(layer_block(self._context, self._space, index), self._head)
        mean = part.mean(0)
        scale = (part - mean).square().mean().sqrt().clamp_min(LEAST)
        return mean, scale if self._all else torch.ones_like(scale)


def injected_entries(context: "Context") -> dict[int, SharedKV]:
    """Return a copy of the entries of every injected thought in the cache, by injection number."""
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
