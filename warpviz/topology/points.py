"""Point clouds: the checks every computation starts with, distances, and farthest-point samples.

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
BoolArray = NDArray[np.bool_]
# squares of far larger ones overflow; Qhull crashes from 1e60 on
LARGEST = float(np.finfo(np.float32).max)
COPY = 1e-6  # of a point's size: a few times the rounding of float32, which keys have
MIDDLE = 0.9  # the share of a cloud that its spread is taken from
BLOCK = 1024


def numpy_of(values: Any) -> NDArray[Any]:
    """Return numbers as a numpy array: an array, nested lists, a data frame, a tensor.

    A tensor may lie on any device, need gradients and be of any type of float.
    """
    if hasattr(values, "detach"):
        tensor = values.detach().cpu()
        half = tensor.is_floating_point() and tensor.element_size() < np.float32().itemsize
        return np.asarray(tensor.float() if half else tensor)  # numpy has no bfloat16
    return np.asarray(values)


def cloud(points: ArrayLike | Any, *, name: str = "points", least: int = 1) -> FloatArray:
    """Return `points` as a float64 array [N, P] with at least `least` rows, all of them finite.

    Raises:
        TypeError: they are no numbers.
        ValueError: not two-dimensional, too few rows, or a row holds NaN, infinity or what float32
            cannot hold.
    """
    array = _floats(points, name)
    if len(array.shape) != len(("N", "P")) or array.shape[1] == 0:
        msg = f"{name} must be an array [N, P] with P >= 1, got shape {array.shape}"
        raise ValueError(msg)
    if len(array) < least:
        msg = f"{name} must have at least {least} rows, got {len(array)}"
        raise ValueError(msg)
    bad = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if bad.size:
        count = f"{bad.size} of {len(array)} rows are not, the first is row {bad[0]}"
        msg = f"{name} must be finite; {count}"
        raise ValueError(msg)
    if array.size and max(array.max(), -array.min()) > LARGEST:
        row, column = np.argwhere(np.abs(array) > LARGEST)[0]
        found = f"got {array[row, column]:.4g} in row {row}"
        msg = f"{name} must lie within {LARGEST:.2g} of 0, the range of float32; {found}"
        raise ValueError(msg)
    return array


def _floats(points: Any, name: str) -> FloatArray:
    wanted = f"{name} must be numbers [N, P], all rows of one length"
    kind = type(points).__name__
    try:
        array = numpy_of(points)
        found = array if array.dtype.kind == "c" else np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:  # rows of two lengths, or words among the numbers
        msg = f"{wanted}, got {kind}"
        raise TypeError(msg) from error
    # digits in a text, times, complex numbers; a lone number, or None
    if array.dtype.kind not in "biufO" or not array.shape:
        msg = f"{wanted}, got {kind} of {array.dtype}"
        raise TypeError(msg)
    return found


def one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    """Return `value` if it is known, else raise a ValueError naming the nearest."""
    if value in known:
        return value
    near = get_close_matches(str(value), known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    msg = f"{name} {value!r} is unknown; accepted: {', '.join(known)}{hint}"
    raise ValueError(msg)


def whole_number(name: str, value: Any, *, least: int) -> int:
    """Return `value` if it is a whole number of at least `least`, else raise a ValueError."""
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
    array = numpy_of(values).reshape(-1)
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    known = array.dtype.kind in "iuf"
    bad = np.flatnonzero(array != np.floor(array)) if known else np.arange(1)  # NaN equals nothing
    if bad.size or not np.isfinite(array).all():
        found = array[bad[0]] if bad.size else array[~np.isfinite(array)][0]
        value = found.item() if hasattr(found, "item") else found
        msg = f"{name} must be whole numbers, the rows' indices, got {value!r}"
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


def copies(points: FloatArray, *, distances: FloatArray | None = None) -> BoolArray:
    """Say which of `points` [N, P] repeat an earlier one up to rounding, bool [N].

    The keys of a repeated token differ by the rounding of float32, which is in proportion to a
    point's own size: so a copy lies within a millionth of a point's norm. Where all points share a
    large offset, within a millionth of the spread of the nearest nine tenths of them.
    `distances` [N, N] saves computing them again.
    """
    from_middle = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    size = np.minimum(np.linalg.norm(points, axis=1), np.quantile(from_middle, MIDDLE))
    found = np.zeros(len(points), dtype=np.bool_)
    for at in range(0, len(points), BLOCK):
        block = slice(at, at + BLOCK)
        gaps = between(points[block], points) if distances is None else distances[block]
        near = gaps <= COPY * size[block, None]
        found |= np.triu(near, at + 1).any(axis=0)
    return found


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
    """Rows picked from a cloud, in order, and the radius within which they cover the rest.

    Shape: order int64 [n].
    """

    order: IntArray
    radius: float


def farthest_sample(points: FloatArray, count: int, *, keep: IntArray | None = None) -> Subsample:
    """Pick `count` rows of `points` [N, P], each the farthest from those before it.

    Rows in `keep` come first. Without them row 0 does, so that the answer depends on the points
    alone. Ties go to the lowest row.
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
