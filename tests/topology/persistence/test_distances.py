"""Bottleneck and Wasserstein distances against hand-computed values and other implementations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topology.shapes import random_diagram
from warpviz.topology.persistence.distances import (
    bottleneck,
    ground,
    half_lengths,
    matching,
    normalised_wasserstein,
    total_persistence,
    wasserstein,
)

NONE = np.zeros((0, 2))
ONE = np.array([[0.0, 4.0]])
TWO = np.array([[0.0, 4.0], [1.0, 2.0]])

bars = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 6)).map(
        lambda pair: (float(pair[0]), float(sum(pair)))
    ),
    max_size=6,
).map(lambda pairs: np.array(pairs, dtype=float).reshape(-1, 2))


def test_hand_computed_bottleneck():
    """Moving one end costs the move, a lone bar half its length; the larger of the two counts."""
    assert bottleneck(ONE, np.array([[0.0, 5.0]])) == 1.0
    assert bottleneck(ONE, NONE) == 2.0
    assert bottleneck(TWO, ONE) == 0.5
    assert bottleneck(np.array([[0.0, 4.0], [10.0, 13.0]]), np.array([[1.0, 4.0]])) == 1.5
    assert bottleneck(NONE, NONE) == 0.0


def test_hand_computed_wasserstein():
    """Costs add up: half lengths of lone bars, moves of matched ones."""
    assert wasserstein(ONE, np.array([[0.0, 5.0]])) == 1.0
    assert wasserstein(TWO, NONE) == 2.5
    assert wasserstein(TWO, ONE) == 0.5
    # both to the diagonal
    assert wasserstein(np.array([[0.0, 1.0]]), np.array([[10.0, 11.0]])) == 1.0
    assert total_persistence(TWO) == 2.5


def test_normalised_wasserstein_runs_from_equal_to_nothing_worth_matching():
    """0 for equal diagrams or two empty ones, 1 against the empty one."""
    assert normalised_wasserstein(TWO, TWO) == 0.0
    assert normalised_wasserstein(TWO, NONE) == 1.0
    assert normalised_wasserstein(np.array([[0.0, 1.0]]), np.array([[10.0, 11.0]])) == 1.0
    assert normalised_wasserstein(NONE, NONE) == 0.0
    assert normalised_wasserstein(TWO, ONE) == pytest.approx(0.5 / 4.5)


def test_the_ground_distance_is_l_infinity():
    """Between bars the larger coordinate difference counts; to the diagonal, half the length."""
    assert ground(np.array([[0.0, 4.0]]), np.array([[1.0, 7.0]])).tolist() == [[3.0]]
    assert half_lengths(TWO).tolist() == [2.0, 0.5]


def test_bottleneck_agrees_with_gudhi_on_random_diagrams():
    """Two routes, one answer: our bisection over matchings and GUDHI's exact geometric one."""
    from gudhi.bottleneck import bottleneck_distance

    generator = np.random.default_rng(0)
    for _ in range(150):
        left = random_diagram(generator, 25)
        right = random_diagram(generator, 25)
        assert bottleneck(left, right) == pytest.approx(
            bottleneck_distance(left, right, 0), abs=1e-12
        )


def test_wasserstein_agrees_with_hera_on_random_diagrams():
    """Our assignment and Hera's auction agree within the auction's stated tolerance."""
    from gudhi.hera import wasserstein_distance

    generator = np.random.default_rng(1)
    for _ in range(100):
        left = random_diagram(generator, 20)
        right = random_diagram(generator, 20)
        theirs = wasserstein_distance(left, right, order=1, internal_p=np.inf, delta=1e-4)
        assert wasserstein(left, right) == pytest.approx(theirs, rel=2e-4, abs=1e-9)


def test_wasserstein_agrees_with_the_full_assignment_with_diagonal_copies():
    """The reduced problem has the optimum of the textbook (A + B) x (B + A) one."""
    from scipy.optimize import linear_sum_assignment

    generator = np.random.default_rng(2)
    for _ in range(40):
        left = random_diagram(generator, 8)
        right = random_diagram(generator, 8)
        count_left = len(left)
        count_right = len(right)
        cost = np.zeros((count_left + count_right,) * 2)
        cost[:count_left, :count_right] = ground(left, right)
        cost[:count_left, count_right:] = half_lengths(left)[:, None]
        cost[count_left:, :count_right] = half_lengths(right)[None, :]
        row, column = linear_sum_assignment(cost)
        assert wasserstein(left, right) == pytest.approx(cost[row, column].sum(), abs=1e-12)


@given(bars, bars, bars)
def test_both_are_metrics(one, two, three):
    """Symmetric, zero on equal diagrams, and the triangle inequality holds."""
    for distance in (bottleneck, wasserstein):
        assert distance(one, one) == 0.0
        assert distance(one, two) == pytest.approx(distance(two, one), abs=1e-12)
        assert distance(one, three) <= distance(one, two) + distance(two, three) + 1e-9


@given(bars, bars)
def test_bottleneck_wasserstein_and_total_persistence_are_ordered(one, two):
    """Bottleneck <= wasserstein <= what sending everything to the diagonal costs."""
    assert bottleneck(one, two) <= wasserstein(one, two) + 1e-12
    assert wasserstein(one, two) <= total_persistence(one) + total_persistence(two) + 1e-12
    assert 0.0 <= normalised_wasserstein(one, two) <= 1.0


@given(bars, bars)
def test_a_matching_uses_every_bar_once_and_proves_its_distance(one, two):
    """Each bar of either side appears once; the largest or summed cost is the distance."""
    for order, of in (("bottleneck", np.max), ("wasserstein", np.sum)):
        found = matching(one, two, order=order)
        assert sorted(found.left[found.left >= 0].tolist()) == list(range(len(one)))
        assert sorted(found.right[found.right >= 0].tolist()) == list(range(len(two)))
        distance = bottleneck(one, two) if order == "bottleneck" else wasserstein(one, two)
        assert of(found.cost, initial=0.0) == pytest.approx(distance, abs=1e-12)


def test_matching_costs_are_those_of_its_pairs():
    """Cost of a pair is its ground distance, cost of a lone bar its distance to the diagonal."""
    found = matching(TWO, np.array([[0.0, 4.5]]))
    pairs = zip(found.left.tolist(), found.right.tolist(), strict=True)
    costs = dict(zip(pairs, found.cost.tolist(), strict=True))
    assert costs == {(0, 0): 0.5, (1, -1): 0.5}


def test_large_equal_diagrams_are_compared_at_once():
    """Policy "all" compares a diagram with itself: zero, without assigning millions of pairs."""
    large = np.sort(np.random.default_rng(3).random((20_000, 2)), axis=1)
    assert bottleneck(large, large.copy()) == 0.0
    assert normalised_wasserstein(large, large.copy()) == 0.0


def test_endless_bars_and_unknown_orders_are_refused():
    """An infinite death would make every distance infinite or NaN: it is named instead."""
    with pytest.raises(ValueError, match="right diagram has bars that never end"):
        bottleneck(ONE, np.array([[0.0, np.inf]]))
    with pytest.raises(ValueError, match="did you mean 'wasserstein'"):
        matching(ONE, ONE, order="waserstein")
