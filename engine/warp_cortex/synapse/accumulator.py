"""What landmarks are chosen from, gleaned chunk by chunk while a text is read, so that the choice
need not look back.

Attention received is a sum over queries, and a query's weights are final once it was asked; vectors
are centred and scaled only at the end. Both routes, chunk by chunk and all at once, hence give the
same evidence.
"""

import weakref
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.context import points as context_points
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.moments import Moments

if TYPE_CHECKING:
    from warp_cortex.context.context import Context


class EvidenceAccumulator:
    """Vectors [T, P] of a context's visible tokens, as they are, and the attention they received
    from sampled queries.

    It holds float32 copies of all of them: as much as half a cache in float32, as much as a whole
    one in bfloat16.
    """

    def __init__(self, context: "Context", space: str) -> None:
        self.space = context_points.known(context, space)
        self.moments: Moments | None = None
        self._block = torch.empty((0, 0))
        self._mass = torch.empty(0)
        self._num_tokens = self._num_queries = 0
        self._store = weakref.ref(context.store)

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (self._block, self._mass))

    def follows(self, context: "Context") -> bool:
        """Tell whether what was gleaned is still what the context holds: the same cache, nothing
        forgotten.
        """
        same = self._store() is context.store and self._num_tokens <= context.num_tokens
        return same and context.store.text_rows().numel() == context.num_tokens

    def take(self, context: "Context") -> None:
        """Glean the tokens and the sampled queries since the last time; the context must be one
        that this `follows`.
        """
        rows = context.store.text_rows()
        new = rows[self._num_tokens :]
        if new.numel():
            parts = list(context_points.layers(context, self.space, new))
            moments = Moments.stacked([Moments.of(part) for part in parts])
            self.moments = moments if self.moments is None else self.moments.merged(moments)
            self._reserve(context, sum(part.shape[1] for part in parts))
            torch.cat(parts, 1, out=self._block[self._num_tokens : len(rows)])
            self._num_tokens = len(rows)
        if self._num_queries < context.queries.num_sampled:
            self._mass[: len(rows)] += self._paid(context, rows, first=self._num_queries)
            self._num_queries = context.queries.num_sampled

    def evidence(self, context: "Context", *, spend: bool = False) -> Evidence:
        """Return points and attention received; the other fields stand in, for policies that do not
        look at them.

        spend: the points are made of what was gleaned in its own place, and this object is of no
        use any more.
        """
        self.take(context)
        assert self.moments is not None
        scale = (
            torch.ones_like(self.moments.scale) if self.space == "hidden" else self.moments.scale
        )
        held = self._block[: self._num_tokens].view(self._num_tokens, len(scale), -1)
        points = (
            (held.sub_(self.moments.mean) if spend else held - self.moments.mean)
            .div_(scale[:, None])
            .flatten(1)
        )
        rows = context.store.text_rows()
        mass = self._mass[: len(rows)] + self._paid(context, rows, first=self._num_queries)
        received = mass / context.queries.seen_by(context.store.positions[rows])
        return Evidence(points=points, keys=points, attention=received[None], received=received)

    def _paid(self, context: "Context", rows: Tensor, *, first: int) -> Tensor:
        """Return the attention [T] that queries from number `first` on pay to the visible
        tokens.
        """
        store = context.store
        keys = store.data[:, 0, :, : store.length]
        keys = keys if len(rows) == store.length else keys.index_select(2, rows)
        return context.queries.mass(keys, store.positions[rows], first=first)

    def _reserve(self, context: "Context", width: int) -> None:
        """Make room for as many tokens as the cache has room for."""
        room = context.store.capacity
        if len(self._block) < context.num_tokens:
            block = torch.empty((room, width), dtype=torch.float32, device=context.prism.device)
            mass = torch.zeros(room, dtype=torch.float32, device=context.prism.device)
            if self._num_tokens:
                block[: self._num_tokens] = self._block[: self._num_tokens]
                mass[: self._num_tokens] = self._mass[: self._num_tokens]
            self._block = block
            self._mass = mass
