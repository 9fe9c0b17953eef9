"""The gate: what counts as similar, what passes, and what the River's statistics know."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex.config import SCORERS
from warp_cortex.thoughts.gate import REJECTED, SCORES, GateState, Statistics, decide, similarities

PROPERTY = settings(max_examples=60)
NUMBERS = st.floats(-100, 100, width=32)


def state(middle: list[float], last: list[float] | None = None) -> GateState:
    """An agent's state from plain numbers."""
    return GateState(
        middle=torch.tensor(middle), last=torch.tensor(middle if last is None else last)
    )


def matrix(rows: int, size: int):
    """A strategy for a [rows, size] tensor."""
    return st.lists(
        st.lists(NUMBERS, min_size=size, max_size=size), min_size=rows, max_size=rows
    ).map(torch.tensor)


def test_the_known_scorers_are_those_that_are_implemented():
    """The settings accept exactly the registered scorers."""
    assert set(SCORERS) == {*SCORES, "likelihood", "verdict"}


@PROPERTY
@given(st.integers(1, 12).flatmap(lambda rows: matrix(rows, 4)), st.data())
def test_statistics_do_not_depend_on_how_states_arrive(states, data):
    """Mean and deviation of blocks, one after the other, equal those of all rows at once."""
    cut = data.draw(st.integers(0, len(states)))
    known = Statistics.empty(4).update(states[:cut]).update(states[cut:])
    exact = states.double()
    assert known.count == len(states)
    assert torch.allclose(known.mean, exact.mean(dim=0), atol=1e-9)
    assert torch.allclose(known.std, exact.std(dim=0, correction=0), atol=1e-6)


def test_statistics_are_values():
    """An update returns a new object and leaves the old one, and what it was given, alone."""
    before = Statistics.empty(2)
    rows = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    after = before.update(rows)
    assert (before.count, before.mean.tolist(), before.std.tolist()) == (0, [0, 0], [0, 0])
    assert (after.count, after.mean.tolist(), after.std.tolist()) == (2, [2, 5], [1, 0])
    assert rows.tolist() == [[1, 5], [3, 5]]


def test_statistics_survive_a_large_mean():
    """A mean a million times the deviation costs no accuracy."""
    rows = torch.tensor([[1e6 - 1], [1e6 + 1]]).repeat(500, 1)
    known = Statistics.empty(1)
    for row in rows:
        known = known.update(row[None])
    assert known.std.tolist() == pytest.approx([1.0], rel=1e-6)


def test_statistics_leave_out_what_is_not_finite():
    """One overflowing state does not poison the statistics for the rest of the run."""
    rows = torch.tensor([[1.0, 2.0], [math.nan, 2.0], [1.0, math.inf], [3.0, 4.0]])
    known = Statistics.empty(2).update(rows)
    assert (known.count, known.mean.tolist()) == (2, [2, 3])
    assert known.update(rows[1:3]) is known


@pytest.mark.parametrize("shape", [(3,), (2, 5)])
def test_statistics_refuse_states_of_another_size(shape):
    """States that are no rows of C numbers are refused by shape."""
    with pytest.raises(ValueError, match=r"states must have shape \[T, 4\], got"):
        Statistics.empty(4).update(torch.zeros(shape))


def test_raw_is_the_cosine_of_last_states():
    """The paper's gate looks at last tokens only and knows no statistics."""
    known = Statistics.empty(2).update(torch.tensor([[5.0, 5.0], [9.0, 1.0]]))
    found = similarities(state([1, 0], [3, 4]), state([0, 1], [4, 3]), known)
    assert found["raw"] == pytest.approx(24 / 25)


def test_centred_is_the_cosine_around_the_mean():
    """States alike only in the mean they share are not similar once it is taken away."""
    known = Statistics.empty(2).update(torch.tensor([[99.0, 100.0], [101.0, 100.0]]))
    found = similarities(state([101, 100]), state([100, 101]), known)
    assert found["raw"] > 0.99
    assert found["centred"] == pytest.approx(0)
    assert similarities(state([101, 101]), state([102, 102]), known)["centred"] == pytest.approx(1)


