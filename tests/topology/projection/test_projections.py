"""Projections that are deterministic and never move a point, places for later points, clusters."""

import numpy as np
import pytest

from tests.topology.shapes import circle, gauss
from warpviz.topology.projection.projections import clusters, pca, umap
from warpviz.topology.projection.umap_process import Projector


@pytest.fixture(scope="module")
def fitted():
    """A UMAP projection of three separate clouds (compiles UMAP once: most of a minute)."""
    points = np.concatenate([gauss(30, 6, seed=at) + 30 * at for at in range(3)])
    return points, umap(points, seed=7)


@pytest.fixture
def elsewhere():
    """UMAP in a process of its own."""
    projector = Projector()
    yield projector
    projector.close()


@pytest.mark.parametrize("shape", [(50, 4), (10, 30), (700, 600)])
def test_pca_keeps_the_most_variance(shape):
    """Shares are the covariance's eigenvalues, axes orthonormal; exact and randomised."""
    points = gauss(*shape, seed=0) * np.linspace(5, 1, shape[1])
    found = pca(points, num_axes=3)
    values = np.sort(np.linalg.eigvalsh(np.cov(points.T)))[::-1]
    tolerance = 1e-9 if min(shape) <= 512 else 0.02
    assert found.share == pytest.approx(values[:3] / values.sum(), rel=tolerance)
    assert found.axes @ found.axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert found.coords.shape == (shape[0], 3)


def test_pca_is_deterministic_up_to_the_sign():
    """Same bits twice; mirrored points mirror the picture; an axis points to its largest entry."""
    points = gauss(40, 5, seed=1)
    assert np.array_equal(pca(points).coords, pca(points).coords)
    axes = pca(points).axes
    assert (axes[np.arange(2), np.abs(axes).argmax(axis=1)] > 0).all()
    assert pca(-points).axes == pytest.approx(axes)


def test_pca_of_a_plane_is_an_isometry():
    """Two axes of a rotated circle keep all distances."""
    flat = circle(30, seed=2)
    turned = flat @ np.linalg.qr(gauss(8, 8, seed=3))[0][:2]
    coords = pca(turned).coords
    assert np.linalg.norm(coords[3] - coords[9]) == pytest.approx(np.linalg.norm(flat[3] - flat[9]))
    assert pca(turned).share.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("points", [np.ones((5, 3)), np.zeros((1, 4)), np.arange(3.0)[:, None]])
def test_pca_of_little_still_has_its_axes(points):
    """Copies of one point, one point, one coordinate: finite coordinates on all axes asked for."""
    found = pca(points, num_axes=3)
    assert found.coords.shape == (len(points), 3)
    assert np.isfinite(found.coords).all()
    assert np.isfinite(found.share).all()


def test_later_points_of_pca_are_projected():
    """Placing the points themselves gives their coordinates; extending moves none of them."""
    points = gauss(30, 5, seed=4)
    found = pca(points)
    assert found.place(points) == pytest.approx(found.coords)
    longer = found.extend(gauss(7, 5, seed=5))
    assert np.array_equal(longer.coords[:30], found.coords)
    assert len(longer.coords) == 37


def test_few_points_fall_back_to_pca():
    """UMAP of fifteen points is PCA, and says so."""
    found = umap(gauss(15, 5, seed=6))
    assert found.method == "pca"
    assert np.array_equal(found.coords, pca(gauss(15, 5, seed=6)).coords)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"metric": "euclid"}, "did you mean 'euclidean'"),
        ({"n_neighbors": 1}, "n_neighbors must be at least 2"),
        ({"min_dist": 2.0}, r"min_dist must be in \[0, 1\]"),
    ],
)
def test_bad_umap_settings_are_named(settings, said):
    """Before anything is compiled."""
    with pytest.raises(ValueError, match=said):
        umap(gauss(20, 3, seed=0), **settings)


@pytest.mark.slow
def test_umap_is_seeded(fitted):
    """Same points and seed, same bits."""
    points, found = fitted
    assert found.method == "umap"
    assert np.array_equal(umap(points, seed=7).coords, found.coords)
    assert not np.array_equal(umap(points, seed=8).coords, found.coords)


