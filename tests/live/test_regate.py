"""Re-deciding the gate from a trace: hand-computed cases, and agreement with the engine and with
scikit-learn.
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from warp_cortex import GateDecision, Thought, area, confusion
from warp_cortex.thoughts.gate import decide

from tests.views.fabricated import fabricate, labels_of
from warpviz.live import regate

TRACE = fabricate(num_streams=30, num_tokens=300)
THOUGHTS = regate.judged_thoughts([TRACE])
UNIT = st.floats(-1, 1, allow_nan=False, width=32)


def test_the_recorded_theta_gives_the_recorded_decisions():
    """Deciding again at the run's own theta and scorer reproduces the run."""
    values = regate.similarities(THOUGHTS, "centred")
    assert regate.decide(values, THOUGHTS[0].threshold).tolist() == [t.accepted for t in THOUGHTS]
    assert len(THOUGHTS) == len(TRACE.of(GateDecision))


def test_task_and_thought_come_from_the_same_stream():
    """Each judged thought carries its own text."""
    texts = {event.stream: event.text for event in TRACE.of(Thought)}
    assert all(t.thought == texts[t.stream] and t.task for t in THOUGHTS)


@given(st.lists(UNIT, min_size=1, max_size=40), UNIT, UNIT)
def test_a_higher_theta_never_accepts_more(values, one, other):
    """Acceptance shrinks as theta grows."""
    low, high = sorted((one, other))
    array = np.array(values)
    assert not (regate.decide(array, high) & ~regate.decide(array, low)).any()


def test_what_could_not_be_judged_never_passes():
    """NaN and the engine's -1 are rejected at every theta, even at -1."""
    assert regate.decide(np.array([np.nan, -1.0, -0.99]), -1.0).tolist() == [False, False, True]


EDGES = st.one_of(
    st.sampled_from([-1.0, -0.9999999, 0.0, 0.3, 1.0]), st.floats(-1, 1, allow_nan=False)
)


@given(st.lists(st.tuples(EDGES, st.booleans()), min_size=1, max_size=30), EDGES)
def test_it_decides_as_the_engine_does(pairs, theta):
    """At every theta, -1 and 1 included: what passes here passes the engine's gate, and its
    calibration counts so.
    """
    values, labels = [value for value, _ in pairs], [label for _, label in pairs]
    passed = regate.decide(np.array(values), theta)
    assert passed.tolist() == [
        decide({"raw": value}, scorer="raw", theta=theta) for value in values
    ]
    counts, got = (
        confusion(values, labels, theta=theta),
        regate.outcome(np.array(values), labels, theta),
    )
    assert got.num_accepted == counts.true_positives + counts.false_positives == int(passed.sum())
    assert got.recall is None or got.recall == counts.recall
    assert got.precision is None or got.precision == counts.precision


def test_a_curve_ranks_what_no_theta_lets_pass():
    """The last point of a curve accepts even -1; what is unlabelled or has no number is not part of
    it.
    """
    values = np.array([0.5, -1.0, 0.2, np.nan, np.inf, 0.9])
    curve = regate.roc(values, [True, True, False, True, False, None])
    assert curve is not None
    assert curve.thresholds.tolist() == [np.inf, 0.5, 0.2, -1.0]
    assert curve.true_positive_rate.tolist() == [0, 0.5, 0.5, 1]
    assert curve.false_positive_rate.tolist() == [0, 0, 1, 1]
    assert not regate.decide(values, -1.0)[1]


def test_a_hand_computed_outcome():
    """Two of three accepted are good, two of two good ones are found, one unlabelled is counted
    apart.
    """
    values = np.array([0.9, 0.8, 0.7, 0.2, 0.6])
    labels = [True, False, True, False, None]
    got = regate.outcome(values, labels, 0.65)
    assert (got.num_accepted, got.num_rejected, got.num_labelled) == (3, 2, 4)
    assert got.precision == pytest.approx(2 / 3)
    assert got.recall == 1.0
    assert got.false_positive_rate == 0.5


def test_no_labels_no_figures():
    """Without labels precision and recall are undefined, not zero."""
    got = regate.outcome(np.array([0.9, 0.1]), [None, None], 0.5)
    assert (got.precision, got.recall, got.false_positive_rate) == (None, None, None)
    assert regate.roc(np.array([0.9, 0.1]), [None, None]) is None
    assert regate.roc(np.array([0.9, 0.1]), [True, True]) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([-0.5, 0.0, 0.25, 0.5, 0.75]), st.booleans()),
        min_size=2,
        max_size=60,
    )
)
def test_the_area_is_scikit_learns(pairs):
    """Our curve's area equals roc_auc_score, ties included, and both rates never fall."""
    labels = [label for _, label in pairs]
    assume(0 < sum(labels) < len(labels))
    values = np.array([value for value, _ in pairs])
    curve = regate.roc(values, labels)
    assert curve is not None
    assert area(curve) == pytest.approx(roc_auc_score(labels, values))
    assert (np.diff(curve.true_positive_rate) >= 0).all()
    assert (np.diff(curve.false_positive_rate) >= 0).all()
    assert curve.true_positive_rate[-1] == curve.false_positive_rate[-1] == 1


def test_labels_by_stream_by_run_and_by_rule():
    """A mapping, a mapping per run and a function say the same."""
    labels = labels_of(TRACE)
    by_stream = [t.label for t in regate.judged_thoughts([TRACE], labels)]
    by_run = [t.label for t in regate.judged_thoughts([TRACE, TRACE], [labels, {}])]
    by_rule = [
        t.label
        for t in regate.judged_thoughts([TRACE], lambda task, thought: bool(task and thought))
    ]
    assert by_run == by_stream + [None] * len(by_stream)
    assert all(by_rule)
    with pytest.raises(ValueError, match="2 mappings for 1 runs"):
        regate.judged_thoughts([TRACE], [labels, {}])


def test_the_scorer_in_charge_comes_first():
    """Scorers are listed with the deciding one first, then by name."""
    assert regate.scorers(THOUGHTS) == ["centred", "raw", "standardised"]
    assert np.isnan(regate.similarities(THOUGHTS, "unheard of")).all()
