"""Evidence accumulated chunk by chunk while a text is read, so that choosing takes less time.

Attention received is a sum over queries, and a query's weights are final once it has been captured;
vectors are centred and scaled only at the end. Accumulated evidence therefore equals what
`Context.evidence` computes from the whole text at once.
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
    """Raw vectors [T, P] of a context's visible tokens, and the attention these received.

    The vectors are float32 copies: half as many bytes as a float32 cache, as many as one in
    bfloat16.

    space: as for `Context.points`. received: whether attention is summed up, too.
    """

    def __init__(self, context: "Context", space: str, *, received: bool = True) -> None:
        self.space = context_points.known(context, space)
        self._received = received
        self.moments: Moments | None = None
        self._block = torch.empty((0, 0))
        self._mass = torch.empty(0)
        self._num_tokens = 0
        self._num_queries = 0
        self._store = weakref.ref(context.store)

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return sum(tensor.numel() * tensor.element_size() for tensor in (self._block, self._mass))

    def follows(self, context: "Context") -> bool:
        """Return whether the evidence is still that of this context.

        It is while the cache is the same object and holds every visible token.
        """
        same = self._store() is context.store and self._num_tokens <= context.num_tokens
        return same and context.store.text_rows().numel() == context.num_tokens

    def take(self, context: "Context") -> None:
        """Add the tokens and the sampled queries since the last call.

        The context must be one that this `follows`.
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
        if self._received and self._num_queries < context.queries.num_sampled:
            self._mass[: len(rows)] += self._paid(context, rows, first=self._num_queries)
            self._num_queries = context.queries.num_sampled

    def evidence(self, context: "Context", *, in_place: bool = False) -> Evidence:
        """Return the points of all tokens and, if it is summed up, the attention they received.

        in_place: the points take the place of the accumulated vectors, which saves their bytes;
        this object must not be used afterwards.
        """
        self.take(context)
        assert self.moments is not None
        scale = self.moments.scale
        if self.space == "hidden":  # one layer: nothing drowns it
            scale = torch.ones_like(scale)
        held = self._block[: self._num_tokens].view(self._num_tokens, len(scale), -1)
        mean = self.moments.mean
        centred = held.sub_(mean) if in_place else held - mean
        points = centred.div_(scale[:, None]).flatten(1)
        if not self._received:
            return Evidence(points=points)
        rows = context.store.text_rows()
        mass = self._mass[: len(rows)] + self._paid(context, rows, first=self._num_queries)
        received = mass / context.queries.seen_by(context.store.positions[rows])
        return Evidence(points=points, received=received)

    def _paid(self, context: "Context", rows: Tensor, *, first: int) -> Tensor:
        """Return the attention [T] that queries from number `first` on pay to the text."""
        store = context.store
        keys = store.data[:, 0, :, : store.length]
        keys = keys if len(rows) == store.length else keys.index_select(2, rows)
        return context.queries.mass(keys, store.positions[rows], first=first)

    def _reserve(self, context: "Context", width: int) -> None:
        """Make room for as many tokens as the cache has room for."""
        room = context.store.capacity
        if len(self._block) < context.num_tokens:
            block = torch.empty((room, width), dtype=torch.float32, device=context.prism.device)
            mass_room = room if self._received else 0
            mass = torch.zeros(mass_room, dtype=torch.float32, device=context.prism.device)
            if self._num_tokens:
                block[: self._num_tokens] = self._block[: self._num_tokens]
                mass[: self._num_tokens] = self._mass[: self._num_tokens]
            self._block = block
            self._mass = mass
