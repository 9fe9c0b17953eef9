"""Witness complexes: landmarks are the vertices, every point of the cloud is a witness.

Values are lengths: the square root of the relaxation alpha^2. A weak or strong complex without a
bound can take minutes and gigabytes, so there is always one; by default a typical witness counts
for its nine nearest landmarks.
"""

from itertools import combinations
from typing import Any

import numpy as np

from warpviz.topology.persistence.rips import matrix_bars
from warpviz.topology.points import FloatArray, IntArray, between

TYPICAL_REACH = 8
MAX_REACH = 16


def witness_bars(
    points: FloatArray,
    landmarks: IntArray,
    *,
    kind: str,
    max_dim: int,
    threshold: float | None,
) -> tuple[dict[int, FloatArray], float | None]:
    """Return raw bars per dimension for `landmarks` [K] of `points` [N, P], and the bound used.

    kind: "witness-weak", "witness-strong" or "witness-lazy". The bound is a length.
    """
    distances = between(points, points[landmarks])  # [N, K]
    if kind == "witness-lazy":
        return matrix_bars(lazy_matrix(distances), max_dim=max_dim, threshold=threshold), threshold
    bound = default_bound(distances) if threshold is None else threshold
    build = _strong if kind == "witness-strong" else _weak
    tree = build(distances, bound=bound, limit=max_dim + 1)
    tree.compute_persistence(homology_coeff_field=2, min_persistence=-1, persistence_dim_max=True)
    found = {dim: tree.persistence_intervals_in_dimension(dim) for dim in range(max_dim + 1)}
    bars = {
        dim: np.sqrt(np.asarray(pairs, dtype=np.float64).reshape(-1, 2))
        for dim, pairs in found.items()
    }
    return bars, bound


def lazy_matrix(distances: FloatArray) -> FloatArray:
    """Return the value at which each edge [K, K] enters the lazy witness complex (nu = 1).

    `distances` [N, K] lead from every point to every landmark. An edge enters when some witness has
    both ends within its nearest-landmark distance plus the value. With landmarks that are an
    epsilon-net its persistence approximates the Rips persistence within a factor three
    (arXiv 1906.06122).
    """
    num = distances.shape[1]
    slack = distances - distances.min(axis=1, keepdims=True)  # [N, K]
    value = np.empty((num, num))
    for row in range(num):
        value[row] = np.maximum(slack, slack[:, [row]]).min(axis=0)
    value[np.diag_indices(num)] = 0.0
    return np.minimum(value, value.T)


def default_bound(distances: FloatArray) -> float:
    """Return the length that takes a typical witness [N, K] to its ninth-nearest landmark."""
    reach = min(TYPICAL_REACH, distances.shape[1] - 1)
    nearest = np.sort(distances**2, axis=1)
    return float(np.sqrt(np.median(nearest[:, reach] - nearest[:, 0]))) or float(
        np.finfo(np.float32).tiny
    )


def _weak(distances: FloatArray, *, bound: float, limit: int) -> Any:
    from gudhi import WitnessComplex

    order = np.argsort(distances, axis=1, kind="stable")
    squared = np.take_along_axis(distances**2, order, axis=1)
    pairs = zip(order.tolist(), squared.tolist(), strict=True)
    table = [list(zip(names, values, strict=True)) for names, values in pairs]
    return WitnessComplex(table).create_simplex_tree(
        max_alpha_square=bound**2, limit_dimension=limit
    )


def _strong(distances: FloatArray, *, bound: float, limit: int) -> Any:
    """Build the strong complex: a simplex enters when its vertices are near enough to one witness.

    GUDHI's own goes through every subset of a witness's landmarks, whatever the dimension asked
    for; this one only through those of at most `limit` + 1 vertices among the `MAX_REACH` nearest.
    """
    from gudhi import SimplexTree

    order = np.argsort(distances, axis=1, kind="stable")[:, :MAX_REACH]
    squared = np.take_along_axis(distances**2, order, axis=1)
    squared -= squared[:, :1].copy()
    tree = SimplexTree()
    for size in range(1, min(limit + 1, order.shape[1]) + 1):
        slots = np.array(list(combinations(range(order.shape[1]), size)), dtype=np.int64)
        # sorted by distance, so the last vertex decides
        value = squared[:, slots[:, -1]].reshape(-1)
        names = order[:, slots].reshape(-1, size)
        known = value <= bound**2
        simplices, least = _least(np.sort(names[known], axis=1), value[known])
        tree.insert_batch(simplices.T, least)
    return tree


def _least(simplices: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the distinct rows of `simplices` [S, v] and the least value of each."""
    unique, owner = np.unique(simplices, axis=0, return_inverse=True)
    least = np.full(len(unique), np.inf)
    np.minimum.at(least, owner.reshape(-1), values)
    return unique, least
