"""Alpha and witness complexes against GUDHI's own, on small clouds."""

import gudhi
import numpy as np
import pytest

from tests.topology.shapes import circle, gauss
from warpviz.topology.persistence.alpha import alpha_bars, principal
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import bottleneck
from warpviz.topology.persistence.rips import tidy
from warpviz.topology.persistence.witness import MAX_REACH, default_bound, lazy_matrix, witness_bars
from warpviz.topology.points import between


def gudhi_bars(tree, dim, scale):
    """Return the finite bars of a GUDHI tree, its values turned into lengths by `scale`."""
    tree.compute_persistence(homology_coeff_field=2)
    return tidy(
        scale(np.asarray(tree.persistence_intervals_in_dimension(dim), dtype=float).reshape(-1, 2)),
        clamp=None,
    )


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_alpha_agrees_with_gudhi(width, seed):
    """Two routes: SciPy's triangulation with our values, CGAL's with GUDHI's squared radii."""
    from gudhi.delaunay_complex import AlphaComplex

    points = gauss(60, width, seed=seed)
    ours, _ = alpha_bars(points, max_dim=width - 1, threshold=None)
    theirs = AlphaComplex(points=points - points.mean(axis=0)).create_simplex_tree()
    for dim in range(width):
        expected = gudhi_bars(theirs, dim, lambda squared: 2 * np.sqrt(squared))
        assert bottleneck(tidy(ours[dim], clamp=None), expected) < 1e-9


def test_alpha_h0_is_rips_h0():
    """An edge of the spanning tree enters both complexes at its own length."""
    points = circle(80, seed=1, noise=0.05)
    assert diagrams(points, complex="alpha")[0] == pytest.approx(diagrams(points)[0])


def test_alpha_projects_to_three_principal_axes():
    """A circle in forty dimensions keeps its loop; the projection is an isometry of its plane."""
    flat = circle(60, seed=2)
    turn = np.linalg.qr(gauss(40, 40, seed=3))[0][:2]
    assert diagrams(flat @ turn, complex="alpha")[1][0] == pytest.approx(
        diagrams(flat, complex="alpha")[1][0]
    )
    assert principal(flat @ turn, num_axes=3).shape == (60, 2)


@pytest.mark.parametrize(
    "points", [np.zeros((5, 3)), np.arange(6.0)[:, None], np.arange(12.0).reshape(6, 2)]
)
def test_alpha_of_points_on_a_line_or_at_one_place(points):
    """Degenerate clouds have no triangulation: they still have their components and no loops."""
    found = diagrams(points, complex="alpha")
    assert len(found[1]) == 0
    assert found[0] == pytest.approx(diagrams(points)[0])


def test_near_copies_are_not_lost():
    """The triangulation leaves a token that is there twice out; the components do not."""
    points = gauss(60, 3, seed=12)
    twice = np.concatenate([points, points[:40] + 1e-13, points[:20] - 1e-13])
    found = diagrams(twice, complex="alpha")
    assert found.num_essential == {0: 1, 1: 0}
    assert bottleneck(found[0], diagrams(twice)[0]) < 1e-9
    assert bottleneck(found[1], diagrams(points, complex="alpha")[1]) < 1e-9


@pytest.mark.parametrize("far", [10.0, 1e3, 2e6])
def test_one_far_point_takes_no_loop_away(far):
    """A ring and one point far from it: the ring keeps its loop and all its components."""
    points = np.concatenate([circle(60, seed=13), [[far, 0.0]]])
    alone = diagrams(points[:60], complex="alpha")
    found = diagrams(points, complex="alpha")
    assert found.num_merged == 0
    assert len(found[0]) == 60
    assert bottleneck(found[1], alone[1]) < 1e-6 + 1e-13 * far
    assert bottleneck(found[0], diagrams(points)[0]) < 1e-6 + 1e-13 * far


@pytest.mark.parametrize("far", [1e4, 1e5, 5e6])
def test_two_far_clusters_keep_their_components(far):
    """Two clusters far apart keep every component, and are exact unless the caption warns."""
    near = gauss(40, 2, seed=14)
    points = np.concatenate([near, near + far])
    found = diagrams(points, complex="alpha")
    assert len(found[0]) == 79
    assert (found.num_merged > 0) == ("merged" in found.caption) == (far > 1e6)
    if not found.num_merged:
        assert bottleneck(found[0], diagrams(points)[0]) < 1e-9 * far
        alone = diagrams(near, complex="alpha")[1]
        assert bottleneck(found[1], np.repeat(alone, 2, axis=0)) < 1e-8 * far


@pytest.mark.parametrize("far", [1e8, 1e12, 1e30])
def test_merged_points_are_counted(far):
    """What a triangulation cannot tell apart is merged, and the caption says how many."""
    points = np.concatenate([gauss(30, 2, seed=16), [[far, 0.0]]])
    found = diagrams(points, complex="alpha")
    assert found.num_merged > 0
    assert len(found[0]) >= 30 - found.num_merged
    assert f"{found.num_merged} points merged" in found.caption
    twice = np.concatenate([points[:30], points[:5]])
    assert (diagrams(twice, complex="alpha").num_merged, diagrams(twice).num_duplicates) == (0, 5)
    assert "merged" not in diagrams(points).caption


