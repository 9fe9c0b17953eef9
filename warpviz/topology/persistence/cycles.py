"""From a point of an H1 diagram to tokens: a loop that exists for the bar's whole life.

The loop closes the bar's birth edge by the shortest way along edges that existed before. It cannot
be filled before the bar dies: Ripser's cocycle for the bar is the birth edge plus longer edges, so
it meets the loop exactly once, and a cocycle that lasts until the bar's death and meets a loop an
odd number of times keeps it from being a boundary.
"""

from dataclasses import dataclass, replace

import numpy as np

from warpviz.topology.points import FloatArray, IntArray

TIE = 1e-9


@dataclass(frozen=True, slots=True)
class Loop:
    """A bar of H1 and the rows that form its loop.

    path: int64 [m], the rows in order, the last one joined to the first.
    edge: the birth edge, the first and the last row of the path.
    length: the total length of the loop.
    """

    birth: float
    death: float
    path: IntArray
    edge: tuple[int, int]
    length: float


def loop_in(distances: FloatArray, *, birth: float, death: float) -> Loop:
    """Return the loop of an H1 bar of the Rips complex of a distance matrix [N, N].

    Fast enough for a click: no persistence is computed. Of points in one place only the first can
    lie on it: a way there and back over two of them encloses nothing.

    Raises:
        ValueError: no edge is as long as the birth, or no such edge closes a loop.
    """
    kept = np.flatnonzero(~np.triu(distances == 0.0, 1).any(axis=0))
    if len(kept) < len(distances):
        loop = loop_in(distances[np.ix_(kept, kept)], birth=birth, death=death)
        start, end = kept[list(loop.edge)].tolist()
        return replace(loop, path=kept[loop.path], edge=(start, end))
    one, two = np.triu_indices(len(distances), 1)
    gap = np.abs(distances[one, two] - birth)
    near = np.flatnonzero(gap <= birth * TIE)
    if not near.size:
        # a birth that went through float32, as Ripser's do
        near = np.flatnonzero(gap <= birth * 1e-6)
    ends = [(int(one[at]), int(two[at])) for at in near]
    found: list[Loop] = []
    # with it, other edges of the birth's length count as well
    for slack in (0.0, TIE) if near.size > 1 else (0.0,):
        loops = [_close(distances, *pair, birth=birth, death=death, slack=slack) for pair in ends]
        found += [loop for loop in loops if loop is not None]
    if not found:
        what = "no edge of that length" if not near.size else "no edge of that length closes a loop"
        msg = f"no H1 bar is born at {birth!r}: {what}"
        raise ValueError(msg)
    # equal edges: the widest loop is not a mere triangle
    return max(found, key=lambda loop: loop.length)


def _close(
    distances: FloatArray, start: int, end: int, *, birth: float, death: float, slack: float
) -> Loop | None:
    """Join `start` to `end` by the shortest way over shorter edges; None where there is no way."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import dijkstra

    edge = distances[start, end]
    earlier = np.where(distances < edge + slack * edge, distances, 0.0)
    earlier[start, end] = earlier[end, start] = 0.0
    lengths, before = dijkstra(
        csr_matrix(earlier), directed=False, indices=start, return_predecessors=True
    )
    if not np.isfinite(lengths[end]):
        return None
    path = [end]
    while path[-1] != start:
        path.append(int(before[path[-1]]))
    order = np.asarray(path[::-1], dtype=np.int64)
    return Loop(float(birth), float(death), order, (start, end), float(lengths[end] + edge))
