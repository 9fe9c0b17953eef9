"""What landmarks guarantee: the stability bound 2r, certified bars, and how large k should be."""

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.points import BLOCK, BoolArray, FloatArray, IntArray, between, cloud, copies

UNCERTIFIED_ALPHA = 0.5  # from here on attention can outvote coverage at every pick
LEAST_NEIGHBOURS = 2


def bound(radius: float) -> float:
    """Return the most the bottleneck distance of two Rips diagrams can be, 2r.

    `radius` is the Hausdorff distance of the two clouds. Holds in every dimension for
    diameter-indexed Rips filtrations (Chazal, de Silva and Oudot, 2014).
    """
    return 2.0 * radius


def certified(diagram: FloatArray, radius: float) -> BoolArray:
    """Say which bars [B] of the *landmarks'* Rips diagram must have a partner in the full cloud's.

    With landmarks inside the cloud and cover radius r, Rips_t(Y) <= Rips_t(X) -> Rips_{t + 2r}(Y),
    so the landmarks' diagram moved down by r lies within bottleneck distance r of the full one: a
    bar longer than 2r cannot have been matched with the diagonal. Shorter bars are not evidence
    either way.
    """
    return np.asarray(diagram[:, 1] - diagram[:, 0] > 2.0 * radius)


def author_rule(num_points: int) -> int:
    """Return how many landmarks 43 n^0.26 are (arXiv 2510.04553), at most `num_points`."""
    if num_points < 1:
        msg = f"num_points must be at least 1, got {num_points!r}"
        raise ValueError(msg)
    wanted: float = 43.0 * num_points**0.26
    return min(num_points, round(wanted))


def rule_note(k: int, num_points: int) -> str:
    """Say in one line how k compares with the author's rule."""
    wanted = author_rule(num_points)
    verdict = "meets" if k >= wanted else "is below"
    rule = f"43 n^0.26 = {wanted:,} landmarks for n = {num_points:,} points (arXiv 2510.04553)"
    return f"k = {k:,} {verdict} the rule {rule}"


def certificate_note(alpha: float | None) -> str:
    """Say in one line what the hybrid rule with weight `alpha` certifies about its cover radius."""
    if alpha is None or not 0 <= alpha <= 1:
        return "no certificate: the landmarks were not chosen by the hybrid rule"
    if alpha >= UNCERTIFIED_ALPHA:
        return f"alpha = {alpha:g}: no certificate from {UNCERTIFIED_ALPHA} on"
    factor = 2 * (1 - alpha) / (1 - 2 * alpha)
    # they were not chosen, so the best choice must keep them, too
    best = "the best possible with the same sinks and recent tokens"
    return f"alpha = {alpha:g}: the cover radius is at most {factor:.3g} times {best}"


def two_nn(
    points: ArrayLike, *, discard: float = 0.1, distances: FloatArray | None = None
) -> float:
    """Return the TwoNN intrinsic dimension of `points` [N, P].

    Facco et al., 2017, doi 10.1038/s41598-017-11873-y. Fits a line through the origin to
    -log(1 - F) against log(second / first neighbour distance), without the `discard` share of
    largest ratios. Copies are left out; NaN when fewer than three points remain. `distances`
    [N, N] saves computing them again.
    """
    near = _neighbours(cloud(points), 2, distances)
    if near.shape[1] < LEAST_NEIGHBOURS:
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
    """Return the maximum-likelihood intrinsic dimension of `points` [N, P].

    Levina and Bickel, 2004; inverses are averaged over points, as MacKay and Ghahramani advise.
    Copies, NaN and `distances` are as in `two_nn`.
    """
    near = _neighbours(cloud(points), num_neighbours, distances)
    if near.shape[1] < LEAST_NEIGHBOURS:
        return float("nan")
    inverse = np.log(near[:, -1:] / near[:, :-1]).sum(axis=1) / (near.shape[1] - 1)
    mean = float(inverse.mean())
    return 1.0 / mean if mean > 0 else float("nan")


def _neighbours(points: FloatArray, count: int, distances: FloatArray | None) -> FloatArray:
    """Return the distances [M, <= count] of M distinct points to their nearest ones, ascending.

    Copies are left out: the ratio of a rounding error to a distance says nothing.
    """
    kept = ~copies(points, distances=distances)
    if distances is not None:
        return _smallest(distances[np.ix_(kept, kept)], count + 1)[:, 1:]
    points = points[kept]
    starts = range(0, len(points), BLOCK)
    near = [_smallest(between(points[at : at + BLOCK], points), count + 1) for at in starts]
    return np.concatenate(near)[:, 1:]


def _smallest(block: FloatArray, count: int) -> FloatArray:
    """Return the `count` smallest values of each row, ascending; all of them in shorter rows."""
    if count >= block.shape[1]:
        return np.sort(block, axis=1)
    return np.sort(np.partition(block, count - 1, axis=1)[:, :count], axis=1)


def inside(landmarks: IntArray, *, skip: int) -> IntArray:
    """Return the landmarks after the first `skip` tokens, counted from the first of those."""
    return landmarks[landmarks >= skip] - skip
