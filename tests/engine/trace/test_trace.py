"""The trace: what goes in comes out, as valid JSON; a damaged file is refused by name."""

import json
import math
import zipfile
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import summarise
from warp_cortex.trace import trace as traces
from warp_cortex.trace.trace import (
    EVENT_TYPES,
    Event,
    GateDecision,
    Influence,
    RunStart,
    Spawn,
    Token,
    Trace,
    from_record,
    load_trace,
    to_record,
)

PROPERTY = settings(max_examples=100)
TEXT = st.text(st.characters(exclude_categories=[]), max_size=8)  # lone surrogates included
INTEGER = st.integers(-(2**63), 2**63 - 1)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    int: INTEGER,
    bool: st.booleans(),
    str: TEXT,
    float: NUMBER,
    int | None: st.none() | INTEGER,
    float | None: st.none() | NUMBER,
    list[int]: st.lists(INTEGER, max_size=4),
    list[str]: st.lists(TEXT, max_size=4),
    list[float]: st.lists(NUMBER, max_size=4),
    tuple[int, int]: st.tuples(INTEGER, INTEGER),
    dict[str, float]: st.dictionaries(TEXT, NUMBER, max_size=4),
    dict[str, list[float]]: st.dictionaries(TEXT, st.lists(NUMBER, max_size=3), max_size=3),
    dict[str, str]: st.dictionaries(TEXT, TEXT, max_size=4),
    dict[str, Any]: st.dictionaries(
        TEXT, NUMBER | TEXT | st.none() | st.booleans() | st.lists(INTEGER), max_size=4
    ),
}
EVENTS = st.sampled_from(sorted(EVENT_TYPES.items())).flatmap(
    lambda item: st.builds(item[1], **{field.name: VALUES[field.type] for field in fields(item[1])})
)


def joined(text: Any) -> Any:
    """A value as JSON sees it: two surrogates that stand side by side are one character there."""
    if isinstance(text, str):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(text, dict):
        return {joined(key): joined(value) for key, value in text.items()}
    return [joined(value) for value in text] if isinstance(text, list) else text


def token(number: int) -> Token:
    """The n-th token of a river."""
    return Token(step=number, id=number, text=f" w{number}", position=number)


@PROPERTY
@pytest.mark.filterwarnings("ignore:.* holds a run without its end")
@given(st.lists(EVENTS, max_size=6))
def test_every_event_comes_back(tmp_path_factory, events):
    """Saving and loading gives the same events in the same order, with any text and any numbers."""
    folder = Trace(events=events).save(tmp_path_factory.mktemp("trace"))
    loaded = load_trace(folder)
    assert [joined(to_record(event)) for event in events] == [
        to_record(event) for event in loaded.events
    ]
    assert [type(event) for event in loaded.events] == [type(event) for event in events]
    assert load_trace(folder / "trace.jsonl").events == loaded.events


@PROPERTY
@given(EVENTS)
def test_records_are_valid_json_that_reads_back(event):
    """A record survives strict JSON, apart from joined surrogates; tuples come back as tuples."""
    record = to_record(event)
    assert from_record(record) == event
    assert json.loads(json.dumps(record, allow_nan=False)) == joined(record)


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_json_cannot_hold_become_null_and_nan(number):
    """A non-finite float is stored as null wherever it stands, and read back as NaN."""
    trace = Trace()
    trace.append(
        Influence(step=1, injection=0, first_position=3, kl=[0.5, number], attention_mass=[number])
    )
    trace.append(
        GateDecision(
            step=2,
            stream=0,
            accepted=False,
            similarity=number,
            threshold=0.5,
            scorer="raw",
            similarities={"raw": number},
        )
    )
    lines = [json.loads(line, parse_constant=pytest.fail) for line in trace.dumps().splitlines()]
    assert (lines[1]["kl"], lines[1]["attention_mass"], lines[2]["similarity"]) == (
        [0.5, None],
        [None],
        None,
    )
    influence, gate = (from_record(line) for line in lines[1:])
    assert influence.kl[0] == 0.5
    assert math.isnan(influence.kl[1])
    assert math.isnan(gate.similarity)
    assert math.isnan(gate.similarities["raw"])


