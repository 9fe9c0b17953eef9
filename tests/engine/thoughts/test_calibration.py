"""Thresholds from labelled thoughts, checked against counting by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex.thoughts.calibration import area, best_theta, confusion, roc
from warp_cortex.thoughts.gate import REJECTED, decide

PROPERTY = settings(max_examples=100)
GRID = st.integers(-9, 9).map(lambda number: number / 10)


@st.composite
def labelled(draw):
    """Similarities on a coarse grid, so that they tie, with at least one of each label."""
    pairs = draw(st.lists(st.tuples(GRID, st.booleans()), max_size=20))
    pairs += [(draw(GRID), True), (draw(GRID), False)]
    return [value for value, _ in pairs], [good for _, good in pairs]


@PROPERTY
@given(labelled())
def test_the_area_is_the_chance_of_ranking_a_pair_rightly(thoughts):
    """The area is the share of (good, bad) pairs in the right order, ties counting half."""
    values, labels = thoughts
    good = [value for value, label in zip(values, labels, strict=True) if label]
    bad = [value for value, label in zip(values, labels, strict=True) if not label]
    pairs = [1.0 if g > b else 0.5 if g == b else 0.0 for g in good for b in bad]
    assert area(roc(values, labels)) == pytest.approx(sum(pairs) / len(pairs))


@PROPERTY
@given(labelled())
def test_every_point_of_the_curve_is_what_its_threshold_does(thoughts):
    """The curve rises from (0, 0) to (1, 1); each point is the confusion at its threshold."""
    values, labels = thoughts
    curve = roc(values, labels)
    rates = np.stack([curve.false_positive_rate, curve.true_positive_rate])
    assert rates[:, 0].tolist() == [0, 0]
    assert rates[:, -1].tolist() == [1, 1]
    assert (np.diff(rates) >= 0).all()
    assert (np.diff(curve.thresholds) < 0).all()
    for threshold, false, true in zip(curve.thresholds[1:], *rates[:, 1:], strict=True):
        counted = confusion(values, labels, theta=float(threshold))
        assert counted.recall == pytest.approx(true)
        assert counted.youden == pytest.approx(true - false)


@PROPERTY
@given(labelled())
def test_no_threshold_beats_the_best_one(thoughts):
    """The chosen theta is a cosine and reaches the largest Youden's J of any threshold."""
    values, labels = thoughts
    theta = best_theta(values, labels)
    best = max(confusion(values, labels, theta=other).youden for other in [*values, 1.0])
    assert -1 <= theta <= 1
    assert confusion(values, labels, theta=theta).youden == pytest.approx(best)


def test_the_best_threshold_lies_in_the_middle_of_the_gap():
    """Between separable thoughts theta is in the middle; of equals it is the strictest."""
    assert best_theta([0.2, 0.4, 0.6, 0.8], [False, False, True, True]) == pytest.approx(0.5)
    assert best_theta([0.1, 0.3, 0.5, 0.7], [False, True, False, True]) == pytest.approx(0.6)
    assert best_theta([0.5, 0.5], [True, False]) == pytest.approx(0.75)
    # J is 1/3 at .9, at .7 and at .5, where 1 - 2/3 is rounded up
    ladder = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    assert best_theta(ladder, [True, False] * 3) == pytest.approx(0.85)


def test_neighbouring_floats_can_be_told_apart():
    """Where no float lies between a good and a bad similarity theta is the good one."""
    good = 0.5
    bad = math.nextafter(0.5, 0)
    assert (
        confusion([good, bad], [True, False], theta=best_theta([good, bad], [True, False])).youden
        == 1
    )


@PROPERTY
@given(labelled(), GRID)
def test_counting_agrees_with_the_gate(thoughts, theta):
    """The counts are those of the gate's decisions, for similarities of exactly -1, too."""
    values = [*thoughts[0], REJECTED]
    labels = [*thoughts[1], True]
    for threshold in (theta, REJECTED):
        counted = confusion(values, labels, theta=threshold)
        passed = [decide({"raw": value}, scorer="raw", theta=threshold) for value in values]
        assert counted.true_positives + counted.false_positives == sum(passed)
        total = (
            counted.true_positives,
            counted.false_positives,
            counted.true_negatives,
            counted.false_negatives,
        )
        assert sum(total) == len(values)


def test_precision_and_recall_by_hand():
    """Two of three accepted are good, two of four good accepted; of none precision is 0."""
    counted = confusion([0.9, 0.8, 0.7, 0.1, 0.2], [True, False, True, True, True], theta=0.5)
    assert (counted.precision, counted.recall) == (pytest.approx(2 / 3), pytest.approx(1 / 2))
    assert confusion([0.1], [True], theta=1.0).precision == 0
    assert confusion([0.1], [False], theta=0.0).recall == 0


@pytest.mark.parametrize(
    ("values", "labels", "words"),
    [
        ([0.1, 0.2], [True, True], "both good and bad thoughts, got 2 good of 2"),
        ([], [], "got 0 good of 0"),
        ([0.1], [True, False], r"equally long lists, got shapes \(1,\) and \(2,\)"),
        ([0.1, math.nan], [True, False], "similarities must be finite, got nan"),
    ],
)
def test_thoughts_that_cannot_be_calibrated_are_refused(values, labels, words):
    """One kind of label, unequal lengths and non-finite similarities are refused by name."""
    with pytest.raises(ValueError, match=words):
        roc(values, labels)


def test_a_threshold_no_cosine_reaches_is_refused():
    """Theta must be a cosine."""
    with pytest.raises(ValueError, match="theta must be between -1 and 1, got 2"):
        confusion([0.1], [True], theta=2)