def test_standardised_gives_every_dimension_its_say():
    """A dimension that varies a thousandfold has one vote; one that never varied has none."""
    known = Statistics.empty(3).update(torch.tensor([[1000.0, 1.0, 7.0], [-1000.0, -1.0, 7.0]]))
    found = similarities(state([1000, 1, 7]), state([1000, -1, 9]), known)
    assert found["centred"] > 0.99
    assert found["standardised"] == pytest.approx(0)


@PROPERTY
@given(matrix(6, 3), matrix(4, 3), st.floats(0.01, 100))
def test_similarities_are_symmetric_bounded_json_numbers(rows, states, factor):
    """Similarities are symmetric numbers in [-1, 1] that JSON holds; raw ignores lengths."""
    known = Statistics.empty(3).update(rows)
    one = GateState(middle=states[0], last=states[1])
    other = GateState(middle=states[2], last=states[3])
    found = similarities(one, other, known)
    assert set(found) == set(SCORES)
    assert all(-1 <= value <= 1 for value in found.values())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert similarities(other, one, known) == pytest.approx(found)
    longer = GateState(middle=other.middle, last=other.last.double() * factor)
    assert similarities(one, longer, known)["raw"] == pytest.approx(found["raw"], abs=1e-9)


@PROPERTY
@given(matrix(5, 3), st.lists(NUMBERS, min_size=3, max_size=3))
def test_a_state_is_similar_to_itself(rows, numbers):
    """Every scorer gives 1 for identical states, or 0 where nothing is left of them to compare."""
    same = state(numbers)
    found = similarities(same, same, Statistics.empty(3).update(rows))
    assert all(value == pytest.approx(1) or value == 0 for value in found.values())


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("where", ["river", "thought"])
@pytest.mark.parametrize("theta", [-1.0, 0.0, 1.0])
def test_what_is_not_finite_never_passes(bad, where, theta):
    """A non-finite state gives exactly -1 under every scorer, and no threshold lets it through."""
    states = {"river": state([1, 2]), "thought": state([1, 2])} | {where: state([1, bad])}
    found = similarities(
        states["river"], states["thought"], Statistics.empty(2).update(torch.eye(2))
    )
    assert set(found.values()) == {REJECTED}
    assert not any(decide(found, scorer=scorer, theta=theta) for scorer in SCORES)


def test_zero_and_unknown_give_zero():
    """A zero vector has no direction; without River states none differs from the mean."""
    nothing = Statistics.empty(2)
    assert similarities(state([0, 0]), state([1, 2]), nothing) == {
        "raw": 0,
        "centred": 0,
        "standardised": 0,
    }
    assert similarities(state([1, 2]), state([1, 2]), nothing)["standardised"] == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_does_not_overflow(dtype):
    """Cosines are taken in float64: lengths no half-precision number can hold are no problem."""
    large = GateState(
        middle=torch.full((4096,), 3e4, dtype=dtype), last=torch.full((4096,), 3e4, dtype=dtype)
    )
    assert similarities(large, large, Statistics.empty(4096))["raw"] == pytest.approx(1)


@PROPERTY
@given(st.floats(-1, 1, exclude_min=True), st.floats(-1, 1), st.floats(-1, 1))
def test_deciding_is_a_threshold(value, theta, stricter):
    """A similarity of at least theta passes, and then passes every lower theta."""
    found = {"raw": value}
    assert decide(found, scorer="raw", theta=theta) == (value >= theta)
    if decide(found, scorer="raw", theta=max(theta, stricter)):
        assert decide(found, scorer="raw", theta=min(theta, stricter))


def test_bad_questions_to_the_gate_are_named():
    """An unknown scorer suggests the nearest; a theta no cosine can reach is refused."""
    with pytest.raises(ValueError, match="did you mean 'centred'"):
        decide({"raw": 0.1, "centred": 0.2}, scorer="centered", theta=0.5)
    with pytest.raises(ValueError, match=r"theta must be between -1 and 1, got 1\.2"):
        decide({"raw": 0.1}, scorer="raw", theta=1.2)
    with pytest.raises(ValueError, match="got nan"):
        decide({"raw": 0.1}, scorer="raw", theta=math.nan)