def in_parts():
    """Five groups of twenty points: their neighbour graph falls into parts."""
    return np.concatenate([gauss(20, 8, seed=at) + 30 * at for at in range(5)])


def copied():
    """Thirty points, each four times: with few neighbours every one is a part of its own."""
    return np.tile(gauss(30, 6, seed=11), (4, 1))


@pytest.mark.slow
@pytest.mark.parametrize("make", [in_parts, copied])
@pytest.mark.parametrize("num_axes", [2, 3])
def test_umap_of_separate_parts_is_seeded(make, num_axes):
    """Parts of a neighbour graph have no start of their own: the same bits each time."""
    wanted = {"num_axes": num_axes, "n_neighbors": 5, "seed": 3}
    one, two = (umap(make(), **wanted).coords for _ in range(2))
    assert np.array_equal(one, two)
    assert np.isfinite(one).all()
    assert not np.array_equal(one, umap(make(), **{**wanted, "seed": 4}).coords)


@pytest.mark.slow
def test_another_process_gives_the_same_bits(elsewhere):
    """A view's file and another day's view show the same picture."""
    found = elsewhere.fit(in_parts(), seed=0)
    assert np.array_equal(found.coords, umap(in_parts(), seed=0).coords)


@pytest.mark.slow
def test_later_points_are_placed_one_by_one_and_move_nothing(fitted):
    """A new place depends on no other; old rows keep their bits; a copy lands on its original."""
    points, found = fitted
    new = gauss(6, 6, seed=9) + 30
    together = found.place(new)
    assert all(np.array_equal(found.place(new[[at]])[0], together[at]) for at in range(6))
    assert np.array_equal(found.extend(new).coords[:90], found.coords)
    assert found.place(points[:5]) == pytest.approx(found.coords[:5], abs=1e-6)


@pytest.mark.slow
def test_a_new_point_lands_in_its_own_cloud(fitted):
    """A point of the second cloud is placed nearest to the second cloud's centre."""
    _, found = fitted
    centres = found.coords.reshape(3, 30, 2).mean(axis=1)
    place = found.place(gauss(1, 6, seed=10) + 30)[0]
    assert np.linalg.norm(centres - place, axis=1).argmin() == 1


@pytest.mark.slow
def test_many_points_are_fitted_in_part_and_placed(fitted, monkeypatch):
    """Above the cap a subsample is fitted and the rest placed: every place is finite."""
    monkeypatch.setattr("warpviz.topology.projection.projections.MAX_FIT", 40)
    points, _ = fitted
    found = umap(points, seed=7)
    assert (len(found.coords), len(found.anchors)) == (90, 40)
    assert np.isfinite(found.coords).all()


@pytest.mark.slow
def test_umap_in_three_dimensions_and_other_metrics(fitted):
    """Three axes and cosine distance work."""
    points, _ = fitted
    assert umap(points, num_axes=3, metric="cosine").coords.shape == (90, 3)


@pytest.mark.parametrize("method", ["hdbscan", "kmeans"])
def test_clusters_are_found_and_numbered_by_size(method):
    """Clouds of 40, 20 and 10 far apart get the labels 0, 1 and 2, in 80 dimensions."""
    sizes = (10, 40, 20)
    points = np.concatenate(
        [gauss(size, 80, seed=at) * 0.1 + 20 * at for at, size in enumerate(sizes)]
    )
    found = clusters(points, method=method, num=3, least=5)
    expected = np.repeat([2, 0, 1], sizes)
    kept = found >= 0
    assert np.array_equal(found[kept], expected[kept])
    assert kept.mean() > 0.9


def test_clusters_of_too_little_are_noise_or_one_each():
    """Three points are noise to HDBSCAN and at most three clusters to k-means."""
    points = np.arange(3.0)[:, None]
    assert clusters(points).tolist() == [-1, -1, -1]
    assert sorted(clusters(points, method="kmeans", num=8).tolist()) == [0, 1, 2]
    with pytest.raises(ValueError, match="did you mean 'kmeans'"):
        clusters(points, method="k-means")
