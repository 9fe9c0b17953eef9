"""The alpha complex of a cloud's first three principal components, by SciPy's Delaunay.

Filtration values are diameters of the smallest empty circumscribed spheres: an edge of the minimum
spanning tree enters at its own length, as in a Rips complex. (GUDHI's own alpha complex is GPL;
this one needs BSD and MIT code only.)
"""

from itertools import combinations

import numpy as np

from warpviz.topology.persistence.rips import rips_bars
from warpviz.topology.points import FloatArray, IntArray

# Of the extent. Nearer points make needles, whose circumscribed spheres are rounding errors: the
# loops they give are wrong from 1e-11 on.
SEPARATE = 1e-10
EDGE = 2  # vertices


def principal(points: FloatArray, *, num_axes: int) -> FloatArray:
    """Return `points` [n, P] in their first principal axes that carry variance: [n, <= num_axes].

    Axes whose share of the longest is below `SEPARATE` are left out.
    """
    centred = points - points.mean(axis=0)
    left, scale, _ = np.linalg.svd(centred, full_matrices=False)
    rank = int((scale > scale[:1].sum() * SEPARATE).sum())
    keep = max(1, min(num_axes, rank))
    return np.asarray(left[:, :keep] * scale[:keep])


def alpha_bars(
    points: FloatArray, *, max_dim: int, threshold: float | None
) -> tuple[dict[int, FloatArray], int]:
    """Return raw alpha bars per dimension of `points` [n, P], and how many points were merged.

    The points are projected to at most three principal axes. Those nearer to an earlier one than
    `SEPARATE` times the extent are merged with it.
    """
    projected = principal(points, num_axes=3)
    flat = separate(projected)
    merged = len(projected) - len(flat)
    if flat.shape[1] == 1 or len(flat) <= flat.shape[1] + 1:
        # a line, or one simplex: no triangulation needed
        return rips_bars(flat, max_dim=max_dim, threshold=threshold), merged
    from gudhi import SimplexTree
    from scipy.spatial import Delaunay

    tree = SimplexTree()
    mesh = Delaunay(flat)
    for simplices, values in _filtration(flat, np.asarray(mesh.simplices, dtype=np.int64)):
        tree.insert_batch(simplices.T, values)
    if len(mesh.coplanar):  # points too near another for Qhull to use: they hang on it by an edge
        ends = np.asarray(mesh.coplanar[:, [0, 2]], dtype=np.int64)
        tree.insert_batch(ends.T, np.linalg.norm(flat[ends[:, 0]] - flat[ends[:, 1]], axis=1))
    if threshold is not None:
        tree.prune_above_filtration(threshold)
    tree.compute_persistence(homology_coeff_field=2, min_persistence=-1, persistence_dim_max=True)
    found = {dim: tree.persistence_intervals_in_dimension(dim) for dim in range(max_dim + 1)}
    bars = {dim: np.asarray(pairs, dtype=np.float64).reshape(-1, 2) for dim, pairs in found.items()}
    return bars, merged + len(mesh.coplanar)


def separate(points: FloatArray) -> FloatArray:
    """Return `points` [n, d] without those too near an earlier one for a triangulation."""
    from scipy.spatial import cKDTree

    reach = float(np.ptp(points, axis=0).max()) * SEPARATE
    near = cKDTree(points).query_pairs(reach, output_type="ndarray")
    return np.asarray(points[np.setdiff1d(np.arange(len(points)), near[:, 1])])


def _filtration(points: FloatArray, top: IntArray) -> list[tuple[IntArray, FloatArray]]:
    """Return every simplex of a triangulation with its alpha value, vertices first.

    A face takes the diameter of its own circumscribed sphere when no opposite vertex of a coface
    lies inside it, and the least value of its cofaces otherwise.
    """
    simplices = np.unique(np.sort(top, axis=1), axis=0)
    values = _circumdiameter(points, simplices)[0]
    levels = [(simplices, values)]
    while simplices.shape[1] > EDGE:
        simplices, values = _faces(points, simplices, values)
        levels.append((simplices, values))
    vertices = np.arange(len(points), dtype=np.int64)[:, None]
    return [(vertices, np.zeros(len(points))), *reversed(levels)]


def _faces(
    points: FloatArray, simplices: IntArray, values: FloatArray
) -> tuple[IntArray, FloatArray]:
    width = simplices.shape[1]
    facets = np.concatenate(
        [simplices[:, list(keep)] for keep in combinations(range(width), width - 1)]
    )
    dropped = np.concatenate([simplices[:, width - 1 - slot] for slot in range(width)])
    unique, owner = np.unique(facets, axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    diameter, centre = _circumdiameter(points, unique)
    reach = np.linalg.norm(points[dropped] - centre[owner], axis=1) * 2
    blocked = np.zeros(len(unique), dtype=bool)
    np.logical_or.at(blocked, owner, reach < diameter[owner] * (1 - 1e-12))
    least = np.full(len(unique), np.inf)
    np.minimum.at(least, owner, np.tile(values, width))
    return unique, np.where(blocked, least, np.minimum(diameter, least))


def _circumdiameter(points: FloatArray, simplices: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return diameter [S] and centre [S, d] of the smallest spheres through `simplices` [S, v]."""
    origin = points[simplices[:, 0]]
    edges = points[simplices[:, 1:]] - origin[:, None]  # [S, v - 1, d]
    half = (edges**2).sum(axis=2)[..., None] / 2
    # the shortest solution lies in the simplex's own plane
    offset = (np.linalg.pinv(edges) @ half)[..., 0]
    return 2 * np.linalg.norm(offset, axis=1), origin + offset
