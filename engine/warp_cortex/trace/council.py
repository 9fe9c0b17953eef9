"""What became of a run's streams, from its trace alone: their ends, and why none opened."""

from collections import Counter
from typing import Any

from warp_cortex.trace.trace import (
    Calibration,
    Failure,
    Finish,
    GateDecision,
    RunStart,
    Spawn,
    Token,
    Trace,
)

# what a run of 0.1, whose settings name no trigger, watched for
FIRST_TRIGGERS = ("bracket", "phrase")
NEEDS_NO_WORDS = ("sentence", "uncertain", "schedule")


def council(trace: Trace, *, num_dropped: int = 0) -> dict[str, Any]:
    """Return the JSON-ready facts of a run's council.

    num_dropped: tasks that the Router dropped over a cap, which the trace does not hold.

    voice: the name of the voice, None for a run of 0.1. triggers: what opens streams. scorer and
    theta: of the Gate; a scorer of "off" lets everything pass, and theta is the number used last,
    None if there was none. calibrated: whether
    the run measured it. share: which share of the strangers theta accepts, None if none were read.
    streams_by_kind, streams_by_end: how many. why_no_stream: None if one opened.
    """
    spawns = trace.of(Spawn)
    calibrations = trace.of(Calibration)
    gate = _part(trace, "gate")
    theta = theta_used(trace)
    scorer = calibrations[-1].scorer if calibrations else gate.get("scorer")
    known = calibrations[-1].similarities.get(scorer, []) if calibrations else []
    if not gate.get("enabled", True):
        scorer = "off"
    measures = theta is not None and bool(known)
    voice = _settings(trace).get("voice")
    ends = ends_of(trace)
    return {
        "voice": voice.get("name") if isinstance(voice, dict) else voice,
        "triggers": list(triggers_of(trace)),
        "scorer": scorer,
        "theta": theta,
        "calibrated": bool(calibrations),
        "share": sum(value >= theta for value in known) / len(known) if measures else None,
        "streams_by_kind": dict(Counter(spawn.kind for spawn in spawns)),
        "streams_by_end": dict(Counter(ends[spawn.stream] for spawn in spawns)),
        "num_dropped": num_dropped,
        "why_no_stream": why_no_stream(trace, num_dropped=num_dropped),
    }


def theta_used(trace: Trace) -> float | None:
    """Return the Gate's threshold: the last one used, else the one measured, else the one set."""
    decisions = trace.of(GateDecision)
    if decisions:
        return float(decisions[-1].threshold)
    calibrations = trace.of(Calibration)
    if calibrations:
        return float(calibrations[-1].theta)
    theta = _part(trace, "gate").get("theta")
    return float(theta) if isinstance(theta, int | float) else None


def triggers_of(trace: Trace) -> tuple[str, ...]:
    """Return what opened streams in a run; nothing if its Router was off."""
    router = _part(trace, "router")
    if not router.get("enabled", True):
        return ()
    named = router.get("triggers") or FIRST_TRIGGERS
    return tuple(name for name in named if name != "phrase" or router.get("implicit", True))


def ends_of(trace: Trace) -> dict[int, str]:
    """Return how every stream ended, by stream.

    "accepted" or "rejected" by the Gate; "failed"; "unfinished"; else why its text was no thought:
    "empty", "nothing to add", "repeats its task".
    """
    ends = {event.stream: "unfinished" for event in trace.of(Spawn)}
    for event in trace.events:
        match event:
            case GateDecision():
                ends[event.stream] = "accepted" if event.accepted else "rejected"
            case Failure(stream=int(stream)) if ends.get(stream) == "unfinished":
                ends[stream] = "failed"
            case Finish(stream=int(stream)) if ends.get(stream) == "unfinished":
                ends[stream] = event.reason
    return ends


def why_no_stream(trace: Trace, *, num_dropped: int = 0) -> str | None:
    """Return why no stream opened and what would open one; None if one did."""
    if trace.of(Spawn):
        return None
    router = _part(trace, "router")
    if not router.get("enabled", True):
        return "the Router was off; a run with router.enabled=True opens streams"
    if router.get("max_streams", 1) == 0:
        return "0 streams were allowed; allow more (--streams, router.max_streams)"
    written = len(trace.of(Token))
    if not written:
        return "the River wrote no token, and streams answer to what it writes"
    triggers = triggers_of(trace)
    named = ", ".join(triggers) or "none"
    if num_dropped:
        return (
            f"the triggers ({named}) fired and a cap dropped all {num_dropped} tasks; "
            "raise router.max_rate or router.max_streams"
        )
    missing = [name for name in NEEDS_NO_WORDS if name not in triggers]
    advice = (
        f"add --trigger {','.join(missing)}, which need no words of the River"
        if missing
        else "let the River write more (--max-tokens) or ask a question (cortex.ask)"
    )
    return f"the triggers ({named}) did not fire in {written} tokens; {advice}"


def _settings(trace: Trace) -> dict[str, Any]:
    starts = trace.of(RunStart)
    return starts[-1].config if starts else {}


def _part(trace: Trace, name: str) -> dict[str, Any]:
    """Return one part of a run's settings; a trace from elsewhere may hold anything there."""
    part = _settings(trace).get(name)
    return part if isinstance(part, dict) else {}
