"""What landmarks guarantee, on clouds where it can be checked."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import certificate

from tests.topology.shapes import circle, gauss, hausdorff, torus
from warpviz.topology.persistence import bounds
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import bottleneck, half_lengths
from warpviz.topology.points import pairwise


def test_the_bound_is_twice_the_radius():
    """2r, in the units of the points."""
    assert bounds.bound(1.5) == 3.0


@settings(max_examples=30)
@given(st.integers(5, 40), st.integers(1, 5), st.integers(0, 10_000))
def test_certified_bars_have_partners(num, width, seed):
    """Moved down by r the landmarks' diagram is within r of the whole one: bars beyond 2r match."""
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(num, width))
    kept = points[generator.choice(num, size=generator.integers(2, num + 1), replace=False)]
    radius = hausdorff(points, kept)
    full = diagrams(points)
    few = diagrams(kept)
    for dim in full.dims:
        assert bottleneck(full[dim], few[dim] - radius) <= radius + 1e-9
        sure = bounds.certified(few[dim], radius)
        assert (half_lengths(few[dim][sure]) > radius).all()
        assert (half_lengths(full[dim]) > 0).sum() >= sure.sum()


def test_a_loop_much_longer_than_2r_is_certified_and_noise_is_not():
    """Sixty farthest points of a circle certify its loop and nothing else."""
    from warpviz.topology.points import farthest_sample

    points = circle(400, seed=1, noise=0.01)
    sample = farthest_sample(points, 60)
    bars = diagrams(points[sample.order])[1]
    assert bounds.certified(bars, sample.radius).sum() == 1
    assert not bounds.certified(np.zeros((0, 2)), 1.0).size


def test_the_authors_rule():
    """43 n^0.26: 374 of 4,096 points; never more landmarks than points."""
    assert bounds.author_rule(4096) == 374
    assert bounds.author_rule(10) == 10
    assert "k = 64 is below the rule 43 n^0.26 = 374" in bounds.rule_note(64, 4096)
    assert "k = 400 meets" in bounds.rule_note(400, 4096)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        bounds.author_rule(0)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.3, 0.49])
def test_the_certificate_note_says_what_the_engine_certifies(alpha):
    """The factor in words is the engine's certificate."""
    assert f"{certificate(alpha):.3g} times the best possible" in bounds.certificate_note(alpha)


def test_no_certificate_from_one_half_on():
    """Neither the engine nor the note promises anything there, nor for other policies."""
    assert certificate(0.5) is None
    assert "no certificate from 0.5 on" in bounds.certificate_note(0.5)
    assert "no certificate" in bounds.certificate_note(None)


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [
        (circle(800, seed=2, width=20), 0.85, 1.15),
        (torus(800, seed=3), 1.7, 2.4),
        (gauss(800, 5, seed=4), 4.2, 5.8),
        (np.concatenate([gauss(800, 3, seed=5), np.zeros((800, 30))], axis=1), 2.6, 3.4),
    ],
    ids=["circle 1", "torus 2", "gauss 5", "flat 3 of 33"],
)
def test_intrinsic_dimension_of_known_manifolds(points, low, high):
    """TwoNN and maximum likelihood find 1, 2, 5 and 3, whatever the space around."""
    assert low < bounds.two_nn(points) < high
    assert low < bounds.mle_dimension(points) < high


def test_intrinsic_dimension_does_not_depend_on_scale_or_copies():
    """Units cancel; copies, exact or to a rounding, are dropped before neighbours are sought."""
    points = gauss(300, 3, seed=6)
    for estimate in (bounds.two_nn, bounds.mle_dimension):
        assert estimate(1000 * points) == pytest.approx(estimate(points), rel=1e-9)
        assert estimate(np.concatenate([points, points])) == pytest.approx(
            estimate(points), rel=1e-9
        )
        assert estimate(np.concatenate([points, points + 1e-9])) == pytest.approx(
            estimate(points), rel=1e-6
        )


@pytest.mark.parametrize("far", [1e3, 1e7, 1e12])
@pytest.mark.parametrize("estimate", [bounds.two_nn, bounds.mle_dimension])
def test_one_far_point_leaves_the_dimension(estimate, far):
    """An outlier is one point among four hundred, not the end of the estimate."""
    points = gauss(400, 2, seed=20)
    found = estimate(np.concatenate([points, [[far, 0.0]]]))
    assert found == pytest.approx(estimate(points), abs=0.1)
    assert estimate(points + 1e6) == pytest.approx(estimate(points), abs=0.01)


def test_known_distances_give_the_same_dimension():
    """Two routes: from blocks of fresh distances, and from a matrix."""
    points = gauss(1300, 3, seed=7)
    points = np.concatenate([points, points[:200], points[:50] + 1e-9])
    for estimate in (bounds.two_nn, bounds.mle_dimension):
        assert estimate(points, distances=pairwise(points)) == pytest.approx(
            estimate(points), rel=1e-6
        )


@pytest.mark.parametrize("points", [np.ones((10, 3)), np.eye(2)])
def test_too_few_distinct_points_have_no_dimension(points):
    """Two distinct points, or copies of one, give NaN instead of a number."""
    assert math.isnan(bounds.two_nn(points))
    assert math.isnan(bounds.mle_dimension(points))


def test_sinks_are_left_out_of_the_geometry():
    """Landmarks among the sinks go, the others are counted from the first token after them."""
    assert bounds.inside(np.array([0, 2, 4, 9]), skip=4).tolist() == [0, 5]
