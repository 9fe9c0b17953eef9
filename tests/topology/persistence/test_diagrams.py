"""Diagrams of clouds with known homology, and what is recorded about bars and points left out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.topology.shapes import circle, gauss, hausdorff, torus
from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import Diagrams, diagrams
from warpviz.topology.persistence.distances import bottleneck
from warpviz.topology.persistence.rips import matrix_bars, tidy

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_the_unit_square_by_hand():
    """Four corners: three merges at 1, one loop from the side to the diagonal."""
    found = diagrams(SQUARE)
    assert found[0].tolist() == [[0, 1], [0, 1], [0, 1]]
    assert found[1] == pytest.approx(np.array([[1.0, np.sqrt(2)]]))
    assert found.dims == (0, 1)


def test_the_octahedron_bounds_a_void():
    """Its six corners at +-1: H2 is born with the edges (sqrt 2) and dies with the axes (2)."""
    corners = np.concatenate([np.eye(3), -np.eye(3)])
    assert diagrams(corners, max_dim=2)[2] == pytest.approx(np.array([[np.sqrt(2), 2.0]]))


def test_a_circle_has_one_long_loop():
    """The longest H1 bar of a noisy circle is by far the longest; it ends near sqrt(3) radii."""
    bars = diagrams(circle(120, seed=0, noise=0.03))[1]
    lengths = bars[:, 1] - bars[:, 0]
    assert lengths[0] > 8 * lengths[1]
    assert 1.5 < bars[0, 1] < 1.85


def test_a_torus_has_two_loops_and_one_void():
    """Betti numbers 1, 2, 1 stand out on 250 points of a torus."""
    found = diagrams(torus(1200, seed=3), max_dim=2, max_points=250, threshold=3.0)
    loops, voids = (found[dim][:, 1] - found[dim][:, 0] for dim in (1, 2))
    assert loops[1] > 2 * loops[2]
    assert voids[0] > 2 * (voids[1] if len(voids) > 1 else 0)


def test_h0_deaths_are_the_minimum_spanning_tree():
    """Two routes: the deaths of H0 are the edge lengths SciPy's spanning tree has."""
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import pdist, squareform

    points = gauss(60, 5, seed=4)
    tree = np.sort(minimum_spanning_tree(squareform(pdist(points))).data)[::-1]
    assert diagrams(points)[0][:, 1] == pytest.approx(tree)


def test_gudhi_and_ripser_agree():
    """Two engines, one diagram (Ripser computes in float32)."""
    from ripser import ripser

    points = gauss(50, 4, seed=5)
    theirs = ripser(points, maxdim=1)["dgms"][1]
    assert bottleneck(diagrams(points)[1], tidy(np.asarray(theirs, dtype=float), clamp=None)) < 1e-5


def test_without_a_threshold_the_one_endless_bar_is_dropped_and_counted():
    """A full Rips filtration ends as a cone: exactly one class never dies."""
    found = diagrams(gauss(20, 3, seed=6))
    assert (found.essential, found.num_essential, len(found[0])) == ("drop", {0: 1, 1: 0}, 19)
    assert "1 never-ending bars dropped" in found.caption


def test_with_a_threshold_endless_bars_are_clamped_to_it():
    """Two far clusters at threshold 2: two components live to the end, and say so."""
    points = np.array([[0.0], [1.0], [10.0], [11.0]])
    found = diagrams(points, threshold=2.0)
    assert found[0].tolist() == [[0, 2], [0, 2], [0, 1], [0, 1]]
    assert found.num_essential[0] == 2
    assert "clamped to 2" in found.caption
    assert diagrams(points, threshold=2.0, essential="drop")[0].tolist() == [[0, 1], [0, 1]]


def test_duplicates_leave_no_bars_and_are_counted():
    """Ten equal points and another: one merge, nine duplicates, no zero-length bars."""
    found = diagrams(np.concatenate([np.ones((10, 2)), np.zeros((1, 2))]))
    assert found[0] == pytest.approx(np.array([[0, np.sqrt(2)]]))
    assert found.num_duplicates == 9
    assert "9 duplicate points" in found.caption


@pytest.mark.parametrize("num", [1, 2, 3])
@pytest.mark.parametrize(
    "complex_", ["rips", "alpha", "witness-lazy", "witness-weak", "witness-strong"]
)
def test_tiny_clouds_have_diagrams(num, complex_):
    """One, two or three points: no engine crashes, H1 is empty."""
    found = diagrams(gauss(num, 2, seed=7), complex=complex_)
    assert len(found[1]) == 0
    assert len(found[0]) <= num


