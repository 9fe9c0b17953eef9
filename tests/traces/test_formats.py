"""Traces in the formats of other tools: valid by their schemas, and the run's own numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from warp_cortex import GateDecision, Inject, Spawn, Token, Trace

from tests.views.fabricated import HOSTILE, fabricate
from warpviz.cli import main
from warpviz.traces.clock import STEP_NS, runs_of
from warpviz.traces.otel import otel
from warpviz.traces.perfetto import perfetto

SCHEMAS = Path(__file__).parent / "schemas"
TRACE = fabricate(num_streams=6, num_tokens=80)


def timed(trace: Trace) -> Trace:
    """Return the trace as a concurrent run records it: with seconds since its begin."""
    events = [replace(event, time_s=0.02 * at) for at, event in enumerate(trace.events)]
    return Trace(events=events, arrays=trace.arrays)


TRACES = {
    "steps": TRACE,
    "clock": timed(TRACE),
    "hostile": fabricate(num_streams=len(HOSTILE), num_tokens=120, hostile=True),
    "crowd": fabricate(num_streams=60, num_tokens=60),
    "two runs": Trace(events=[*TRACE.events, *fabricate(seed=1).events]),
    "cut short": Trace(events=TRACE.events[:60]),
    "header": Trace(events=TRACE.events[:1]),
}


def schema(name: str) -> jsonschema.protocols.Validator:
    """Return the validator of a format."""
    text = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def strict(made: dict[str, Any]) -> dict[str, Any]:
    """Return what a reader of the file gets; NaN and lone surrogates are refused."""
    text = json.dumps(made, ensure_ascii=False, allow_nan=False)
    found: dict[str, Any] = json.loads(text.encode("utf-8"))
    return found


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_chrome_trace_events_are_valid(trace: Trace) -> None:
    """By the schema; tokens lie inside their agent's slice, and arrows have both their ends."""
    made = strict(perfetto(trace))
    schema("perfetto").validate(made)
    events = made["traceEvents"]
    for agent in (e for e in events if e.get("cat") == "agent"):
        place = (agent["pid"], agent["tid"])
        for token in events:
            if token.get("cat") == "token" and (token["pid"], token["tid"]) == place:
                assert agent["ts"] <= token["ts"]
                assert token["ts"] + token["dur"] <= agent["ts"] + agent["dur"] + 1e-6
    ends = [[e["id"] for e in events if e["ph"] == ph] for ph in "sf"]
    assert ends[0] == ends[1]
    assert len(set(ends[0])) == len(ends[0])


@pytest.mark.parametrize("trace", TRACES.values(), ids=TRACES)
def test_spans_are_valid(trace: Trace) -> None:
    """By the schema; ids are distinct, every stream has the River for a parent and lies within the
    trace, links name spans that are there.
    """
    made = strict(otel(trace, began_s=1_700_000_000.0))
    schema("otlp").validate(made)
    (scope,) = made["resourceSpans"][0]["scopeSpans"]
    spans = scope["spans"]
    ids = [span["spanId"] for span in spans]
    assert len(set(ids)) == len(ids)
    for span in spans:
        assert span.get("parentSpanId", ids[0]) in ids
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        assert all(link["spanId"] in ids for link in span.get("links", []))
        for event in span["events"]:
            assert int(span["startTimeUnixNano"]) <= int(event["timeUnixNano"])
    assert sum("parentSpanId" not in span for span in spans) == len(runs_of(trace.events))


def test_the_numbers_are_the_run_s() -> None:
    """Tokens, tasks, verdicts and injections of both forms are those of the trace."""
    spawned = TRACE.of(Spawn)
    verdicts = {e.stream: e.accepted for e in TRACE.of(GateDecision)}
    events = perfetto(TRACE)["traceEvents"]
    agents = {e["tid"]: e for e in events if e.get("cat") == "agent"}
    assert len(agents) == 1 + len(spawned)
    assert agents[0]["args"]["text"] == "".join(e.text for e in TRACE.of(Token))
    for spawn in spawned:
        assert agents[spawn.stream + 1]["args"]["task"] == spawn.task
        assert agents[spawn.stream + 1]["args"]["accepted"] == verdicts[spawn.stream]
    arrows = [e for e in events if e["ph"] == "s" and e["cat"] == "inject"]
    assert len(arrows) == len(TRACE.of(Inject))
    river, *streams = otel(TRACE)["resourceSpans"][0]["scopeSpans"][0]["spans"]
    values = {a["key"]: next(iter(a["value"].values())) for a in river["attributes"]}
    assert values["gen_ai.operation.name"] == "invoke_agent"
    assert int(values["gen_ai.usage.output_tokens"]) == len(TRACE.of(Token))
    assert values["gen_ai.response.finish_reasons"]["values"] == [{"stringValue": "max_tokens"}]
    assert len(river["links"]) == len(TRACE.of(Inject))
    labels = [
        a["value"]["stringValue"]
        for span in streams
        for event in span["events"]
        for a in event["attributes"]
        if a["key"] == "gen_ai.evaluation.score.label"
    ]
    assert [label == "accepted" for label in labels] == list(verdicts.values())


def test_time_is_the_clock_s_or_the_steps() -> None:
    """A run with a clock keeps it; of another a step takes a millisecond, and both forms say so."""
    (steps,) = runs_of(TRACE.events)
    assert not steps.has_clock
    assert steps.end % STEP_NS == 0
    assert perfetto(TRACE)["otherData"]["time"] == "1 ms per step"
    (clock,) = runs_of(timed(TRACE).events)
    assert clock.has_clock
    assert clock.end == pytest.approx(0.02e9 * (len(TRACE.events) - 1), rel=1e-6)


def test_the_same_trace_gives_the_same_file() -> None:
    """Ids are digests, not random."""
    assert otel(TRACE) == otel(TRACE)
    with pytest.raises(ValueError, match="the trace holds no run"):
        perfetto(Trace())


@pytest.mark.parametrize(("form", "name"), [("perfetto", "perfetto"), ("otel", "otlp")])
def test_the_command_writes_a_file_beside_the_trace(
    form: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It takes the folder or the file, prints where it wrote, and refuses in one line."""
    folder = TRACE.save(tmp_path / "run")
    for given in (folder, folder / "trace.jsonl"):
        assert main(["export", str(given), "--as", form]) == 0
        path = Path(capsys.readouterr().out.strip())
        assert path == folder / f"run.{form}.json"
        schema(name).validate(json.loads(path.read_text(encoding="ascii")))
    assert main(["export", str(folder), "--as", form, "--out", str(tmp_path / "x.json")]) == 0
    assert (tmp_path / "x.json").is_file()
    assert main(["export", str(tmp_path / "none"), "--as", form]) == 2
    assert "No such file" in capsys.readouterr().err
