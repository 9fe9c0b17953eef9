"""Distances between persistence diagrams, exact, with the matching that proves them.

The ground distance between two bars is the larger of the differences of their births and of their
deaths (L-infinity); a bar lies half its length from the diagonal. Diagrams are float64 [B, 2] with
finite bars.
"""

from dataclasses import dataclass

import numpy as np

from warpviz.topology.points import FloatArray, IntArray, one_of

ORDERS = ("bottleneck", "wasserstein")


@dataclass(frozen=True, slots=True)
class Matching:
    """Pairs of bars and the distance between the two of each pair.

    Shapes: left, right int64 [M], where -1 is the diagonal; cost float64 [M].
    """

    left: IntArray
    right: IntArray
    cost: FloatArray


def half_lengths(diagram: FloatArray) -> FloatArray:
    """Return every bar's distance to the diagonal, float64 [B]."""
    return np.asarray((diagram[:, 1] - diagram[:, 0]) / 2, dtype=np.float64)


def ground(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the L-infinity distances [A, B] between the bars of two diagrams."""
    births = np.abs(left[:, None, 0] - right[None, :, 0])
    return np.asarray(np.maximum(births, np.abs(left[:, None, 1] - right[None, :, 1])))


def bottleneck(left: FloatArray, right: FloatArray) -> float:
    """Return the bottleneck distance between two diagrams: exact, no approximation.

    For a value v, bars further than v from the diagonal must find partners within v. A matching
    that covers those of both sides exists as soon as one covers the left's and another the right's
    (Mendelsohn and Dulmage, 1958), so each value takes two maximum matchings on small graphs; the
    answer is found by bisection over the finitely many values.
    """
    left = _finite(left, "left")
    right = _finite(right, "right")
    if np.array_equal(left, right):
        return 0.0
    near_left = half_lengths(left)
    near_right = half_lengths(right)
    cost = ground(left, right)
    top = max(near_left.max(initial=0.0), near_right.max(initial=0.0))
    values = np.concatenate([[0.0], near_left, near_right, cost[cost < top]])
    values = np.unique(values)
    low = 0
    high = int(np.searchsorted(values, top))
    while low < high:
        middle = (low + high) // 2
        if _reachable(cost, near_left, near_right, float(values[middle])):
            high = middle
        else:
            low = middle + 1
    return float(values[low])


def _reachable(
    cost: FloatArray, near_left: FloatArray, near_right: FloatArray, value: float
) -> bool:
    allowed = cost <= value
    return _covers(allowed[near_left > value]) and _covers(allowed.T[near_right > value])


def _covers(allowed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> bool:
    """Say whether every row of a boolean matrix can be given a column of its own."""
    if not allowed.shape[0]:
        return True
    if allowed.shape[0] > allowed.shape[1] or not allowed.any(axis=1).all():
        return False
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import maximum_bipartite_matching

    return bool((maximum_bipartite_matching(csr_matrix(allowed), perm_type="column") >= 0).all())


def total_persistence(diagram: FloatArray) -> float:
    """Return the Wasserstein-1 distance to the empty diagram: the sum of all half lengths."""
    return float(half_lengths(diagram).sum())


def wasserstein(left: FloatArray, right: FloatArray) -> float:
    """Return the exact Wasserstein-1 distance with ground distance L-infinity; a length."""
    if np.array_equal(left, right):
        return 0.0  # two large equal diagrams would take seconds to assign
    return float(matching(left, right, order="wasserstein").cost.sum())


def normalised_wasserstein(left: FloatArray, right: FloatArray) -> float:
    """Return Wasserstein-1 divided by the cost of sending every bar of both to the diagonal.

    Always in [0, 1]: 0 for equal diagrams, 1 when no bar is worth matching. Without this, H0
    between n points and k landmarks only counts the n - k bars that have no partner.
    """
    most = total_persistence(left) + total_persistence(right)
    return min(1.0, wasserstein(left, right) / most) if most > 0 else 0.0


def matching(left: FloatArray, right: FloatArray, *, order: str = "bottleneck") -> Matching:
    """Return an optimal matching of two diagrams, unmatched bars paired with the diagonal (-1).

    order: "wasserstein" has the least total cost; "bottleneck" the least largest cost, and among
    those the least total.
    """
    one_of("order", order, ORDERS)
    left = _finite(left, "left")
    right = _finite(right, "right")
    near_left = half_lengths(left)
    near_right = half_lengths(right)
    cost = ground(left, right)
    # against the diagonal for both
    saving = np.maximum(near_left[:, None] + near_right[None, :] - cost, 0.0)
    allowed = saving > 0
    if order == "bottleneck":
        limit = bottleneck(left, right)
        must = (near_left > limit)[:, None].astype(float) + (near_right > limit)[None, :]
        allowed = (cost <= limit) & ((saving > 0) | (must > 0))
        # more than all else can save together
        saving = saving + must * (1.0 + near_left.sum() + near_right.sum())
    row, column = _assign(np.where(allowed, saving, 0.0))
    real = allowed[row, column]
    return _with_diagonal(row[real], column[real], cost, near_left, near_right)


def _assign(saving: FloatArray) -> tuple[IntArray, IntArray]:
    from scipy.optimize import linear_sum_assignment

    row, column = linear_sum_assignment(saving, maximize=True)
    return np.asarray(row, dtype=np.int64), np.asarray(column, dtype=np.int64)


def _with_diagonal(
    row: IntArray, column: IntArray, cost: FloatArray, near_left: FloatArray, near_right: FloatArray
) -> Matching:
    lone_left = np.setdiff1d(np.arange(len(near_left), dtype=np.int64), row)
    lone_right = np.setdiff1d(np.arange(len(near_right), dtype=np.int64), column)
    return Matching(
        np.concatenate([row, lone_left, np.full(len(lone_right), -1, dtype=np.int64)]),
        np.concatenate([column, np.full(len(lone_left), -1, dtype=np.int64), lone_right]),
        np.concatenate([cost[row, column], near_left[lone_left], near_right[lone_right]]),
    )


def _finite(diagram: FloatArray, name: str) -> FloatArray:
    array = np.asarray(diagram, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(array).all():
        msg = f"the {name} diagram has bars that never end; clamp or drop them first"
        raise ValueError(msg)
    return array
