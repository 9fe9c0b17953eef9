"""The null model: seeded draws, as bound as policies are, measured as landmarks are."""

import math
from itertools import combinations

import numpy as np
import pytest

from tests.topology.shapes import gauss, hausdorff
from warpviz.topology import compare
from warpviz.topology.comparison.null import draws, null_model, spread
from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import bottleneck
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


def test_forced_rows_are_in_each_draw_and_the_rest_is_uniform():
    """Every draw keeps the forced rows; each other row is drawn about as often."""
    forced = np.array([17, 3, 19])
    one = draws(20, 8, num_draws=2000, seed=0, forced=forced)
    assert (np.diff(one, axis=1) > 0).all()
    assert np.isin(one, forced).sum(axis=1).tolist() == [3] * 2000
    kept = np.delete(np.bincount(one.ravel(), minlength=20), forced)
    share = 5 / 17
    assert abs(kept - 2000 * share).max() < 5 * math.sqrt(2000 * share * (1 - share))
    assert draws(20, 3, num_draws=2, seed=0, forced=forced).tolist() == [[3, 17, 19]] * 2
    generator = np.random.default_rng([7, 8])
    free = [sorted(generator.choice(20, 8, replace=False).tolist()) for _ in range(3)]
    assert draws(20, 8, num_draws=3, seed=7, forced=forced[:0]).tolist() == free
    assert draws(20, 8, num_draws=3, seed=7).tolist() == free


def test_more_forced_rows_than_landmarks_are_refused():
    """Two landmarks cannot hold three forced rows."""
    with pytest.raises(ValueError, match=r"forced must hold at most 2 rows.*got 3"):
        draws(10, 2, num_draws=1, seed=0, forced=np.arange(3))


@pytest.mark.parametrize("size", [0, 11])
def test_impossible_sizes_are_refused(size):
    """No subset of ten points has none or eleven of them."""
    with pytest.raises(ValueError, match=f"between 1 and 10, got {size}"):
        draws(10, size, num_draws=1, seed=0)


def test_each_draw_is_measured_as_a_comparison_measures_landmarks():
    """Two routes: the null model's numbers are those of the drawn points, and none exceeds 2r."""
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
    points = gauss(20, 2, seed=3)
    asked = []
    with pytest.raises(StoppedError, match="random subset 3 of 9"):
        null_model(
            pairwise(points),
            diagrams(points).bars,
            5,
            num_draws=9,
            seed=0,
            should_stop=lambda: asked.append(0) or len(asked) == 3,
        )


def test_spread_by_hand():
    """Mean, deviation and quantiles of 1..5; equal draws deviate by 0; no draws give NaN."""
    found = spread(np.arange(1.0, 6.0))
    assert (found.mean, found.median) == (3.0, 3.0)
    assert found.std == pytest.approx(math.sqrt(2.5))
    assert (found.low, found.high) == (pytest.approx(1.2), pytest.approx(4.8))
    assert spread(np.full(7, 0.1)).std == 0.0
    assert spread(np.array([2.0])).std == 0.0
    assert math.isnan(spread(np.zeros(0)).mean)


def bound(num, recent, *, seed):
    """Return a cloud whose last tokens lie together: a set that must keep them covers less."""
    return np.concatenate(
        [gauss(num - recent, 2, seed=seed), 9 + 0.1 * gauss(recent, 2, seed=seed + 1)]
    )


def test_draws_have_no_more_freedom_than_a_policy():
    """A set that keeps the window and draws the rest is in the 5 to 95 % band 9 times in 10."""
    points = bound(32, 8, seed=0)
    distances = pairwise(points)
    full = diagrams(points, max_dim=0).bars
    window = np.arange(24, 32)
    inside = {}
    generator = np.random.default_rng(99)
    policies = [np.append(window, generator.choice(24, 6, replace=False)) for _ in range(200)]
    radii = np.array([distances[:, chosen].min(axis=1).max() for chosen in policies])
    for forced in (window, None):
        band = spread(null_model(distances, full, 14, num_draws=200, seed=0, forced=forced).radius)
        inside[forced is None] = float(((radii >= band.low) & (radii <= band.high)).mean())
    assert inside[False] == pytest.approx(0.9, abs=0.06)
    assert inside[True] < 0.8, "sets that may leave the window out cover better than any policy can"


def test_a_comparison_s_null_is_that_of_all_sets_that_keep_the_window():
    """Oracle: the mean over every set with the three last tokens and two others."""
    points = bound(14, 3, seed=2)
    found = compare(
        points, ks=(7,), policies=("random",), skip=2, recent=3, num_null=500, max_dim=0
    )
    rest = points[2:]
    sets = [rest[[9, 10, 11, *two]] for two in combinations(range(9), 2)]
    radii = np.array([hausdorff(rest, kept) for kept in sets])
    values = np.array(
        [bottleneck(diagrams(rest, max_dim=0)[0], diagrams(kept, max_dim=0)[0]) for kept in sets]
    )
    (row,) = found.rows
    assert row.num_landmarks == 5
    assert row.null_radius_mean == pytest.approx(radii.mean(), abs=5 * radii.std() / math.sqrt(500))
    assert row.null_mean == pytest.approx(values.mean(), abs=5 * values.std() / math.sqrt(500))
    assert abs(radii - row.radius).min() < 1e-6


def test_where_nothing_is_left_to_choose_chance_is_the_landmarks():
    """Sinks and window fill k: every draw is what each policy keeps; "recent" has two to choose.

    Nor does a size's null depend on the other sizes asked for, or on who else is compared.
    """
    points = bound(30, 8, seed=4)
    many = ("farthest", "random", "recent", "all")
    found = compare(points, ks=(10, 20), policies=many, skip=2, recent=8, num_null=5, max_dim=0)
    for policy in ("farthest", "random"):
        (row,) = found.select(policy=policy, k=10)
        assert row.null_low == row.null_high == row.bottleneck
        assert row.null_radius_std == 0
    assert found.select(policy="recent", k=10)[0].null_radius_std > 0
    assert found.select(policy="all", k=10)[0].null_radius_mean == 0
    alone = compare(
        points, ks=(20,), policies=("farthest",), skip=2, recent=8, num_null=5, max_dim=0
    )
    assert alone.rows[0].null_mean == found.select(policy="farthest", k=20)[0].null_mean


def test_given_orders_say_what_they_keep():
    """Nothing is forced unless `recent` says so; orders that lack such a token are refused."""
    points = bound(30, 6, seed=6)
    order = np.r_[:2, 29:23:-1, 2:24]
    free, same, kept = (
        compare(points, orders={"mine": order}, ks=(12,), skip=2, num_null=5, max_dim=0, **settings)
        for settings in ({}, {"recent": 0}, {"recent": 6})
    )
    assert (free.recent, kept.recent) == (0, 6)
    assert free == same
    assert kept.rows[0].null_radius_mean != free.rows[0].null_radius_mean
    with pytest.raises(
        ValueError,
        match="policy 'mine' at k = 12 does not keep token 23, one of the last recent = 7",
    ):
        compare(points, orders={"mine": order}, ks=(12,), skip=2, recent=7)
    for recent in (-1, 2.5, True):
        with pytest.raises(ValueError, match="recent must be a whole number of at least 0"):
            compare(points, orders={"mine": order}, ks=(12,), skip=2, recent=recent)
