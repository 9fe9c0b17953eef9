"""Point clouds: the checks every computation starts with, distances, and farthest-point
subsampling.

Glossary of the package: N points of the whole cloud, n of them used, K landmarks, P coordinates, B
bars of a diagram.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
# squares of far larger ones overflow; Qhull crashes from 1e60 on
LARGEST = float(np.finfo(np.float32).max)
COPY = 1e-6  # of a cloud's extent: keys are float32


def cloud(points: ArrayLike | Any, *, name: str = "points", least: int = 1) -> FloatArray:
    """Return `points` as a float64 array [N, P] with at least `least` rows, all of them finite.

    Raises:
        ValueError: not two-dimensional, too few rows, or a row holds NaN, infinity or what float32
        cannot hold.
    """
    array = np.ascontiguousarray(np.asarray(points, dtype=np.float64))
    if array.ndim != 2 or array.shape[1] == 0:
        msg = f"{name} must be an array [N, P] with P >= 1, got shape {array.shape}"
        raise ValueError(msg)
    if len(array) < least:
        msg = f"{name} must hold at least {least} points, got {len(array)}"
        raise ValueError(msg)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        msg = f"{name} must be finite; {bad.size} of {len(array)} rows are not, the first is row {bad[0]}"
        raise ValueError(msg)
    if array.size and max(array.max(), -array.min()) > LARGEST:
        row, column = np.argwhere(np.abs(array) > LARGEST)[0]
        msg = f"{name} must lie within {LARGEST:.2g} of 0, float32's range, got {array[row, column]:.4g} in row {row}"
        raise ValueError(msg)
    return array


def one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    """Return `value` if it is known, else raise a ValueError naming the nearest.

    The engine has the same check; importing it would load torch into every worker process.
    """
    if value in known:
        return value
    near = get_close_matches(str(value), known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    msg = f"{name} {value!r} is unknown; accepted: {', '.join(known)}{hint}"
    raise ValueError(msg)


def whole_number(name: str, value: Any, *, least: int) -> int:
    """Return `value` if it is a whole number of at least `least`, else raise a ValueError naming
    it.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        msg = f"{name} must be a whole number of at least {least}, got {value!r}"
        raise ValueError(msg)
    return int(value)


def whole_numbers(values: ArrayLike | Any, *, name: str) -> IntArray:
    """Return `values` as int64 [n], in their order.

    Raises:
        ValueError: one of them is no whole number, so that a fraction would be cut off and a mask
        read as 0 and 1.
    """
    array = np.asarray(values).reshape(-1)
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    known = array.dtype.kind in "iuf"
    bad = np.flatnonzero(array != np.floor(array)) if known else np.arange(1)  # NaN equals nothing
    if bad.size or not np.isfinite(array).all():
        found = array[bad[0]] if bad.size else array[~np.isfinite(array)][0]
        msg = f"{name} must be whole numbers, the rows' indices, got {found.item()!r}"
        raise ValueError(msg)
    return array.astype(np.int64)


def rows(indices: ArrayLike | Any, *, num_points: int, name: str = "landmarks") -> IntArray:
    """Return `indices` as sorted, unique int64 rows of a cloud of `num_points`.

    Raises:
        ValueError: an index is no whole number, repeats or lies outside [0, num_points).
    """
    array = whole_numbers(indices, name=name)
    unique = np.unique(array)
    if unique.size != array.size:
        msg = f"{name} must not repeat, got {array.size - unique.size} repeated indices"
        raise ValueError(msg)
    if unique.size and (unique[0] < 0 or unique[-1] >= num_points):
        msg = f"{name} must lie in 0..{num_points - 1}, got {unique[0]}..{unique[-1]}"
        raise ValueError(msg)
    return unique


def num_duplicates(points: FloatArray) -> int:
    """Return how many rows of `points` [N, P] repeat an earlier row exactly."""
    return len(points) - len(np.unique(points, axis=0))


def copy_reach(points: FloatArray) -> float:
    """Return the distance within which two of `points` [N, P] count as copies: a millionth of the
    cloud's extent.
    """
    return float(np.ptp(points, axis=0).max()) * COPY


def without_copies(points: FloatArray) -> FloatArray:
    """Return `points` [N, P] without those nearer to an earlier one than a millionth of the cloud's
    extent.

    A repeated token's keys differ by rounding: such copies have no meaningful nearest-neighbour
    ratio, and triangulate into needles without a meaningful circumscribed sphere.
    """
    from scipy.spatial import cKDTree

    near = cKDTree(points).query_pairs(copy_reach(points), output_type="ndarray")
    return np.asarray(points[np.setdiff1d(np.arange(len(points)), near[:, 1])])


def pairwise(points: FloatArray) -> FloatArray:
    """Return the Euclidean distance matrix [N, N] of `points` [N, P]: symmetric, zero diagonal."""
    from scipy.spatial.distance import pdist, squareform

    return np.asarray(squareform(pdist(points)), dtype=np.float64)


def between(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return the Euclidean distances [N, M] from `left` [N, P] to `right` [M, P]."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(left, right), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Subsample:
    """A farthest-point subsample: `order` int64 [n] as picked, `radius` its cover radius in the
    whole cloud.
    """

    order: IntArray
    radius: float


def farthest_sample(points: FloatArray, count: int, *, keep: IntArray | None = None) -> Subsample:
    """Pick `count` rows of `points` [N, P], each the farthest from those before; rows in `keep`
    come first.

    Starts at row 0 when nothing is kept, so the answer depends on the points alone. Ties go to the
    lowest row.
    """
    first = np.array([0], dtype=np.int64) if keep is None or not keep.size else keep
    order = first.tolist()
    nearest = between(points, points[first]).min(axis=1)
    while len(order) < min(count, len(points)):
        row = int(nearest.argmax())
        if nearest[row] == 0.0:  # only copies of chosen points are left
            rest = np.setdiff1d(np.arange(len(points)), order)
            order.extend(rest[: count - len(order)].tolist())
            break
        order.append(row)
        nearest = np.minimum(nearest, np.sqrt(((points - points[row]) ** 2).sum(axis=1)))
        nearest[row] = 0.0
    return Subsample(np.asarray(order, dtype=np.int64), float(nearest.max()))
