"""Landmarks of a growing text: what was chosen before stands for what it was chosen from.

A coreset is a few tokens of a stretch of text and the radius within which they cover all of it.
Chosen for covering, coresets compose (Indyk, Mahabadi, Mahdian and Mirrokni 2014): landmarks that
cover the coresets' members, and the tokens of no stretch yet, within r cover everything within r
plus the largest coreset radius. Stretches are merged two by two as they reach the same size, so
there are O(log T) of them and none was merged more than O(log T) times.
"""

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.config import SynapseConfig
from warp_cortex.context import points as context_points
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.ranking import Ranking, rank
from warp_cortex.synapse.accumulator import EvidenceAccumulator

if TYPE_CHECKING:
    from warp_cortex.context.context import Context

MOST_DRIFT = 2.0  # once a layer's scale has changed by this factor the units are taken anew


@dataclass(frozen=True, slots=True, eq=False)
class Coreset:
    """Tokens that stand for a stretch of `tokens`: positions, sorted, int64 [M]; no other is
    farther than `radius`.
    """

    positions: Tensor
    radius: float
    tokens: int


class Coresets:
    """The coresets of one context's text, in the units of its first snapshot.

    Units (each layer's scale) are those of the text at the first snapshot, on which what was
    gleaned until then is spent, and stay, so that radii add up. Distances do not depend on the
    centre. A running measure of every new token tells how far the scales have drifted since: in
    today's units a radius is at most `drift` times as large.
    """

    def __init__(self, context: "Context", accumulated: EvidenceAccumulator) -> None:
        self.space = accumulated.space
        # until the first snapshot
        self._first: Evidence | None = accumulated.evidence(context, spend=True)
        assert accumulated.moments is not None
        self.frame = self._running = accumulated.moments
        self.coresets: tuple[Coreset, ...] = ()
        self.evaluations = 0  # distances computed for the last snapshot
        self._end = 0  # coresets cover everything before it
        self._measured = context.num_tokens
        self._store = weakref.ref(context.store)

    @property
    def slack(self) -> float:
        """The largest radius of a coreset: what considering only its members can cost."""
        return max((coreset.radius for coreset in self.coresets), default=0.0)

    @property
    def drift(self) -> float:
        """The largest factor by which a layer's scale differs between all text so far and the
        units.
        """
        return self._running.drift(self.frame)

    @property
    def num_bytes(self) -> int:
        """Bytes held between snapshots: it grows with the logarithm of the text."""
        entries = sum(coreset.positions.numel() * 8 for coreset in self.coresets)
        return entries + self.frame.num_bytes + self._running.num_bytes

    def follows(self, context: "Context") -> bool:
        """Tell whether the context is still the one measured: the same cache, nothing forgotten or
        encoded anew.
        """
        if (
            self._store() is not context.store
            or self.drift > MOST_DRIFT
            or context.num_tokens < self._end
        ):
            return False
        return _rows(context, self._considered(context)) is not None

    def choose(
        self, context: "Context", config: SynapseConfig, *, ranked: int
    ) -> tuple[Ranking, Tensor, Tensor]:
        """Rank the coresets' members and the tokens since; return also their positions and rows of
        the cache [M].

        The first time that is everything. The ranking's radii are those of the members considered;
        `slack`, as it was before this call, comes on top. The context must be one that this
        `follows`.
        """
        positions = self._considered(context)
        rows = _found(context, positions)
        evidence = self._first or self._evidence(context, rows)
        self._first = None
        points = evidence.points
        ranking = rank(
            evidence,
            k=min(ranked, len(positions)),
            policy=config.policy,
            alpha=config.alpha,
            sinks=config.sinks,
            recent=config.recent,
        )
        self.evaluations = ranking.evaluations
        self._measure(context)
        new = context.num_tokens - self._end
        if not self.coresets:
            chosen = positions[ranking.landmarks().to(positions.device)]
            self.coresets = (Coreset(chosen, float(ranking.radii[-1]), new),)
            self._end = context.num_tokens
        elif new >= 3 * ranked:
            # recent tokens stay
            begin = len(positions) - new
            end = len(positions) - min(config.recent, ranked)
            tail = self._thinned(points[begin:end], positions[begin:end], size=ranked)
            coresets = self._merged(
                context, [*self.coresets, tail], size=ranked, sinks=config.sinks
            )
            self.coresets = tuple(coresets)
            self._end = self._end + tail.tokens
        return ranking, positions, rows

    def _evidence(self, context: "Context", rows: Tensor) -> Evidence:
        """Return the evidence of some rows of the cache, in the units of the first snapshot."""
        points = context_points.framed(context, self.space, rows, self.frame)
        seen, received = context_points.attention(context, rows)
        return Evidence(points=points, keys=points, attention=seen, received=received)

    def _considered(self, context: "Context") -> Tensor:
        """Return the positions of the coresets' members and of the tokens since, sorted, int64
        [M].
        """
        tail = torch.arange(self._end, context.num_tokens, device=context.prism.device)
        return torch.cat([*(coreset.positions for coreset in self.coresets), tail])

    def _measure(self, context: "Context") -> None:
        """Take the tokens since the last snapshot into the running statistics."""
        new = torch.arange(self._measured, context.num_tokens, device=context.prism.device)
        if new.numel():
            self._running = self._running.merged(
                context_points.measure(context, self.space, _found(context, new))
            )
            self._measured = context.num_tokens

    def _merged(
        self, context: "Context", coresets: list[Coreset], *, size: int, sinks: int
    ) -> list[Coreset]:
        """Return stretches each at least twice as long as the next, two neighbours at a time made
        one.
        """
        while len(coresets) > 1 and coresets[-2].tokens < 2 * coresets[-1].tokens:
            *rest, before, last = coresets
            positions = torch.cat((before.positions, last.positions))
            points = context_points.framed(
                context, self.space, _found(context, positions), self.frame
            )
            thin = self._thinned(points, positions, size=size, sinks=0 if rest else sinks)
            radius = max(before.radius, last.radius) + thin.radius
            coresets = [*rest, Coreset(thin.positions, radius, before.tokens + last.tokens)]
        return coresets

    def _thinned(self, points: Tensor, positions: Tensor, *, size: int, sinks: int = 0) -> Coreset:
        """Return `size` of some tokens that cover the others best, as far as choosing the farthest
        finds them.
        """
        if len(positions) <= size:
            return Coreset(positions, 0.0, len(positions))
        flat = points.new_zeros(len(points))
        evidence = Evidence(points=points, keys=points, attention=flat[None], received=flat)
        ranking = rank(evidence, k=size, policy="farthest", sinks=sinks, recent=0)
        self.evaluations += ranking.evaluations
        kept = ranking.landmarks().to(positions.device)
        return Coreset(positions[kept], float(ranking.radii[-1]), len(positions))


def _found(context: "Context", positions: Tensor) -> Tensor:
    """Return the rows of positions that the cache is known to hold."""
    rows = _rows(context, positions)
    assert rows is not None
    return rows


def _rows(context: "Context", positions: Tensor) -> Tensor | None:
    """Return the cache's rows of visible tokens at `positions` [M], or None if they are not all
    where they were.
    """
    store = context.store
    if store.length == context.num_tokens:
        rows = positions
    else:  # thoughts are interleaved, or something was forgotten
        rows = store.text_rows()
        if rows.numel() != context.num_tokens:
            return None
        rows = rows[positions]
    return rows if torch.equal(store.positions[rows], positions) else None
