"""A trace as Chrome trace events, which Perfetto's viewer and chrome://tracing open.

River and streams are tracks (threads) of a run (process): a slice per agent with a slice per token
inside, instants for what is published, judged and injected, arrows from trigger to stream and from
thought to text, counters of bytes and of streams. Times are in microseconds.

Source: Trace Event Format (Google, 2016), "JSON Object Format".
"""

from typing import Any

from warp_cortex import Memory, Publish, Revoke, Trace

from warpviz.traces.clock import Agent, TimedRun, runs_of
from warpviz.views.base.wire import clean

RIVER = 0  # the River's track; stream s has track s + 1
MOST_NAME = 120  # characters of a slice's name; the whole text is among its arguments


def perfetto(trace: Trace) -> dict[str, Any]:
    """Return the trace as an object for `json.dump`.

    Raises:
        ValueError: the trace holds no run.
    """
    runs = runs_of(trace.events)
    events: list[dict[str, Any]] = []
    for number, run in enumerate(runs, start=1):
        events += _tracks(run, number)
        for agent in run.agents:
            events += _agent(agent, number, run)
        events += _moments(run, number)
    first = runs[0].start
    about = {
        "model": first.model,
        "seed": first.seed,
        "time": "recorded" if runs[0].has_clock else "1 ms per step",
    }
    made: dict[str, Any] = clean(
        {"traceEvents": events, "displayTimeUnit": "ms", "otherData": about}
    )
    return made


def _track(agent: Agent) -> int:
    return RIVER if agent.stream is None else agent.stream + 1


def _us(nanoseconds: int) -> float:
    return nanoseconds / 1000


def _tracks(run: TimedRun, pid: int) -> list[dict[str, Any]]:
    def named(kind: str, tid: int, **args: Any) -> dict[str, Any]:
        return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "ts": 0, "args": args}

    found = [named("process_name", RIVER, name=f"run {pid}: {run.start.model}")]
    for agent in run.agents:
        tid = _track(agent)
        name = "River" if agent.spawn is None else f"stream {agent.stream}: {agent.spawn.task}"
        found.append(named("thread_name", tid, name=name[:MOST_NAME]))
        found.append(named("thread_sort_index", tid, sort_index=tid))
    return found


def _agent(agent: Agent, pid: int, run: TimedRun) -> list[dict[str, Any]]:
    tid = _track(agent)
    place = {"pid": pid, "tid": tid}
    args: dict[str, Any] = {"text": agent.text, "reason": agent.reason}
    if agent.spawn is None:
        args |= {"prompt_tokens": len(run.start.prompt_tokens)}
        name = "River"
    else:
        args |= {"task": agent.spawn.task, "snapshot": agent.spawn.version}
        name = agent.spawn.task
    if agent.gate is not None:
        args |= {
            "accepted": agent.gate.accepted,
            "similarity": agent.gate.similarity,
            "theta": agent.gate.threshold,
        }
    whole = {
        "ph": "X",
        "cat": "agent",
        "name": name[:MOST_NAME],
        "ts": _us(agent.begin),
        "dur": _us(agent.end - agent.begin),
        "args": args,
        **place,
    }
    tokens = [
        {
            "ph": "X",
            "cat": "token",
            "name": text or "\u2423",
            "ts": _us(begin),
            "dur": _us(end - begin),
            **place,
        }
        for begin, end, text in agent.pieces
    ]
    return [whole, *tokens, *_arrows(agent, pid, run)]


def _arrows(agent: Agent, pid: int, run: TimedRun) -> list[dict[str, Any]]:
    """Return what joins a stream to the River: its trigger, its verdict, its injection."""
    if agent.stream is None:
        return []
    tid = _track(agent)

    def arrow(name: str, *, from_: tuple[int, int], to: tuple[int, int]) -> list[dict[str, Any]]:
        shared = {"cat": name, "name": name, "pid": pid, "id": f"{pid}.{name}.{agent.stream}"}
        begin = {**shared, "ph": "s", "tid": from_[0], "ts": _us(from_[1])}
        return [begin, {**shared, "ph": "f", "bp": "e", "tid": to[0], "ts": _us(to[1])}]

    found = arrow("spawn", from_=(RIVER, agent.begin), to=(tid, agent.begin))
    if agent.gate is not None:
        found.append(
            {
                "ph": "i",
                "s": "t",
                "cat": "gate",
                "name": "accepted" if agent.gate.accepted else "rejected",
                "ts": _us(agent.gate_at),
                "pid": pid,
                "tid": tid,
                "args": {"similarity": agent.gate.similarity, "theta": agent.gate.threshold},
            }
        )
    if agent.inject is not None:
        entered = min(agent.inject_at, run.end)
        found += arrow("inject", from_=(tid, agent.end), to=(RIVER, entered))
    return found


def _moments(run: TimedRun, pid: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for at, event in run.timed:
        place = {"pid": pid, "tid": RIVER, "ts": _us(at)}
        if isinstance(event, Publish):
            args = {"version": event.version, "policy": event.policy, "k": len(event.landmarks)}
            name = f"publish {event.version}"
            found.append(
                {"ph": "i", "s": "t", "cat": "synapse", "name": name, "args": args, **place}
            )
        elif isinstance(event, Revoke):
            name = f"revoke {event.injection}"
            found.append({"ph": "i", "s": "t", "cat": "inject", "name": name, "args": {}, **place})
        elif isinstance(event, Memory):
            held = {
                "River": event.river_kv,
                "shared landmarks": event.shared_kv,
                "private to streams": event.private_kv,
            }
            found.append({"ph": "C", "name": "bytes", "args": held, **place})
            streams = {"thinking": event.num_streams}
            found.append({"ph": "C", "name": "streams", "args": streams, **place})
    return found
