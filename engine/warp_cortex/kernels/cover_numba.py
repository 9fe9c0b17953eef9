"""The greedy cover as one compiled loop for a CPU, which skips distances that cannot matter.

Distances to the nearest landmark only shrink as landmarks are added, so an old distance is an upper
bound. The search for the largest needs exact values only of the few points whose old value exceeds
it, and finds what comparing everything would find: lazy evaluation, as in Minoux' accelerated
greedy algorithm.
"""

import numpy as np
from numba import njit

# of sums only: the rule's own arithmetic is that of `farthest`
FAST = {"reassoc", "contract", "nsz", "arcp"}
NEVER = np.float32(-np.inf)
LEAST = np.finfo(np.float32).tiny


@njit(nogil=True, cache=True, error_model="numpy")
def greedy(points, scores, marks, radii, fixed, alpha, skip):
    """Fill `marks` [k] from `fixed` on and squared `radii` [k]; return the number of distances."""
    size = len(points)
    picks = len(marks)
    nearest = np.full(size, np.inf, np.float32)  # distance to the nearest landmark, as far as known
    squared = nearest.copy()
    seen = np.zeros(size, np.int32)  # landmarks each point was compared with
    gain = np.float32(alpha) * scores
    targets = np.zeros(size, np.float32)
    targets[:skip] = NEVER
    rest = np.zeros(size, np.float32)
    for number in range(fixed):
        rest[marks[number]] = gain[marks[number]] = NEVER
    count = 0
    one = np.float32(1)
    for number in range(picks):
        if number >= fixed:
            place, more = _highest(points, nearest, squared, seen, marks, number, rest, one)
            farthest = nearest[place] if place >= 0 else np.float32(0)
            share = np.float32(1 - alpha) / max(farthest, LEAST)
            best, again = _highest(points, nearest, squared, seen, marks, number, gain, share)
            count += more + again
            marks[number] = best
            rest[best] = gain[best] = NEVER
        place, more = _highest(points, nearest, squared, seen, marks, number + 1, targets, one)
        count += more
        radii[number] = squared[place] if place >= 0 else np.float32(0)
    return count


@njit(nogil=True, cache=True, error_model="numpy")
def _highest(points, nearest, squared, seen, marks, held, base, share):
    """Return the first allowed point where base + share * d is largest (or -1); and distances."""
    best = NEVER
    where = -1
    count = 0
    for point in range(len(nearest)):  # where it is largest by what is known
        value = nearest[point] * share + base[point]
        if value > best:
            best = value
            where = point
    if where < 0:
        return where, count
    start = where
    count += _refresh(points, nearest, squared, seen, marks, held, start, base, share, NEVER)
    best = nearest[start] * share + base[start]
    for point in range(len(nearest)):
        value = nearest[point] * share + base[point]
        if value < best or (value == best and point >= where) or base[point] == NEVER:
            continue
        if seen[point] < held:
            count += _refresh(points, nearest, squared, seen, marks, held, point, base, share, best)
            value = nearest[point] * share + base[point]
        if value > best or (value == best and point < where):
            best = value
            where = point
    return where, count


@njit(nogil=True, cache=True, error_model="numpy")
def _refresh(points, nearest, squared, seen, marks, held, point, base, share, enough):
    """Compare a point with landmarks it was not compared with, until its value is below `enough`.

    Returns how many distances that took.
    """
    begin = seen[point]
    for number in range(begin, held):
        squared[point] = min(squared[point], _squared(points, point, marks[number]))
        nearest[point] = np.sqrt(squared[point])
        seen[point] = number + 1
        if nearest[point] * share + base[point] < enough:
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
