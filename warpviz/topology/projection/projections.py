"""Point clouds on a plane or in a room: PCA at once, UMAP when it is ready, and places for points
that come later.

Pictures only: persistence is computed in the full space, never on a projection, since UMAP distorts
distances.
"""

import threading
import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.points import FloatArray, IntArray, between, cloud, farthest_sample, one_of

METRICS = ("euclidean", "cosine", "correlation", "manhattan")
METHODS = ("hdbscan", "kmeans")
LEAST_UMAP = 16
MAX_FIT = 4096  # beyond, UMAP's neighbour search compiles for a minute first
MAX_EXACT = 512
NEIGHBOURS = 8
MAX_AXES = 50
BLOCK = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Points [N, P] seen in few dimensions: `coords` float64 [N, d]. Rows never move once they are
    there.

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
        """Return coordinates [M, d] for later points [M, P]; each depends on itself and the anchors
        alone.

        PCA projects them. UMAP has no map of its own that does not depend on the batch: they go to
        the mean of their eight nearest anchors' places, weighted by inverse distance, so a copy of
        an anchor lands on it.
        """
        array = cloud(points)
        if self.method == "pca":
            return np.asarray((array - self.mean) @ self.axes.T)
        return _barycentre(self.anchors, self.anchor_coords, array)

    def extend(self, points: ArrayLike) -> "Projection":
        """Return the projection with later points appended; those before keep their coordinates bit
        for bit.
        """
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
    """Project `points` [N, P] with UMAP; fewer than 16 give PCA. Same points and seed, same
    coordinates.

    Above 4,096 points it is fitted on that many farthest points in 50 principal axes, and the
    others are placed.
    """
    array = cloud(points)
    one_of("metric", metric, METRICS)
    if n_neighbors < 2 or not 0 <= min_dist <= 1:
        msg = f"n_neighbors must be at least 2 and min_dist in [0, 1], got {n_neighbors!r} and {min_dist!r}"
        raise ValueError(msg)
    if len(array) < LEAST_UMAP:
        return pca(array, num_axes=num_axes, seed=seed)
    flat = (
        pca(array, num_axes=MAX_AXES, seed=seed)
        if len(array) > MAX_FIT and array.shape[1] > MAX_AXES
        else None
    )
    space = array if flat is None else flat.coords
    rows = (
        np.arange(len(space))
        if len(space) <= MAX_FIT
        else np.sort(farthest_sample(space, MAX_FIT).order)
    )
    neighbours = min(n_neighbors, len(rows) - 1)
    fitted = _fit(
        space[rows],
        num_axes=num_axes,
        metric=metric,
        n_neighbors=neighbours,
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


def warm_up(*, num_axes: int = 2) -> threading.Thread:
    """Load and compile UMAP on a thread (about half a minute, once per process); join it to
    wait.
    """

    def work() -> None:
        umap(np.random.default_rng(0).normal(size=(64, 4)), num_axes=num_axes, n_neighbors=5)

    thread = threading.Thread(target=work, name="warpviz-umap", daemon=True)
    thread.start()
    return thread


def clusters(
    points: ArrayLike, *, method: str = "hdbscan", num: int = 8, least: int = 8, seed: int = 0
) -> IntArray:
    """Return a cluster label per point, int64 [N]; -1 is noise (HDBSCAN only). Labels are numbered
    by size.

    `num` clusters for k-means, at least `least` points each for HDBSCAN; in at most 50 principal
    axes.
    """
    one_of("method", method, METHODS)
    array = cloud(points)
    if array.shape[1] > MAX_AXES:
        array = pca(array, num_axes=min(MAX_AXES, len(array)), seed=seed).coords
    if method == "kmeans":
        from sklearn.cluster import KMeans

        raw = KMeans(
            n_clusters=min(num, len(np.unique(array, axis=0))), n_init=4, random_state=seed
        ).fit_predict(array)
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
    # numba's and UMAP's notes on import and on tiny graphs concern no one here
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from umap import UMAP

        model = UMAP(
            n_components=num_axes,
            metric=metric,
            n_neighbors=n_neighbors,
            min_dist=min_dist,
            random_state=seed,
            n_jobs=1,
            force_approximation_algorithm=False,
        )
        found = np.asarray(model.fit_transform(points), dtype=np.float64)
    # points of a component of their own that UMAP could not lay out
    if not np.isfinite(found).all():
        found = np.where(np.isfinite(found), found, np.nanmean(found, axis=0))
    return found


def _barycentre(anchors: FloatArray, places: FloatArray, points: FloatArray) -> FloatArray:
    """Return for each point [M, P] the inverse-distance mean of its nearest anchors' places [M, d].

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
