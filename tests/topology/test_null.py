"""The null model: seeded draws, measured as landmarks are."""

import math

import numpy as np
import pytest

from tests.topology.shapes import gauss
from warpviz.topology.bounds import hausdorff
from warpviz.topology.distances import bottleneck
from warpviz.topology.hooks import StoppedError
from warpviz.topology.null import draws, null_model, spread
from warpviz.topology.persistence import diagrams
from warpviz.topology.points import pairwise


def test_draws_are_sorted_distinct_and_seeded():
    """Same seed, same subsets; another seed, others; each a sorted set of the size asked for."""
    one = draws(50, 8, num_draws=20, seed=3)
    assert one.shape == (20, 8)
    assert (np.diff(one, axis=1) > 0).all()
    assert one.min() >= 0
    assert one.max() < 50
    assert np.array_equal(one, draws(50, 8, num_draws=20, seed=3))
    assert not np.array_equal(one, draws(50, 8, num_draws=20, seed=4))
    assert np.array_equal(one[:5], draws(50, 8, num_draws=5, seed=3))


def test_draws_are_uniform():
    """Over many draws every point is kept about as often: within five standard deviations."""
    kept = np.bincount(draws(20, 5, num_draws=2000, seed=0).ravel(), minlength=20)
    assert abs(kept - 500).max() < 5 * math.sqrt(2000 * 0.25 * 0.75)


@pytest.mark.parametrize("size", [0, 11])
def test_impossible_sizes_are_refused(size):
    """No subset of ten points has none or eleven of them."""
    with pytest.raises(ValueError, match=f"between 1 and 10, got {size}"):
        draws(10, size, num_draws=1, seed=0)


def test_each_draw_is_measured_as_a_comparison_measures_landmarks():
    """Two routes: the null model's numbers are those of the drawn points, computed from scratch; none exceeds 2r."""
    points = gauss(60, 3, seed=1)
    full = diagrams(points)
    found = null_model(pairwise(points), full.bars, 12, num_draws=6, seed=5)
    for draw, subset in enumerate(draws(60, 12, num_draws=6, seed=5)):
        kept = diagrams(points[subset])
        assert found.radius[draw] == pytest.approx(hausdorff(points, points[subset]))
        for dim in full.dims:
            assert found.bottleneck[dim][draw] == pytest.approx(bottleneck(full[dim], kept[dim]))
            assert found.bottleneck[dim][draw] <= 2 * found.radius[draw] + 1e-12


def test_all_points_are_no_loss():
    """A draw of everything has radius and distances zero."""
    points = gauss(20, 2, seed=2)
    found = null_model(pairwise(points), diagrams(points).bars, 20, num_draws=2, seed=0)
    assert found.radius.tolist() == [0, 0]
    assert found.bottleneck[1].tolist() == [0, 0]


def test_a_null_model_can_be_stopped_between_draws():
    """The question is asked before every draw."""
    points, asked = gauss(20, 2, seed=3), []
    with pytest.raises(StoppedError, match="random subset 3 of 9"):
        null_model(pairwise(points), diagrams(points).bars, 5, num_draws=9, seed=0,
                   should_stop=lambda: asked.append(0) or len(asked) == 3)  # fmt: skip


def test_spread_by_hand():
    """Mean, sample deviation and quantiles of 1..5; equal draws deviate by exactly zero; no draws give NaN."""
    found = spread(np.arange(1.0, 6.0))
    assert (found.mean, found.median) == (3.0, 3.0)
    assert found.std == pytest.approx(math.sqrt(2.5))
    assert (found.low, found.high) == (pytest.approx(1.2), pytest.approx(4.8))
    assert spread(np.full(7, 0.1)).std == 0.0
    assert spread(np.array([2.0])).std == 0.0
    assert math.isnan(spread(np.zeros(0)).mean)
