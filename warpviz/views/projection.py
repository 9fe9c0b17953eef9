"""Projections of a cloud to the screen: PCA at once, UMAP when it is ready, and places for tokens that come later."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
METRICS = ("euclidean", "cosine", "manhattan", "correlation")
LEAST_FOR_UMAP = 16
DIMS = 3


@dataclass(frozen=True, slots=True)
class Plane:
    """Principal axes of a cloud: `mean` [P], `axes` [P, 3], coordinates [T, 3] in the points' own units.

    An orthogonal projection never stretches: two tokens are at least as far apart as they look. `explained` is the
    share of the variance on the first two and the first three axes.
    """

    mean: Floats
    axes: Floats
    coordinates: Floats
    explained: tuple[float, float]

    def place(self, points: Floats) -> Floats:
        """Return the coordinates [n, 3] of further points."""
        return np.asarray((points - self.mean) @ self.axes, dtype=np.float32)

    def grown(self, points: Floats) -> "Plane":
        """Return the same plane with further points on it."""
        return replace(self, coordinates=np.concatenate([self.coordinates, self.place(points)]))


def pca(points: Floats) -> Plane:
    """Return the principal plane of points [T, P]; signs are fixed, so the same points give the same picture."""
    mean = points.mean(axis=0, dtype=np.float64)
    centred = points.astype(np.float64) - mean
    tall = len(points) >= points.shape[1]
    values, vectors = np.linalg.eigh(centred.T @ centred if tall else centred @ centred.T)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1][:, :DIMS]
    axes = vectors if tall else centred.T @ vectors
    axes = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-12)
    axes = np.pad(axes, ((0, 0), (0, DIMS - axes.shape[1])))
    axes = axes * np.where(axes[np.abs(axes).argmax(axis=0), range(DIMS)] < 0, -1.0, 1.0)
    share = np.cumsum(values) / max(float(values.sum()), 1e-12)
    shares = (float(share[min(1, len(share) - 1)]), float(share[min(2, len(share) - 1)]))
    return Plane(mean.astype(np.float32), axes.astype(np.float32), (centred @ axes).astype(np.float32), shares)


def umap(points: Floats, *, dims: int, metric: str, n_neighbors: int, min_dist: float, seed: int) -> Floats:
    """Return UMAP coordinates [T, dims]; the same seed gives the same bits.

    Raises:
        ValueError: fewer than 16 points, where PCA is the honest choice.
    """
    if len(points) < LEAST_FOR_UMAP:
        msg = f"UMAP needs at least {LEAST_FOR_UMAP} points, got {len(points)}; use PCA"
        raise ValueError(msg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba and umap warn about their own dependencies at import
        from umap import UMAP
    model = UMAP(
        n_components=dims, metric=metric, n_neighbors=min(n_neighbors, len(points) - 1), min_dist=min_dist,
        random_state=seed, n_jobs=1,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as above: nothing a user could act on
        return np.asarray(model.fit_transform(points), dtype=np.float32)


def place_near(points: Floats, coordinates: Floats, new: Floats, *, neighbours: int = 3) -> Floats:
    """Return places [n, dims] for further points between their nearest known ones: nothing that stands there moves."""
    squares = (new**2).sum(1)[:, None] + (points**2).sum(1)[None] - 2 * new @ points.T
    count = min(neighbours, len(points))
    near = np.argpartition(squares, count - 1, axis=1)[:, :count]
    weight = 1.0 / np.maximum(np.sqrt(np.maximum(np.take_along_axis(squares, near, 1), 0.0)), 1e-6)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.asarray((coordinates[near] * weight[..., None]).sum(axis=1), dtype=np.float32)


def clusters(points: Floats, *, count: int, seed: int) -> NDArray[np.uint8]:
    """Return a k-means cluster per point [T], numbered by size, the largest first."""
    from sklearn.cluster import KMeans

    count = min(count, len(points))
    labels = KMeans(n_clusters=count, n_init=1, random_state=seed).fit(points).labels_
    order = np.argsort(-np.bincount(labels, minlength=count), kind="stable")
    return np.argsort(order)[labels].astype(np.uint8)