@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("gap", [1e-3, 1e-6, 1e-8, 1e-9, 1e-10, 1e-12, 1e-14])
def test_near_copies_change_a_diagram_by_no_more_than_their_distance(width, gap):
    """Stability, whatever the distance of copies: merged or kept, the rest stays as it was."""
    points = gauss(150, width, seed=17)
    twice = np.concatenate([points, points[:80] + gap * gauss(80, width, seed=18)])
    one, two = (diagrams(cloud, complex="alpha", max_dim=width - 1) for cloud in (points, twice))
    for dim in one.dims:
        assert bottleneck(one[dim], two[dim]) < 20 * gap + 1e-9


def test_alpha_with_a_threshold_clamps():
    """Nothing beyond the threshold enters, endless bars end there."""
    found = diagrams(circle(60, seed=4), complex="alpha", threshold=1.0)
    assert found[1][0, 1] == 1.0
    assert found.num_essential[1] == 1


def test_weak_witness_agrees_with_gudhis_euclidean_one():
    """Our distance table fed to the permissive class gives what GUDHI's Euclidean class gives."""
    from gudhi.euclidean_witness_complex import EuclideanWitnessComplex

    points = circle(80, seed=5, noise=0.1)
    chosen = np.arange(0, 80, 8)
    tree = EuclideanWitnessComplex(landmarks=points[chosen], witnesses=points).create_simplex_tree(
        0.25, 2
    )
    ours, _ = witness_bars(points, chosen, kind="witness-weak", max_dim=1, threshold=0.5)
    for dim in (0, 1):
        assert bottleneck(tidy(ours[dim], clamp=None), gudhi_bars(tree, dim, np.sqrt)) < 1e-9


def test_strong_witness_agrees_with_gudhis_euclidean_one():
    """Our own strong complex, of the dimensions asked for only, gives what GUDHI's gives."""
    from gudhi.euclidean_strong_witness_complex import EuclideanStrongWitnessComplex

    points = circle(80, seed=6, noise=0.1)
    chosen = np.arange(0, 80, 8)
    tree = EuclideanStrongWitnessComplex(
        landmarks=points[chosen], witnesses=points
    ).create_simplex_tree(0.25, 2)
    ours, _ = witness_bars(points, chosen, kind="witness-strong", max_dim=1, threshold=0.5)
    for dim in (0, 1):
        assert bottleneck(tidy(ours[dim], clamp=None), gudhi_bars(tree, dim, np.sqrt)) < 1e-9
    assert len(chosen) <= MAX_REACH


@pytest.mark.parametrize("complex_", ["witness-weak", "witness-strong", "witness-lazy"])
def test_every_witness_complex_sees_the_circle(complex_):
    """With 20 farthest landmarks of a circle one loop outlives all others by far."""
    found = diagrams(circle(200, seed=7, noise=0.02), complex=complex_, max_points=20)
    lengths = found[1][:, 1] - found[1][:, 0]
    assert lengths[0] > 3 * (lengths[1] if len(lengths) > 1 else 0.0)
    assert "showing 20 of 200" in found.caption


def test_lazy_values_by_hand():
    """One witness at distances 1, 2, 4 from three landmarks: edges enter at the larger slack."""
    value = lazy_matrix(np.array([[1.0, 2.0, 4.0]]))
    assert value.tolist() == [[0, 1, 3], [1, 0, 3], [3, 3, 0]]


def test_witness_bounds_are_recorded_and_scale_with_the_cloud():
    """The default bound is a length: doubling the cloud doubles it; a given one is used."""
    points = gauss(100, 3, seed=8)
    one = diagrams(points, complex="witness-weak")
    two = diagrams(2 * points, complex="witness-weak")
    assert two.threshold == pytest.approx(2 * one.threshold)
    assert two[0] == pytest.approx(2 * one[0])
    assert diagrams(points, complex="witness-weak", threshold=0.5).threshold == 0.5
    assert default_bound(np.zeros((3, 4))) > 0


def test_landmarks_of_a_witness_complex_can_be_given():
    """The vertices are exactly the landmarks asked for."""
    found = diagrams(gauss(50, 3, seed=9), complex="witness-lazy", landmarks=[4, 2, 8])
    assert found.used.tolist() == [2, 4, 8]
    assert len(found[0]) <= 2


def test_an_alpha_filtration_never_puts_a_simplex_before_its_faces():
    """GUDHI's tree accepts our values as they are: enforcing monotony changes nothing."""
    from scipy.spatial import Delaunay

    from warpviz.topology.persistence.alpha import _filtration

    points = gauss(50, 3, seed=10)
    tree = gudhi.SimplexTree()
    for simplices, values in _filtration(
        points, np.asarray(Delaunay(points).simplices, dtype=np.int64)
    ):
        tree.insert_batch(simplices.T, values)
    before = {tuple(simplex): value for simplex, value in tree.get_filtration()}
    tree.make_filtration_non_decreasing()
    assert before == pytest.approx(
        {tuple(simplex): value for simplex, value in tree.get_filtration()}
    )


def test_witness_distances_are_euclidean():
    """The table is built on plain distances from every point to every landmark."""
    points = gauss(10, 3, seed=11)
    assert between(points, points[:2])[1, 1] == 0.0
