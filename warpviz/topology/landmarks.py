"""Landmarks as every view and comparison takes them: what is always kept, and the cover radius."""

import numpy as np
from numpy.typing import ArrayLike
from warp_cortex import SynapseConfig

from warpviz.topology.points import BLOCK, FloatArray, IntArray, cloud

SINKS = SynapseConfig().sinks  # first tokens: always landmarks, and no part of the geometry
RECENT = SynapseConfig().recent  # last tokens: always landmarks, before a policy chooses


def num_recent(order: IntArray, *, num_tokens: int, skip: int = SINKS) -> int:
    """Return how many last tokens, latest first, an order begins with after its sinks.

    order: int64 [K], token indices as `warp_cortex.rank` returns them. At most `RECENT`.
    """
    first = order[order >= skip][:RECENT]
    return int(np.cumprod(first == num_tokens - 1 - np.arange(len(first))).sum())


def cover_radii(points: ArrayLike, order: IntArray, *, skip: int = SINKS) -> FloatArray:
    """Return the cover radius of the first k landmarks for every k, float64 [K].

    It is the largest distance from a token to its nearest landmark, in the units of `points`. The
    first `skip` tokens, attention sinks with outlying norms, neither cover nor are covered: that is
    why 2r bounds the bottleneck distance of the two clouds without them. NaN before the first
    landmark that is no sink.

    points: [T, P], all tokens. order: int64 [K], token indices. The radii of `warp_cortex.rank` let
    sinks cover, since streams attend to them; they can be smaller than these, never larger.
    """
    tokens = cloud(points)[skip:]
    chosen = np.flatnonzero(order >= skip)
    marks = tokens[order[chosen] - skip]
    covered = np.zeros(len(marks))
    for at in range(0, len(tokens), BLOCK):
        covered = np.maximum(covered, _reached(tokens[at : at + BLOCK], marks))
    radii = np.full(len(order), np.nan)
    for place, radius in zip(chosen, np.minimum.accumulate(covered), strict=True):
        radii[place:] = radius
    return radii


def _reached(points: FloatArray, marks: FloatArray) -> FloatArray:
    """Return the largest distance from `points` [n, P] to the first k `marks` [K, P], for every k.

    A matrix product, far faster than differences, finds the pair; its distance is then taken from
    the difference, so that a landmark lies at distance 0 from itself.
    """
    if not len(marks):
        return np.zeros(0)
    middle = marks.mean(axis=0)
    left = points - middle
    right = marks - middle
    squares = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1) - 2 * left @ right.T
    far = np.minimum.accumulate(squares, axis=1).argmax(axis=0)  # [K]
    among_first = np.tri(len(marks), dtype=bool)
    near = np.where(among_first, squares[far], np.inf).argmin(axis=1)
    return np.asarray(np.linalg.norm(points[far] - marks[near], axis=1))
