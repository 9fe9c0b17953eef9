"""Each token's nearest landmark for every k at once, small enough for the page to keep."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Chains:
    """Nearest landmarks by token.

    Shapes: `start` uint32 [T + 1], `pick` uint32 [E], `distance` float32 [E]. Entries
    start[t]:start[t + 1] belong to token t. Each is a pick that came nearer to the token than all
    before it, and its distance. Picks ascend and distances fall: the nearest landmark among the
    first k is the last entry with pick < k. E is about T ln K for a nested ranking.
    """

    start: NDArray[np.uint32]
    pick: NDArray[np.uint32]
    distance: NDArray[np.float32]

    def at(self, k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return each token's nearest of the first k picks, int64 [T], and its distance [T]."""
        picks = np.zeros(len(self.start) - 1, dtype=np.int64)
        distances = np.zeros(len(self.start) - 1, dtype=np.float32)
        for token in range(len(picks)):
            low = int(self.start[token])
            high = int(self.start[token + 1])
            last = low + int(np.searchsorted(self.pick[low:high], k)) - 1
            picks[token] = self.pick[last]
            distances[token] = self.distance[last]
        return picks, distances


def chains(points: NDArray[np.float32], order: NDArray[np.int64]) -> Chains:
    """Return the chains of points [T, P] over the landmarks `order` [K], in pick order.

    Raises:
        ValueError: there are no landmarks.
    """
    if not len(order):
        msg = "chains need at least one landmark, got none"
        raise ValueError(msg)
    chosen = points[order].astype(np.float64)
    norms = (chosen**2).sum(axis=1)
    counts = []
    picks = []
    distances = []
    for low in range(0, len(points), BLOCK):
        block = points[low : low + BLOCK].astype(np.float64)
        squares = (block**2).sum(axis=1)[:, None] + norms[None, :] - 2 * block @ chosen.T
        squares = np.maximum(squares, 0.0)
        inside = (order >= low) & (order < low + len(block))
        # rounding leaves a landmark a little off itself
        squares[order[inside] - low, np.flatnonzero(inside)] = 0.0
        best = np.minimum.accumulate(squares, axis=1)
        record = np.ones(squares.shape, dtype=bool)
        record[:, 1:] = squares[:, 1:] < best[:, :-1]
        rows, columns = np.nonzero(record)
        counts.append(np.bincount(rows, minlength=len(block)))
        picks.append(columns)
        distances.append(np.sqrt(squares[rows, columns]))
    start = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return Chains(
        start.astype(np.uint32),
        np.concatenate(picks).astype(np.uint32),
        np.concatenate(distances).astype(np.float32),
    )
