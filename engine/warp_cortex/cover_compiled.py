"""The greedy cover as one compiled loop for a CPU, which computes only the distances that could matter.

Distances to the nearest landmark only shrink as landmarks are added, so an old one is an upper bound: whoever asks for
the largest needs exact values of the few points whose old value exceeds it, and gets what comparing everything would
give. That is lazy evaluation as Minoux' accelerated greedy does it.
"""
# mypy: disable-error-code="no-untyped-def, untyped-decorator, no-untyped-call, import-not-found, import-untyped"
# mypy: disable-error-code="misc"
# ruff: noqa: ANN001, ANN201, ANN202, PLR0917 - compiled code: types are found at the first call

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp"}  # of sums only: the rule's own arithmetic is that of `farthest`
LEAST = np.float32(-np.inf)


@njit(nogil=True, cache=True, error_model="numpy")
def greedy(points, scores, marks, radii, fixed, alpha, skip):
    """Fill `marks` [k] from `fixed` on and squared `radii` [k]; return how many distances were computed."""
    size, picks = len(points), len(marks)
    nearest = np.full(size, np.inf, np.float32)  # squared distance to the nearest landmark, as far as known
    seen = np.zeros(size, np.int32)  # landmarks each point was compared with
    weight = np.float32(alpha) * scores
    targets = np.zeros(size, np.float32)
    targets[:skip] = LEAST
    rest = np.zeros(size, np.float32)
    for number in range(fixed):
        rest[marks[number]] = weight[marks[number]] = LEAST
    count, one, share = 0, np.float32(1), np.float32(1 - alpha)
    for number in range(picks):
        if number >= fixed:
            place, more = _highest(points, nearest, seen, marks, number, rest, one, one)
            farthest = np.sqrt(nearest[place]) if place >= 0 else np.float32(0)
            # with no distance left every coverage is 0: the share is, not the divisor
            best, again = _highest(
                points, nearest, seen, marks, number, weight, farthest if farthest > 0 else one,
                share if farthest > 0 else np.float32(0),
            )  # fmt: skip
            count += more + again
            marks[number] = best
            rest[best] = weight[best] = LEAST
        place, more = _highest(points, nearest, seen, marks, number + 1, targets, one, one)
        count += more
        radii[number] = nearest[place] if place >= 0 else np.float32(0)
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def _highest(points, nearest, seen, marks, held, base, unit, share):
    """Return the first point of the largest base + share * d / unit, -1 if none is allowed; and how many it took."""
    best, where, count = LEAST, -1, 0
    for point in range(len(nearest)):  # where it is largest by what is known
        value = base[point] + share * (np.sqrt(nearest[point]) / unit)
        if value > best:
            best, where = value, point
    if where < 0:
        return where, count
    start = where
    count += _refresh(points, nearest, seen, marks, held, start, base, unit, share, LEAST)
    best = base[start] + share * (np.sqrt(nearest[start]) / unit)
    for point in range(len(nearest)):
        value = base[point] + share * (np.sqrt(nearest[point]) / unit)
        if value < best or (value == best and point >= where) or base[point] == LEAST:
            continue
        if seen[point] < held:
            count += _refresh(points, nearest, seen, marks, held, point, base, unit, share, best)
            value = base[point] + share * (np.sqrt(nearest[point]) / unit)
        if value > best or (value == best and point < where):
            best, where = value, point
    return where, count


@njit(nogil=True, cache=True, error_model="numpy")
def _refresh(points, nearest, seen, marks, held, point, base, unit, share, enough):
    """Compare a point with landmarks it has not seen yet until its value is below `enough`; return with how many."""
    begin = seen[point]
    for number in range(begin, held):
        nearest[point] = min(nearest[point], _squared(points, point, marks[number]))
        seen[point] = number + 1
        if base[point] + share * (np.sqrt(nearest[point]) / unit) < enough:
            break
    return seen[point] - begin


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def _squared(points, one, other):
    """Squared distance of two points."""
    total = np.float32(0)
    for place in range(points.shape[1]):
        difference = points[one, place] - points[other, place]
        total += difference * difference
    return total