def test_numpy_scalars_become_numbers():
    """A float32 or int64 that slipped in from an array does not cost the run its trace."""
    event = Influence(
        step=np.int64(1),
        injection=0,
        first_position=3,
        kl=[np.float32(0.5), np.float32("nan")],
        attention_mass=[],
    )
    record = to_record(event)
    assert (type(record["step"]), type(record["kl"][0]), record["kl"]) == (int, float, [0.5, None])


@PROPERTY
@given(st.integers(0, 400))
def test_a_trace_cut_short_keeps_what_was_whole(tmp_path_factory, cut):
    """A file that ends anywhere after its first line loads as the events whose lines are whole."""
    text = Trace(events=[token(number) for number in range(6)]).dumps()
    head = text.index("\n") + 1
    text = text[: max(head, min(cut, len(text)))]
    path = tmp_path_factory.mktemp("trace") / "trace.jsonl"
    path.write_text(text)
    whole = [line for line in text[head:].split("\n") if line.endswith("}")]
    assert load_trace(path).events == [token(number) for number in range(len(whole))]


def test_the_same_trace_is_the_same_bytes(tmp_path):
    """Neither file holds a clock reading: two saves are the same bytes, in any order of arrays."""
    arrays = {"thoughts": np.ones((2, 3), np.float32), "attention": np.zeros(4, np.float32)}
    first = Trace(events=[token(0)], arrays=arrays).save(tmp_path / "a")
    second = Trace(events=[token(0)], arrays=dict(reversed(arrays.items()))).save(tmp_path / "b")
    for name in ("trace.jsonl", "trace.npz"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    with zipfile.ZipFile(first / "trace.npz") as stored:
        assert {entry.date_time for entry in stored.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(path.name for path in first.iterdir()) == ["trace.jsonl", "trace.npz"]
    loaded = load_trace(first)
    assert sorted(loaded.arrays) == ["attention", "thoughts"]
    assert np.array_equal(loaded.arrays["thoughts"], arrays["thoughts"])


def test_saving_over_another_run_leaves_nothing_of_it(tmp_path):
    """Arrays of an older run in the same folder are not read as this run's."""
    Trace(events=[token(0)], arrays={"thoughts": np.ones((3, 1))}).save(tmp_path)
    Trace(events=[token(1)]).save(tmp_path)
    loaded = load_trace(tmp_path)
    assert (loaded.events, loaded.arrays) == ([token(1)], {})


def test_nothing_is_pickled(tmp_path):
    """Arrays of objects are refused when saving, and never unpickled when loading."""
    with pytest.raises(ValueError, match="allow_pickle=False"):
        Trace(arrays={"keys": np.array([object()])}).save(tmp_path)
    folder = Trace(events=[token(0)]).save(tmp_path)
    np.savez(folder / "trace.npz", keys=np.array([{}]))
    with pytest.raises(
        ValueError, match=r"trace\.npz does not hold a trace's arrays: 'keys' is no plain array"
    ):
        load_trace(folder)


HEAD = '{"type": "trace", "schema": 1}\n'
WRONG = '{"type": "token", "step": 1, "id": 2, "text": "a", "position": '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a trace of schema 1: it begins with ''"),
        ("hello", "it begins with 'hello'"),
        ('{"type": "trace", "schema": 2}\n', "is not a trace of schema 1"),
        (WRONG + "3}\n", "is not a trace of schema 1"),
        (HEAD + "oops\n" + WRONG + "3}\n", r"trace\.jsonl:2 is not JSON"),
        (HEAD + "[1]\n", r"trace\.jsonl:2 is not a JSON object"),
        (
            HEAD + '{"type": "magic"}\n',
            r"trace\.jsonl:2: unknown event type 'magic'; known: calibration, error, finish",
        ),
        (HEAD + '{"type": ["token"]}\n', "unknown event type"),
        (HEAD + '{"type": "token", "step": 1}\n', "event 'token' is incomplete: .*'id'"),
        (HEAD + WRONG + '3, "x": 1}\n', r"event 'token' has unknown fields \['x'\]"),
        (HEAD + WRONG + '"<b>"}\n', r"event 'token': position must be <class 'int'>, got '<b>'"),
        (HEAD + WRONG + "true}\n", "position must be"),
        (HEAD + WRONG + "1" * 5000 + "}\n", "is not JSON"),
        (HEAD + WRONG + "1" * 4000 + "}\n", "position must be <class 'int'>, got 1111"),
        (HEAD + "[" * 100_000 + "\n", "is not JSON"),
        (
            HEAD + '{"type": "revoke", "step": 1, "time_s": "now"}\n',
            r"event 'revoke': time_s must be float \| None",
        ),
        (HEAD + '{"type": "spawn", "trigger": [1, 2, 3]}\n', "event 'spawn': trigger must be"),
        (
            HEAD + '{"type": "influence", "kl": [1, "2"]}\n',
            r"event 'influence': kl must be list\[float\]",
        ),
        (
            HEAD + '{"type": "influence", "kl": [1' + "0" * 400 + "]}\n",
            r"event 'influence': kl must be list\[float\]",
        ),
        (
            HEAD + '{"type": "gate", "similarities": {"raw": "x"}}\n',
            "event 'gate': similarities must be",
        ),
    ],
)
def test_what_is_no_trace_is_refused_by_file_and_line(tmp_path, text, words):
    """A stranger's file with the wrong shape raises one ValueError that says where and what."""
    (tmp_path / "trace.jsonl").write_text(text)
    with pytest.raises(ValueError, match=words):
        load_trace(tmp_path)


