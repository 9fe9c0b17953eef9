"""Rows for the browser: nothing is lost, triggers point at tokens, hostile text passes as data."""

import json
from dataclasses import replace

from warp_cortex import (
    Event,
    Publish,
    RunStart,
    Spawn,
    StreamToken,
    Token,
    from_record,
    to_record,
)

from tests.views.fabricated import HOSTILE, fabricate
from warpviz.live.rows import RowWriter
from warpviz.live.timeline import Timeline
from warpviz.views.base import wire


def rows_of(trace):
    """Return all rows of a run."""
    writer = RowWriter()
    return [writer.write(event) for event in trace.events]


def test_every_event_has_a_row_with_its_beat():
    """Rows and the Python fold agree on every beat; all thirteen kinds have a code."""
    trace = fabricate(num_streams=6, num_tokens=80)
    rows = rows_of(trace)
    assert [row[1] for row in rows] == Timeline(trace.events).beats
    assert {row[0] for row in rows} == set("rtpskhgifmx")
    assert RowWriter().write(Event(step=0)) is None


def test_a_trigger_is_a_range_of_tokens_that_holds_its_text():
    """Joining the tokens of the range gives a text with the whole trigger inside."""
    trace = fabricate(num_streams=5, num_tokens=80)
    tokens = [*trace.events[0].prompt_tokens, *(t.text for t in trace.of(Token))]
    text = "".join(tokens)
    for event, row in zip(trace.events, rows_of(trace), strict=True):
        if isinstance(event, Spawn):
            assert text[slice(*event.trigger)] in "".join(tokens[row[5] : row[6] + 1])
            assert row[6] - row[5] < len(text[slice(*event.trigger)])


def test_a_trigger_outside_the_text_points_nowhere():
    """A span that no token covers becomes [-1, -1]."""
    row = RowWriter().write(
        Spawn(step=1, stream=0, task="t", kind="task", trigger=(5, 9), version=0)
    )
    assert row[5:7] == [-1, -1]


def test_rows_are_a_fraction_of_the_records():
    """A hundred streams and 400 tokens fit into a quarter of a megabyte."""
    trace = fabricate(num_streams=100, num_tokens=400)
    size = len(json.dumps(rows_of(trace)))
    assert size < 260_000
    assert size < 0.5 * len(trace.dumps())


def test_hostile_text_survives_strict_json_and_utf8():
    """Every hostile string reaches the wire; lone surrogates do not break it."""
    rows = wire.clean(rows_of(fabricate(num_streams=len(HOSTILE), hostile=True)))
    text = json.dumps(rows, ensure_ascii=False, allow_nan=False).encode("utf-8").decode("utf-8")
    for hostile in HOSTILE:
        assert json.dumps(wire.clean(hostile), ensure_ascii=False)[1:-1] in text
    assert "\ud800" not in text


def test_numbers_are_short_and_nothing_is_invented():
    """Similarities keep four decimals; a start without a gate has no theta."""
    start = RunStart(
        step=0, model="m", checksum="", prompt="", prompt_tokens=[], seed=3, config={}, versions={}
    )
    writer = RowWriter()
    assert writer.write(start) == ["r", 0, "m", [], 3, None]
    assert writer.write(StreamToken(step=0, stream=2, id=1, text="a", position=0)) == [
        "k",
        0,
        2,
        "a",
    ]
    publish = Publish(
        step=0, version=1, policy="all", landmarks=[0], ranking=[0], radius=1 / 3, shared_bytes=9
    )
    assert writer.write(publish) == ["p", 0, 1, "all", 0.3333, [0]]


def test_a_special_token_of_the_prompt_is_named() -> None:
    """Its name stands in its place, and the row says which tokens are names; odd places of a
    trace from elsewhere are left out.
    """
    start = RunStart(
        step=2,
        model="m",
        checksum="",
        prompt="hi",
        prompt_tokens=["", "hi"],
        seed=0,
        config={},
        versions={},
        labels={"0": "<bos>", "9": "x", "-1": "y"},
    )
    assert RowWriter().write(start) == ["r", 0, "m", ["<bos>", "hi"], 0, None, [0]]
    record = to_record(start)
    assert from_record(record) == start
    assert "labels" not in to_record(replace(start, labels={}))
