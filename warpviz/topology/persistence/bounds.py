"""What landmarks guarantee: cover radii, the stability bound 2r, certified bars, and how large k
should be.
"""

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.points import FloatArray, IntArray, between, cloud, copy_reach, without_copies

BLOCK = 1024


def nearest_distance(points: FloatArray, landmarks: FloatArray) -> FloatArray:
    """Return each of the `points` [N, P]'s distance to the nearest of `landmarks` [K, P], float64
    [N].
    """
    blocks = [
        between(points[at : at + BLOCK], landmarks).min(axis=1)
        for at in range(0, len(points), BLOCK)
    ]
    return np.concatenate(blocks)


def hausdorff(left: ArrayLike, right: ArrayLike) -> float:
    """Return the Hausdorff distance of two clouds [N, P] and [M, P]; for landmarks inside a cloud,
    the cover radius.
    """
    one = cloud(left, name="left")
    two = cloud(right, name="right")
    return float(max(nearest_distance(one, two).max(), nearest_distance(two, one).max()))


def bound(radius: float) -> float:
    """Return the most the bottleneck distance of two Rips diagrams can be: 2r for clouds at
    Hausdorff distance r.

    Holds in every dimension for diameter-indexed Rips filtrations (Chazal, de Silva and Oudot,
    2014).
    """
    return 2.0 * radius


def certified(
    diagram: FloatArray, radius: float
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Say which bars [B] of the *landmarks'* Rips diagram must have a partner in the full cloud's.

    With landmarks inside the cloud and cover radius r, Rips_t(Y) <= Rips_t(X) -> Rips_{t + 2r}(Y),
    so the landmarks' diagram moved down by r lies within bottleneck distance r of the full one: a
    bar longer than 2r cannot have been matched with the diagonal. Shorter bars are not evidence
    either way.
    """
    return np.asarray(diagram[:, 1] - diagram[:, 0] > 2.0 * radius)


def author_rule(num_points: int) -> int:
    """Return the author's landmark count, m = 43 n^0.26 (arXiv 2510.04553), at most
    `num_points`.
    """
    if num_points < 1:
        msg = f"num_points must be at least 1, got {num_points!r}"
        raise ValueError(msg)
    wanted: float = 43.0 * num_points**0.26
    return min(num_points, round(wanted))


def rule_note(k: int, num_points: int) -> str:
    """Say in one line how k compares with the author's rule."""
    wanted = author_rule(num_points)
    verdict = "meets" if k >= wanted else "is below"
    return f"k = {k:,} {verdict} the author's rule of 43 n^0.26 = {wanted:,} landmarks for {num_points:,} points"


def certificate_note(alpha: float | None) -> str:
    """Say in one line what the hybrid rule with weight `alpha` certifies about its cover radius."""
    if alpha is None or not 0 <= alpha <= 1:
        return "no certificate: the landmarks were not chosen by the hybrid rule"
    if alpha >= 0.5:
        return f"alpha = {alpha:g}: no certificate from 0.5 on"
    factor = 2 * (1 - alpha) / (1 - 2 * alpha)
    # they were not chosen, so the best choice is bound to them, too
    free = "with the same sinks and recent tokens"
    return f"alpha = {alpha:g}: the cover radius is at most {factor:.3g} times the best possible {free}"


def two_nn(
    points: ArrayLike, *, discard: float = 0.1, distances: FloatArray | None = None
) -> float:
    """Return the TwoNN intrinsic dimension of `points` [N, P] (Facco et al., 2017, doi
    10.1038/s41598-017-11873-y).

    Fits a line through the origin to -log(1 - F) against log(second / first neighbour distance),
    without the `discard` share of largest ratios. Near-copies are left out; NaN when fewer than
    three points remain. `distances` [N, N] saves computing them again.
    """
    near = _neighbours(cloud(points), 2, distances)
    if near.shape[1] < 2:
        return float("nan")
    first, second = near.T
    ratio = np.sort(np.log(second / first))
    keep = max(2, int(len(ratio) * (1 - discard)))
    rank = -np.log(1 - np.arange(1, keep + 1) / (len(ratio) + 1))
    spread = float(ratio[:keep] @ ratio[:keep])
    return float(ratio[:keep] @ rank / spread) if spread > 0 else float("nan")


def mle_dimension(
    points: ArrayLike, *, num_neighbours: int = 10, distances: FloatArray | None = None
) -> float:
    """Return the Levina-Bickel maximum-likelihood dimension of `points` [N, P], inverses averaged
    over points.

    (Levina and Bickel, 2004; averaged as MacKay and Ghahramani advise.) Near-copies, NaN,
    `distances` as in `two_nn`.
    """
    near = _neighbours(cloud(points), num_neighbours, distances)
    if near.shape[1] < 2:
        return float("nan")
    inverse = np.log(near[:, -1:] / near[:, :-1]).sum(axis=1) / (near.shape[1] - 1)
    mean = float(inverse.mean())
    return 1.0 / mean if mean > 0 else float("nan")


def _neighbours(points: FloatArray, count: int, distances: FloatArray | None) -> FloatArray:
    """Return the distances [M, <= count] of M distinct points to their nearest neighbours,
    ascending.
    """
    if distances is None:
        points = without_copies(points)
        starts = range(0, len(points), BLOCK)
        near = [_smallest(between(points[at : at + BLOCK], points), count + 1) for at in starts]
    else:
        kept = ~np.triu(distances <= copy_reach(points), 1).any(axis=0)
        near = [_smallest(distances[np.ix_(kept, kept)], count + 1)]
    return np.concatenate(near)[:, 1:]


def _smallest(block: FloatArray, count: int) -> FloatArray:
    """Return the `count` smallest values of each row, ascending; all of them in shorter rows."""
    if count >= block.shape[1]:
        return np.sort(block, axis=1)
    return np.sort(np.partition(block, count - 1, axis=1)[:, :count], axis=1)


def inside(landmarks: IntArray, *, skip: int) -> IntArray:
    """Return the landmarks that take part in the geometry, counted from the first row after `skip`
    sinks.
    """
    return landmarks[landmarks >= skip] - skip