def test_a_large_cloud_is_thinned_and_says_so():
    """Above the cap farthest points stand in; the rows used and their cover radius are recorded."""
    points = gauss(300, 3, seed=8)
    found = diagrams(points, max_points=50)
    assert (len(found.used), found.num_points) == (50, 300)
    assert "showing 50 of 300" in found.caption
    assert found.sample_radius == pytest.approx(hausdorff(points, points[found.used]))
    assert np.array_equal(found[1], diagrams(points[found.used])[1])


def test_the_caps_hold_by_dimension():
    """H2 costs most and is capped at 256 points, H1 at 2,048."""
    assert len(diagrams(gauss(300, 2, seed=9), max_dim=2).used) == 256
    assert len(diagrams(gauss(300, 2, seed=9), max_dim=1).used) == 300


def test_order_of_points_does_not_matter_and_bars_are_sorted():
    """Shuffled points give the same diagram, longest bar first."""
    points = gauss(40, 3, seed=10)
    one = diagrams(points)
    two = diagrams(points[::-1])
    for dim in one.dims:
        assert one[dim] == pytest.approx(two[dim])
        assert (np.diff(one[dim][:, 1] - one[dim][:, 0]) <= 1e-12).all()


@settings(max_examples=25)
@given(st.integers(4, 40), st.integers(1, 6), st.integers(0, 10_000), st.booleans())
def test_stability(num, width, seed, clamped):
    """bottleneck(Rips(X), Rips(Y)) <= 2 d_H(X, Y) in every dimension, clamped or not."""
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(num, width))
    kept = points[generator.choice(num, size=generator.integers(1, num + 1), replace=False)]
    threshold = float(generator.random() * 3 + 0.1) if clamped else None
    one = diagrams(points, threshold=threshold)
    two = diagrams(kept, threshold=threshold)
    for dim in one.dims:
        assert bottleneck(one[dim], two[dim]) <= 2 * hausdorff(points, kept) + 1e-9


def test_progress_is_reported_in_order_and_stop_is_obeyed():
    """Fractions rise from 0 to 1; a stop before the engine starts leaves with StoppedError."""
    seen = []
    diagrams(SQUARE, progress=lambda fraction, what: seen.append((fraction, what)))
    assert [fraction for fraction, _ in seen] == [0.0, 0.1, 1.0]
    with pytest.raises(StoppedError, match="rips complex on 4 points"):
        diagrams(
            SQUARE, progress=lambda *step: seen.append(step), should_stop=lambda: len(seen) == 4
        )


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"complex": "rip"}, "did you mean 'rips'"),
        ({"max_dim": 3}, r"max_dim must be one of \[0, 1, 2\], got 3"),
        ({"threshold": 0.0}, "threshold must be a positive length, got 0.0"),
        ({"threshold": float("nan")}, "threshold must be a positive length"),
        ({"essential": "keep"}, "accepted: drop, clamp"),
        ({"essential": "clamp"}, "needs a threshold"),
        ({"landmarks": [0]}, "landmarks are for witness complexes only"),
        ({"complex": "witness-weak", "landmarks": [9]}, "landmarks must lie in"),
        ({"complex": "witness-strong", "landmarks": []}, "needs at least one landmark, got none"),
        (
            {"complex": "witness-weak", "landmarks": [0.7, 1.9]},
            "landmarks must be whole numbers.* got 0.7",
        ),
        (
            {"complex": "witness-weak", "landmarks": [0, np.inf]},
            "landmarks must be whole numbers.* got inf",
        ),
        (
            {"complex": "witness-weak", "landmarks": [0, np.nan]},
            "landmarks must be whole numbers.* got nan",
        ),
        (
            {"complex": "witness-weak", "landmarks": [True, False, True, True]},
            "must be whole numbers.* got True",
        ),
        ({"max_points": 0}, "max_points must be a whole number of at least 1, got 0"),
        ({"max_points": -3}, "max_points must be a whole number of at least 1, got -3"),
        ({"max_points": 2.5}, "max_points must be a whole number of at least 1, got 2.5"),
    ],
)
def test_bad_settings_are_named(settings_, said):
    """Each bad value is answered with what would be accepted."""
    with pytest.raises(ValueError, match=said):
        diagrams(SQUARE, **settings_)


def test_bars_of_one_point_and_tidiness():
    """A single point has one endless bar; zero-length bars go, ties are ordered by birth."""
    assert matrix_bars(np.zeros((1, 1)), max_dim=1, threshold=None)[0].tolist() == [[0, np.inf]]
    messy = np.array([[2.0, 3.0], [1.0, 1.0], [0.0, 1.0], [0.0, np.inf]])
    assert tidy(messy, clamp=None).tolist() == [[0, 1], [2, 3]]
    assert tidy(messy, clamp=2.5).tolist() == [[0, 2.5], [0, 1], [2, 2.5]]


def test_diagrams_is_a_value():
    """Diagrams cannot be changed by accident."""
    with pytest.raises(AttributeError):
        Diagrams(bars={}).complex = "alpha"