def test_files_that_are_no_text_are_refused(tmp_path):
    """Bytes that are no text, a broken archive and a missing file: an error of its own for each."""
    (tmp_path / "trace.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not a trace: it is not text"):
        load_trace(tmp_path)
    (tmp_path / "trace.jsonl").write_text(HEAD)
    (tmp_path / "trace.npz").write_bytes(b"PK no")
    with pytest.raises(ValueError, match="does not hold a trace's arrays"):
        load_trace(tmp_path)
    with pytest.raises(FileNotFoundError):
        load_trace(tmp_path / "nowhere" / "trace.jsonl")


def test_a_stream_of_no_snapshot_is_named():
    """A trace whose stream reads a snapshot that is not in it has no summary, and says why."""
    start = RunStart(
        step=1, model="m", checksum="c", prompt="", prompt_tokens=[], seed=0, config={}, versions={}
    )
    spawn = Spawn(step=1, stream=3, task="t", kind="task", trigger=(0, 1), version=7)
    with pytest.raises(
        ValueError, match="stream 3 reads snapshot 7, which the trace does not hold; it holds none"
    ):
        summarise(Trace(events=[start, spawn]))


def test_every_event_class_is_registered_under_its_own_name():
    """Each event class the module exports has a type of its own, and can be read back by it."""
    classes = {value for name in traces.__all__ if isinstance(value := getattr(traces, name), type)}
    events = {cls for cls in classes if issubclass(cls, Event) and cls is not Event}
    assert {cls.type: cls for cls in events} == EVENT_TYPES
    assert len(events) == len(EVENT_TYPES)


def test_the_recorder_answers_while_a_run_goes_on():
    """Events are found by class; a replay is of the events there were when it began."""
    trace = Trace(events=[token(0)])
    replayed = trace.replay()
    assert next(replayed) == token(0)
    assert trace.append(token(1)) == token(1)
    assert list(replayed) == []
    assert trace.of(Token) == [token(0), token(1)]
    assert trace.of(Influence) == []
    assert json.loads(trace.dumps().splitlines()[0]) == {"type": "trace", "schema": 1}
