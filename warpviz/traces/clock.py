"""When each event of a run happened: by the clock that it recorded, or by its steps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from warp_cortex import (
    Event,
    Finish,
    GateDecision,
    Inject,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Token,
)

from warpviz.live.beats import Beats

STEP_NS = 1_000_000  # of a run without a clock, whose time is counted in steps


@dataclass(slots=True)
class Agent:
    """The River (`stream` None) or one stream: when it began and ended, and what it wrote.

    Times are nanoseconds since the run's begin. `pieces` are (begin, end, text) of each token.
    """

    stream: int | None
    begin: int
    end: int
    spawn: Spawn | None = None
    thought: Thought | None = None
    gate: GateDecision | None = None
    gate_at: int = 0
    inject: Inject | None = None
    inject_at: int = 0
    reason: str = ""
    pieces: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What it wrote."""
        return "".join(text for _, _, text in self.pieces)


@dataclass(slots=True)
class TimedRun:
    """One run of a trace: its header, its agents (the River first), its events with their times.

    `has_clock` is False where a step stands for a millisecond.
    """

    start: RunStart
    has_clock: bool
    agents: list[Agent]
    timed: list[tuple[int, Event]]

    @property
    def end(self) -> int:
        """Nanoseconds from its begin to its last event."""
        return max(agent.end for agent in self.agents)


def runs_of(events: Sequence[Event]) -> list[TimedRun]:
    """Return the runs of a trace, each with its agents.

    Raises:
        ValueError: the trace holds no run.
    """
    parts: list[list[Event]] = []
    for event in events:
        if isinstance(event, RunStart):
            parts.append([])
        if parts:
            parts[-1].append(event)
    if not parts:
        msg = "the trace holds no run: no event of type 'run'"
        raise ValueError(msg)
    return [_run(part) for part in parts]


def _run(events: Sequence[Event]) -> TimedRun:
    start = events[0]
    assert isinstance(start, RunStart)
    has_clock = all(event.time_s is not None for event in events)
    timed = list(_timed(events, has_clock=has_clock))
    river = Agent(None, 0, 0)
    agents: dict[int | None, Agent] = {None: river}
    for at, event in timed:
        river.end = max(river.end, at)
        _take(agents, at, event)
    return TimedRun(start, has_clock, list(agents.values()), timed)


def _timed(events: Sequence[Event], *, has_clock: bool) -> Iterator[tuple[int, Event]]:
    beats = Beats()
    first = events[0].time_s or 0.0
    for event in events:
        beat = beats.advance(event)
        yield round((event.time_s - first) * 1e9) if has_clock else beat * STEP_NS, event  # type: ignore[operator]  # a clock gives every event a time


def _take(agents: dict[int | None, Agent], at: int, event: Event) -> None:
    stream = getattr(event, "stream", None)
    agent = agents.get(stream)
    if isinstance(event, Spawn):
        agents[stream] = Agent(stream, at, at, spawn=event)
        return
    if agent is None:
        return
    if isinstance(event, (Token, StreamToken)):
        last = agent.pieces[-1][1] if agent.pieces else agent.begin
        agent.pieces.append((min(last, at), at, event.text))
    elif isinstance(event, Thought):
        agent.thought = event
    elif isinstance(event, GateDecision):
        agent.gate = event
        agent.gate_at = at
    elif isinstance(event, Inject):
        agent.inject = event
        agent.inject_at = at
        return  # the stream has ended before its thought enters the River
    elif isinstance(event, Finish):
        agent.reason = event.reason
    if stream is not None or isinstance(event, (Token, Finish)):
        agent.end = max(agent.end, at)
