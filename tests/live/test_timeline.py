"""The fold of a trace: any cursor, in any order, is the prefix folded from nothing."""

import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import Failure, Finish, Revoke, Spawn, StreamToken, Token

from tests.views.fabricated import fabricate
from warpviz.live.stream_card import Phase
from warpviz.live.timeline import STRIDE, RunState, Timeline

TRACE = fabricate(num_streams=12, num_tokens=150)
WHOLE = Timeline(TRACE.events)


def plain(state: RunState) -> tuple[object, ...]:
    """Return a state as a comparable tuple."""
    counts = state.counts
    counts = (
        counts.spawned,
        counts.accepted,
        counts.rejected,
        counts.injected,
        counts.failed,
        counts.stream_tokens,
    )
    rest = (state.theta, state.version, state.landmarks, state.memory, state.ended)
    return (
        state.cursor,
        state.beat,
        state.step,
        state.num_river_tokens,
        counts,
        state.active,
        state.closed,
        *rest,
    )


@settings(max_examples=40)
@given(st.lists(st.integers(-3, len(TRACE.events) + 3), min_size=1, max_size=6))
def test_seeking_is_folding_the_prefix(cursors):
    """at(c) equals a fresh fold of the first c events, whatever was asked before."""
    for cursor in cursors:
        kept = max(0, min(cursor, len(TRACE.events)))
        fresh = Timeline(TRACE.events[:kept])
        assert plain(WHOLE.at(cursor)) == plain(fresh.at(kept))
        assert WHOLE.text(kept) == fresh.text(kept)


def test_checkpoints_agree_at_their_borders():
    """A cursor on a checkpoint and its neighbours are folded alike."""
    for cursor in (STRIDE - 1, STRIDE, STRIDE + 1, 2 * STRIDE):
        assert plain(WHOLE.at(cursor)) == plain(Timeline(TRACE.events[:cursor]).at(cursor))


def test_the_text_is_the_tokens():
    """The River's text is the prompt and every visible token, in order."""
    start = TRACE.events[0]
    written = "".join(token.text for token in TRACE.of(Token))
    assert WHOLE.text(len(TRACE.events)) == start.prompt + written
    assert WHOLE.text(0) == ""


def test_a_stream_is_alive_from_spawn_to_judgement():
    """Active streams are exactly the cards whose phase says thinking or thought."""
    for cursor in range(0, len(TRACE.events), 17):
        alive = {
            s for s in WHOLE.cards if WHOLE.phase(s, cursor) in {Phase.THINKING, Phase.THOUGHT}
        }
        assert set(WHOLE.at(cursor).active) == alive


def test_every_spawned_stream_is_active_or_closed():
    """No stream is lost: spawned = active + closed at every moment."""
    for cursor in range(0, len(TRACE.events), 23):
        state = WHOLE.at(cursor)
        assert state.counts.spawned == len(state.active) + len(state.closed)
        assert len(set(state.closed)) == len(state.closed)


def test_phases_follow_the_events():
    """A card goes unborn, thinking, thought, judged, injected, and revoked when its injection is
    taken out.
    """
    accepted = next(card for card in WHOLE.cards.values() if card.accepted)
    assert accepted.phase(accepted.spawned_at) is Phase.UNBORN
    assert accepted.phase(accepted.spawned_at + 1) is Phase.THINKING
    assert accepted.phase(accepted.thought_at + 1) is Phase.THOUGHT
    assert accepted.phase(accepted.gated_at + 1) is Phase.ACCEPTED
    assert accepted.phase(accepted.injected_at + 1) is Phase.INJECTED
    more = Timeline([*TRACE.events, Revoke(step=9, injection=accepted.injection, rebuilt_tokens=0)])
    assert more.phase(accepted.stream, len(more)) is Phase.REVOKED
    assert more.phase(accepted.stream, len(more) - 1) is not Phase.REVOKED


def test_a_failed_stream_says_why_and_the_run_goes_on():
    """A failure closes its stream only."""
    line = Timeline([Spawn(step=1, stream=4, task="t", kind="task", trigger=(0, 1), version=0)])
    line.append(Failure(step=1, stream=4, message="NaN"))
    line.append(Token(step=2, id=1, text="a", position=1))
    state = line.at(3)
    assert line.phase(4, 3) is Phase.FAILED
    assert line.cards[4].failure == "NaN"
    assert (state.active, state.closed, state.num_river_tokens) == ((), (4,), 1)


def test_beats_count_rounds():
    """A beat is one River token, or one round of stream tokens once the River is silent; beats
    never fall.
    """
    line = Timeline()
    for stream in (1, 2):
        line.append(Spawn(step=0, stream=stream, task="t", kind="task", trigger=(0, 1), version=0))
    line.append(Token(step=1, id=0, text="a", position=0))
    for _ in range(3):
        line.extend(StreamToken(step=1, stream=s, id=0, text="x", position=1) for s in (1, 2))
    assert line.beats == [0, 0, 1, 1, 1, 2, 2, 3, 3]
    assert sorted(WHOLE.beats) == WHOLE.beats


def test_events_of_unknown_streams_are_kept():
    """A trace that was cut at its beginning still folds: cards appear with what is known."""
    line = Timeline(
        [
            StreamToken(step=1, stream=7, id=0, text="x", position=1),
            Finish(step=1, stream=7, reason="end"),
        ]
    )
    assert line.cards[7].text(2) == "x"
    assert line.at(2).active == ()


@pytest.mark.parametrize("cursor", [-5, 0, 10**9])
def test_cursors_beyond_the_ends_are_the_ends(cursor):
    """Seeking outside the run clamps."""
    assert WHOLE.at(cursor).cursor == (len(TRACE.events) if cursor > 0 else 0)


def num_calls(events):
    """Return how many functions are called while a timeline takes some events."""
    found = Counter()
    sys.setprofile(lambda _, kind, __: found.update([kind]))
    try:
        Timeline(events)
    finally:
        sys.setprofile(None)
    return found["call"] + found["c_call"]


def test_appending_an_event_costs_the_same_at_any_length():
    """Appending is O(1) amortised: four times the events make four times the calls, not sixteen."""
    crowd = fabricate(num_streams=100, num_tokens=400)
    events = (crowd.events * 6)[:8000]
    assert num_calls(events) < 6 * num_calls(events[:2000])
