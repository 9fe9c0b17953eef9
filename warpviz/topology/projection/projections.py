"""Point clouds on a plane or in a room: PCA at once, UMAP when it is ready, later points placed.

Pictures only: persistence is computed in the full space, never on a projection, since UMAP distorts
distances.
"""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warpviz.topology.points import FloatArray, IntArray, between, cloud, farthest_sample, one_of

METRICS = ("euclidean", "cosine", "correlation", "manhattan")
METHODS = ("hdbscan", "kmeans")
LEAST_UMAP = 16
MAX_FIT = 4096  # beyond, UMAP's neighbour search compiles for a minute first
MAX_EXACT = 512
NEIGHBOURS = 8
LEAST_NEIGHBOURS = 2
MAX_AXES = 50
START = 10.0  # where UMAP itself puts the farthest point of a start
NOISE = 1e-4  # and by how much it shakes one, so that copies part
BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Points [N, P] seen in few dimensions: `coords` float64 [N, d]. Its rows never move.

    `method` is "pca" or "umap"; `share` the share of variance each PCA axis carries [d], empty for
    UMAP. Later points are placed by `mean` [P] and `axes` [d, P] for PCA, by `anchors` [A, P] and
    `anchor_coords` [A, d] for UMAP.
    """

    coords: FloatArray
    method: str
    share: FloatArray
    mean: FloatArray
    axes: FloatArray
    anchors: FloatArray
    anchor_coords: FloatArray

    def place(self, points: ArrayLike) -> FloatArray:
        """Return coordinates [M, d] for later points [M, P], each independent of the others.

        PCA projects them. UMAP has no map of its own that does not depend on the batch: they go to
        the mean of their eight nearest anchors' places, weighted by inverse distance, so a copy of
        an anchor lands on it.
        """
        array = cloud(points)
        if self.method == "pca":
            return np.asarray((array - self.mean) @ self.axes.T)
        return _barycentre(self.anchors, self.anchor_coords, array)

    def extend(self, points: ArrayLike) -> "Projection":
        """Return the projection with later points appended; the earlier ones keep every bit."""
        return replace(self, coords=np.concatenate([self.coords, self.place(points)]))


def pca(points: ArrayLike, *, num_axes: int = 2, seed: int = 0) -> Projection:
    """Project `points` [N, P] on their first principal axes; missing axes are zero.

    Exact up to 512 points or coordinates, randomised and seeded beyond. An axis points to its
    largest entry.
    """
    array = cloud(points)
    mean = array.mean(axis=0)
    scale, axes = _principal(array - mean, num_axes, seed)
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = axes * np.where(largest < 0, -1.0, 1.0)[:, None]
    total = float(((array - mean) ** 2).sum())
    room = num_axes - len(axes)
    axes = np.concatenate([axes, np.zeros((room, array.shape[1]))])
    share = np.concatenate([scale**2 / total if total > 0 else scale * 0, np.zeros(room)])
    none = np.zeros((0, array.shape[1]))
    return Projection(
        coords=(array - mean) @ axes.T,
        method="pca",
        share=share,
        mean=mean,
        axes=axes,
        anchors=none,
        anchor_coords=np.zeros((0, num_axes)),
    )


def umap(
    points: ArrayLike,
    *,
    num_axes: int = 2,
    metric: str = "euclidean",
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    seed: int = 0,
) -> Projection:
    """Project `points` [N, P] with UMAP; fewer than 16 give PCA.

    Same points and seed, same coordinates, bit for bit: it starts from the principal axes, since
    the spectral start of a neighbour graph that falls into parts is not repeatable. Above 4,096
    points it is fitted on that many farthest points in 50 principal axes; the others are placed.

    Raises:
        ValueError: a bad cloud, an unknown metric, or a setting out of range.
    """
    array = cloud(points)
    one_of("metric", metric, METRICS)
    if n_neighbors < LEAST_NEIGHBOURS:
        msg = f"n_neighbors must be at least {LEAST_NEIGHBOURS}, got {n_neighbors!r}"
        raise ValueError(msg)
    if not 0 <= min_dist <= 1:
        msg = f"min_dist must be in [0, 1], got {min_dist!r}"
        raise ValueError(msg)
    if len(array) < LEAST_UMAP:
        return pca(array, num_axes=num_axes, seed=seed)
    space = array
    rows = np.arange(len(array))
    if len(array) > MAX_FIT:
        if array.shape[1] > MAX_AXES:
            space = pca(array, num_axes=MAX_AXES, seed=seed).coords
        rows = np.sort(farthest_sample(space, MAX_FIT).order)
    fitted = _fit(
        space[rows],
        num_axes=num_axes,
        metric=metric,
        n_neighbors=min(n_neighbors, len(rows) - 1),
        min_dist=min_dist,
        seed=seed,
    )
    coords = np.empty((len(array), num_axes))
    coords[rows] = fitted
    rest = np.setdiff1d(np.arange(len(array)), rows)
    if rest.size:
        coords[rest] = _barycentre(space[rows], fitted, space[rest])
    return Projection(
        coords=coords,
        method="umap",
        share=np.zeros(0),
        mean=array.mean(axis=0),
        axes=np.zeros((0, array.shape[1])),
        anchors=array[rows],
        anchor_coords=fitted,
    )


def clusters(
    points: ArrayLike, *, method: str = "hdbscan", num: int = 8, least: int = 8, seed: int = 0
) -> IntArray:
    """Return a cluster label per point, int64 [N], numbered by size; -1 is noise (HDBSCAN only).

    `num` clusters for k-means, at least `least` points each for HDBSCAN; in at most 50 principal
    axes.
    """
    one_of("method", method, METHODS)
    array = cloud(points)
    if array.shape[1] > MAX_AXES:
        array = pca(array, num_axes=min(MAX_AXES, len(array)), seed=seed).coords
    if method == "kmeans":
        from sklearn.cluster import KMeans

        count = min(num, len(np.unique(array, axis=0)))
        raw = KMeans(n_clusters=count, n_init=4, random_state=seed).fit_predict(array)
    elif len(array) < max(2, least):
        raw = np.full(len(array), -1)
    else:
        from sklearn.cluster import HDBSCAN

        raw = HDBSCAN(min_cluster_size=max(2, least), copy=True).fit_predict(array)
    names, counts = np.unique(raw[raw >= 0], return_counts=True)
    order = names[np.lexsort((names, -counts))]
    label = {int(name): at for at, name in enumerate(order)}
    return np.asarray([label.get(int(name), -1) for name in raw], dtype=np.int64)


def _principal(centred: FloatArray, count: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Return singular values [d] and axes [d, P] with d = min(count, N, P)."""
    keep = min(count, *centred.shape)
    if min(centred.shape) <= MAX_EXACT:
        _, scale, axes = np.linalg.svd(centred, full_matrices=False)
    else:
        from sklearn.utils.extmath import randomized_svd

        _, scale, axes = randomized_svd(centred, keep, n_iter=7, random_state=seed)
    return np.asarray(scale[:keep]), np.asarray(axes[:keep])


