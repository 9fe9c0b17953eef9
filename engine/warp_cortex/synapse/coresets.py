"""Coresets: landmarks of a text that grows, chosen without looking at all of it again.

A coreset is a few tokens of a stretch of text, and the radius within which they cover the stretch.
Coresets chosen for covering compose (Indyk, Mahabadi, Mahdian and Mirrokni 2014): landmarks that
cover the coresets' members, and the tokens of no stretch yet, within r cover all tokens within r
plus the largest coreset radius. Stretches are merged two by two as they reach the same size, so
there are O(log T) of them, and each was merged O(log T) times at most.
"""

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.config import SynapseConfig
from warp_cortex.context import points as context_points
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.policies import find_policy
from warp_cortex.landmarks.ranking import Ranking, rank
from warp_cortex.synapse.accumulator import EvidenceAccumulator

if TYPE_CHECKING:
    from warp_cortex.context.context import Context

MOST_DRIFT = 2.0  # factor by which a layer's scale may change before the units are taken anew


@dataclass(frozen=True, slots=True, eq=False)
class Coreset:
    """The positions, sorted, int64 [M], that cover a stretch of `tokens` tokens within `radius`."""

    positions: Tensor
    radius: float
    tokens: int


class Coresets:
    """The coresets of one context's text, in the units of its first snapshot.

    Units (each layer's scale) are those of the text at the first snapshot and stay, so that radii
    add up; distances do not depend on the centre. Statistics of every new token say how far the
    scales have drifted since: in today's units a radius is at most `drift` times as large.

    accumulated: evidence of the text so far. It is spent: it must not be used afterwards.
    """

    def __init__(self, context: "Context", accumulated: EvidenceAccumulator) -> None:
        self.space = accumulated.space
        # of the whole text, until the first snapshot
        self._first: Evidence | None = accumulated.evidence(context, in_place=True)
        assert accumulated.moments is not None
        self.frame = accumulated.moments
        self._running = accumulated.moments
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
        """The largest factor by which a layer's scale has changed since the units were taken."""
        return self._running.drift(self.frame)

    @property
    def num_bytes(self) -> int:
        """Bytes held between snapshots; they grow with the logarithm of the text."""
        entries = sum(coreset.positions.numel() * 8 for coreset in self.coresets)
        return entries + self.frame.num_bytes + self._running.num_bytes

    def follows(self, context: "Context") -> bool:
        """Return whether the coresets are still those of this context.

        They are while the cache is the same object, holds every token considered where it was, and
        the scales have not drifted too far.
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
        """Rank the coresets' members and the tokens since; the first time that is every token.

        Return the ranking, and positions and rows of the cache, int64 [M], of the tokens ranked.
        Its radii are those over these tokens; over all tokens they are larger by at most `slack`,
        as it was before this call. The context must be one that this `follows`.
        """
        positions = self._considered(context)
        rows = _found(context, positions)
        evidence = self._first or self._evidence(context, config, rows)
        self._first = None
        points = evidence.points
        ranking = rank(
            evidence,
            k=min(ranked, len(positions)),
            policy=config.chosen_policy,
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
            begin = len(positions) - new
            end = len(positions) - min(config.recent, ranked)  # recent tokens stay single
            tail = self._thinned(points[begin:end], positions[begin:end], size=ranked)
            coresets = self._merged(
                context, [*self.coresets, tail], size=ranked, sinks=config.sinks
            )
            self.coresets = tuple(coresets)
            self._end = self._end + tail.tokens
        return ranking, positions, rows

    def _evidence(self, context: "Context", config: SynapseConfig, rows: Tensor) -> Evidence:
        """Return the evidence of some rows of the cache, in the units of the first snapshot."""
        points = context_points.framed(context, self.space, rows, self.frame)
        if "received" not in find_policy(config.chosen_policy).needs:
            return Evidence(points=points)
        return Evidence(points=points, received=context_points.attention(context, rows)[1])

    def _considered(self, context: "Context") -> Tensor:
        """Return the positions of the coresets' members and of the tokens since, int64 [M]."""
        tail = torch.arange(self._end, context.num_tokens, device=context.prism.device)
        return torch.cat([*(coreset.positions for coreset in self.coresets), tail])

    def _measure(self, context: "Context") -> None:
        """Add the tokens since the last snapshot to the running statistics."""
        new = torch.arange(self._measured, context.num_tokens, device=context.prism.device)
        if new.numel():
            self._running = self._running.merged(
                context_points.measure(context, self.space, _found(context, new))
            )
            self._measured = context.num_tokens

    def _merged(
        self, context: "Context", coresets: list[Coreset], *, size: int, sinks: int
    ) -> list[Coreset]:
        """Merge neighbours until each stretch is at least twice as long as the next."""
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
        """Return `size` of the tokens, chosen by the farthest-point rule, and their radius."""
        if len(positions) <= size:
            return Coreset(positions, 0.0, len(positions))
        ranking = rank(Evidence(points=points), k=size, policy="farthest", sinks=sinks, recent=0)
        self.evaluations += ranking.evaluations
        kept = ranking.landmarks().to(positions.device)
        return Coreset(positions[kept], float(ranking.radii[-1]), len(positions))


def _found(context: "Context", positions: Tensor) -> Tensor:
    """Return the cache's rows of positions that it holds."""
    rows = _rows(context, positions)
    assert rows is not None
    return rows


def _rows(context: "Context", positions: Tensor) -> Tensor | None:
    """Return the cache's rows of the visible tokens at `positions` [M], None if one is missing."""
    store = context.store
    if store.length == context.num_tokens:
        rows = positions
    else:  # thoughts lie in between, or tokens were evicted
        rows = store.text_rows()
        if rows.numel() != context.num_tokens:
            return None
        rows = rows[positions]
    return rows if torch.equal(store.positions[rows], positions) else None
