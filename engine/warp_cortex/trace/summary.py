"""A run as one JSON-ready dict, from its trace alone; `warpviz run --json` prints it."""

from typing import Any

from warp_cortex.trace.council import council, ends_of
from warp_cortex.trace.trace import (
    Finish,
    GateDecision,
    Inject,
    Memory,
    Publish,
    RunStart,
    Spawn,
    Thought,
    Token,
    Trace,
)


def summarise(trace: Trace, *, num_dropped: int = 0) -> dict[str, Any]:
    """Return the run's model, texts, council, streams, injections, snapshots and peak bytes.

    num_dropped: tasks that the Router dropped over a cap; the trace does not hold them.

    Raises:
        ValueError: the trace holds no run, or a stream reads a snapshot that is not in the trace.
    """
    starts = trace.of(RunStart)
    if not starts:
        msg = "the trace holds no run; call run(prompt) first"
        raise ValueError(msg)
    tokens = trace.of(Token)
    ends = [event for event in trace.of(Finish) if event.stream is None]
    return {
        "model": starts[-1].model,
        "checksum": starts[-1].checksum,
        "seed": starts[-1].seed,
        "prompt_tokens": len(starts[-1].prompt_tokens),
        "river_text": "".join(token.text for token in tokens),
        "river_tokens": len(tokens),
        "river_end": ends[-1].reason if ends else "cut short",
        **council(trace, num_dropped=num_dropped),
        "streams": _streams(trace),
        "injections": [
            {
                "id": e.injection,
                "stream": e.stream,
                "step": e.step,
                "text": e.text,
                "positions": e.positions,
                "anchor": e.anchor,
            }
            for e in trace.of(Inject)
        ],
        "snapshots": [
            {
                "version": e.version,
                "step": e.step,
                "policy": e.policy,
                "landmarks": e.landmarks,
                "radius": e.radius,
                "bytes": e.shared_bytes,
            }
            for e in trace.of(Publish)
        ],
        "bytes": _peak_bytes(trace),
    }


def _streams(trace: Trace) -> list[dict[str, Any]]:
    landmarks = {event.version: event.landmarks for event in trace.of(Publish)}
    thoughts = {event.stream: event for event in trace.of(Thought)}
    gates = {event.stream: event for event in trace.of(GateDecision)}
    ends = ends_of(trace)
    rows = []
    for spawn in trace.of(Spawn):
        if spawn.version not in landmarks:
            held = ", ".join(map(str, landmarks)) or "none"
            msg = (
                f"stream {spawn.stream} reads snapshot {spawn.version}, "
                f"which the trace does not hold; it holds {held}"
            )
            raise ValueError(msg)
        thought = thoughts.get(spawn.stream)
        gate = gates.get(spawn.stream)
        rows.append(
            {
                "id": spawn.stream,
                "task": spawn.task,
                "kind": spawn.kind,
                "why": spawn.why,
                "step": spawn.step,
                "thought": thought.text if thought else None,
                "reason": thought.reason if thought else "unfinished",
                "similarity": gate.similarity if gate else None,
                "accepted": gate.accepted if gate else False,
                "end": ends[spawn.stream],
                "landmarks": len(landmarks[spawn.version]) + len(spawn.focus),
                "snapshot": spawn.version,
            }
        )
    return rows


def _peak_bytes(trace: Trace) -> dict[str, int]:
    """Return the most bytes that each owner held during the run."""
    events = trace.of(Memory)
    return {
        name: max((getattr(event, name) for event in events), default=0)
        for name in ("weights", "river_kv", "shared_kv", "private_kv", "evidence")
    }