def _fit(
    points: FloatArray, *, num_axes: int, metric: str, n_neighbors: int, min_dist: float, seed: int
) -> FloatArray:
    with warnings.catch_warnings():  # numba and UMAP warn on import and about tiny graphs
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            n_components=num_axes,
            metric=metric,
            n_neighbors=n_neighbors,
            min_dist=min_dist,
            random_state=seed,
            init=_start(points, num_axes=num_axes, seed=seed),
            n_jobs=1,
            force_approximation_algorithm=False,
        )
        found = np.asarray(model.fit_transform(points), dtype=np.float64)
    # a point without a neighbour: UMAP gives it no place
    if not np.isfinite(found).all():
        found = np.where(np.isfinite(found), found, np.nanmean(found, axis=0))
    return found


def _start(points: FloatArray, *, num_axes: int, seed: int) -> NDArray[np.float32]:
    """Return where UMAP's layout of `points` [n, P] starts: principal axes, scaled as it does."""
    coords = pca(points, num_axes=num_axes, seed=seed).coords
    largest = float(np.abs(coords).max()) or 1.0
    noise = np.random.default_rng(seed).normal(scale=NOISE, size=coords.shape)
    return np.asarray(coords * (START / largest) + noise, dtype=np.float32)


def _barycentre(anchors: FloatArray, places: FloatArray, points: FloatArray) -> FloatArray:
    """Return the inverse-distance mean of the places of each point's nearest anchors, [M, d].

    Distances are taken pair by pair, not as a matrix product, whose rounding depends on the batch.
    """
    count = min(NEIGHBOURS, len(anchors))
    found = np.empty((len(points), places.shape[1]))
    for start in range(0, len(points), BLOCK):
        distances = between(points[start : start + BLOCK], anchors)
        rows = np.argsort(distances, axis=1, kind="stable")[:, :count]
        near = np.take_along_axis(distances, rows, axis=1)
        weights = 1.0 / np.maximum(near, np.maximum(near[:, -1:], 1e-300) * 1e-12)
        weights /= weights.sum(axis=1, keepdims=True)
        found[start : start + BLOCK] = (weights[:, :, None] * places[rows]).sum(axis=1)
    return found
