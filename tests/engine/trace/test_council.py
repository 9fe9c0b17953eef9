"""What a trace says of its council: the gate, how streams ended, and why none opened."""

from typing import Any

import pytest
from warp_cortex import (
    Calibration,
    Failure,
    Finish,
    GateDecision,
    Publish,
    RunStart,
    Spawn,
    Thought,
    Token,
    Trace,
    summarise,
    why_no_stream,
)

ENDS = ("accepted", "rejected", "empty", "failed", "unfinished")


def start(**config: Any) -> RunStart:
    """Return the header of a run with some settings."""
    return RunStart(
        step=1,
        model="m",
        checksum="0",
        prompt="a",
        prompt_tokens=["a"],
        seed=0,
        config=config,
        versions={},
    )


def token(step: int = 2) -> Token:
    """Return the event of one written token."""
    return Token(step=step, id=1, text="b", position=step - 1)


def decision(stream: int, *, accepted: bool) -> GateDecision:
    """Return a judgement at theta .1."""
    return GateDecision(
        step=3,
        stream=stream,
        accepted=accepted,
        similarity=0.2 if accepted else 0.05,
        threshold=0.1,
        scorer="likelihood",
        similarities={},
    )


def test_a_council_in_numbers() -> None:
    """Counts by kind and by end, the theta used, and which share of strangers it accepts."""
    null = {"likelihood": [0.01, 0.02, 0.03, 0.2], "raw": [0.1, 0.2, 0.3, 0.4]}
    calibration = Calibration(step=1, scorer="likelihood", theta=0.1, share=0.25, similarities=null)
    events = [
        start(voice={"name": "chat"}, router={"triggers": ["sentence"]}, gate={"theta": "auto"}),
        Publish(
            step=1, version=1, policy="all", landmarks=[0], ranking=[0], radius=0.0, shared_bytes=1
        ),
        calibration,
    ]
    for stream in range(1, 6):
        kind = "sentence" if stream < 4 else "asked"
        events.append(
            Spawn(step=2, stream=stream, task="t", kind=kind, trigger=(0, 1), version=1, why="w")
        )
    events += [
        decision(1, accepted=True),
        Finish(step=3, stream=1, reason="stop"),
        decision(2, accepted=False),
        Thought(step=3, stream=3, text="", num_tokens=1, reason="end", vector=0),
        Finish(step=3, stream=3, reason="empty"),
        Failure(step=3, stream=4, message="broke"),
        Finish(step=3, stream=4, reason="error"),
    ]
    found = summarise(Trace(events), num_dropped=2)
    assert (found["voice"], found["triggers"], found["scorer"]) == (
        "chat",
        ["sentence"],
        "likelihood",
    )
    assert (found["theta"], found["calibrated"], found["share"]) == (0.1, True, 0.25)
    assert found["streams_by_kind"] == {"sentence": 3, "asked": 2}
    assert found["streams_by_end"] == dict.fromkeys(ENDS, 1)
    assert [row["end"] for row in found["streams"]] == list(ENDS)
    assert found["streams"][0]["why"] == "w"
    assert (found["num_dropped"], found["why_no_stream"]) == (2, None)


@pytest.mark.parametrize(
    ("router", "num_dropped", "why"),
    [
        ({"enabled": False}, 0, "the Router was off"),
        ({"max_streams": 0}, 3, "0 streams were allowed"),
        ({"triggers": None}, 0, "the triggers (bracket, phrase) did not fire in 1 tokens; add"),
        ({"implicit": False}, 0, "the triggers (bracket) did not fire"),
        ({"triggers": ["sentence", "uncertain", "schedule"]}, 0, "let the River write more"),
        ({"triggers": ["sentence"]}, 4, "a cap dropped all 4 tasks"),
    ],
)
def test_why_no_stream_opened(router: dict[str, Any], num_dropped: int, why: str) -> None:
    """The reason names what was on and what would open one."""
    said = why_no_stream(Trace([start(router=router), token()]), num_dropped=num_dropped)
    assert said is not None
    assert why in said


def test_a_trace_of_the_first_version() -> None:
    """Settings without a voice, a trigger or a calibration: None, the first triggers, its theta."""
    found = summarise(Trace([start(gate={"theta": 0.3, "scorer": "centred"}), token()]))
    assert (found["voice"], found["triggers"]) == (None, ["bracket", "phrase"])
    assert (found["theta"], found["calibrated"], found["share"]) == (0.3, False, None)
    assert "River wrote no token" in str(summarise(Trace([start()]))["why_no_stream"])
    odd = summarise(Trace([start(gate="x", router=[1], voice=3), token()]))
    assert (odd["theta"], odd["voice"]) == (None, 3)
