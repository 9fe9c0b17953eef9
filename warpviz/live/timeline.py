"""Folds a run's trace events into the state at any moment: appending is O(1) amortised, seeking is
bounded.

The columns only ever grow, and every entry is stamped with the index of its event, so the past is a
prefix of the present. What does shrink (which streams are alive, the counts) is small and copied
every `STRIDE` events.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from warp_cortex import (
    Event,
    Failure,
    Finish,
    GateDecision,
    Influence,
    Inject,
    Memory,
    Publish,
    Revoke,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Token,
)

from warpviz.live.beats import Beats
from warpviz.live.counts import Counts
from warpviz.live.stream_card import NEVER, Phase, StreamCard

STRIDE = 256
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class RunState:
    """A run after its first `cursor` events.

    `active` and `closed` are stream numbers, `closed` latest first; `theta` is the threshold of the
    latest decision, else the one in the run's settings; `ended` says why the River closed, None
    while it flows.
    """

    cursor: int
    beat: int
    step: int
    num_prompt_tokens: int
    num_river_tokens: int
    tally: Counts
    active: tuple[int, ...]
    closed: tuple[int, ...]
    theta: float | None
    version: int | None
    landmarks: tuple[int, ...]
    memory: Memory | None
    ended: str | None


class Timeline:
    """A run's events and what they add up to; `at(cursor)` is the state after the first `cursor` of
    them.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.beats: list[int] = []
        self.lanes: dict[int, StreamCard] = {}
        self.start: RunStart | None = None
        self.token_at: list[int] = []
        self.tokens: list[str] = []
        self.publish_at: list[int] = []
        self.memory_at: list[int] = []
        self.closed_at: list[int] = []
        self.closed: list[int] = []
        self.gate_at: list[int] = []
        self.influence_at: list[int] = []
        self.ended_at = NEVER
        self._head = Counts()
        self._kept = [Counts()]
        self._clock = Beats()
        self._injections: dict[int, StreamCard] = {}
        self.extend(events)

    def __len__(self) -> int:
        return len(self.events)

    @property
    def tally(self) -> Counts:
        """Return the counts after all events."""
        return self._head.copy()

    def extend(self, events: Iterable[Event]) -> int:
        """Append events in order; return how many there are now."""
        for event in events:
            self.append(event)
        return len(self.events)

    def append(self, event: Event) -> None:
        """Fold one more event in."""
        index = len(self.events)
        self.beats.append(self._clock.advance(event))
        self.events.append(event)
        was_alive = len(self._head.alive)
        self._head.apply(event)
        self._file(event, index)
        if len(self._head.alive) < was_alive:
            self.closed_at.append(index)
            self.closed.append(event.stream)  # type: ignore[attr-defined]  # only events with a stream close one
        if len(self.events) % STRIDE == 0:
            self._kept.append(self._head.copy())

    def _lane(self, stream: int) -> StreamCard:
        return self.lanes.setdefault(stream, StreamCard(stream))

    def _file(self, event: Event, index: int) -> None:
        match event:
            case RunStart():
                self.start = self.start or event
            case Token():
                self.token_at.append(index)
                self.tokens.append(event.text)
            case Publish():
                self.publish_at.append(index)
            case Memory():
                self.memory_at.append(index)
            case Influence():
                self.influence_at.append(index)
            case Finish(stream=None):
                self.ended_at = min(self.ended_at, index)
            case _:
                self._file_lane(event, index)

    def _file_lane(self, event: Event, index: int) -> None:
        match event:
            case Spawn():
                lane = self._lane(event.stream)
                lane.task = event.task
                lane.kind = event.kind
                lane.trigger = event.trigger
                lane.version = event.version
                lane.focus = event.focus
                lane.spawned_at = index
            case StreamToken():
                lane = self._lane(event.stream)
                lane.token_at.append(index)
                lane.tokens.append(event.text)
            case Thought():
                lane = self._lane(event.stream)
                lane.thought = event.text
                lane.reason = event.reason
                lane.thought_at = index
            case GateDecision():
                self.gate_at.append(index)
                lane = self._lane(event.stream)
                lane.accepted = event.accepted
                lane.similarity = event.similarity
                lane.threshold = event.threshold
                lane.scorer = event.scorer
                lane.gated_at = index
            case Inject():
                lane = self._injections[event.injection] = self._lane(event.stream)
                lane.injection = event.injection
                lane.injected_at = index
            case Revoke() if event.injection in self._injections:
                self._injections[event.injection].revoked_at = index
            case Failure(stream=int(stream)):
                lane = self._lane(stream)
                lane.failure = event.message
                lane.failed_at = index
            case Finish(stream=int(stream)):
                lane = self._lane(stream)
                lane.finish_reason = event.reason
                lane.finished_at = index

    def at(self, cursor: int) -> RunState:
        """Return the state after the first `cursor` events; beyond either end is the end."""
        cursor = max(0, min(cursor, len(self.events)))
        tally = self._kept[cursor // STRIDE].copy()
        for event in self.events[cursor // STRIDE * STRIDE : cursor]:
            tally.apply(event)
        last = self.events[cursor - 1] if cursor else None
        publish = self._latest(self.publish_at, cursor, Publish)
        ended = self.events[self.ended_at] if self.ended_at < cursor else None
        num_closed = bisect_left(self.closed_at, cursor)
        return RunState(
            cursor=cursor,
            beat=self.beats[cursor - 1] if cursor else 0,
            step=last.step if last else 0,
            num_prompt_tokens=len(self.start.prompt_tokens) if self.start and cursor else 0,
            num_river_tokens=bisect_left(self.token_at, cursor),
            tally=tally,
            active=tuple(tally.alive),
            closed=tuple(reversed(self.closed[:num_closed])),
            theta=self.theta(cursor),
            version=publish.version if publish else None,
            landmarks=tuple(publish.landmarks) if publish else (),
            memory=self._latest(self.memory_at, cursor, Memory),
            ended=ended.reason if isinstance(ended, Finish) else None,
        )

    def _latest(self, column: list[int], cursor: int, cls: type[E]) -> E | None:
        count = bisect_left(column, cursor)
        event = self.events[column[count - 1]] if count else None
        return event if isinstance(event, cls) else None

    def theta(self, cursor: int) -> float | None:
        """Return the gate's threshold after the first `cursor` events."""
        decision = self._latest(self.gate_at, cursor, GateDecision)
        if decision is not None:
            return decision.threshold
        gate = self.start.config.get("gate", {}) if self.start and cursor > 0 else {}
        theta = gate.get("theta") if isinstance(gate, dict) else None
        return float(theta) if isinstance(theta, (int, float)) else None

    def text(self, cursor: int) -> str:
        """Return the River's visible text after the first `cursor` events: the prompt and what it
        wrote.
        """
        prompt = "".join(self.start.prompt_tokens) if self.start and cursor else ""
        return prompt + "".join(self.tokens[: bisect_left(self.token_at, cursor)])

    def phase(self, stream: int, cursor: int) -> Phase:
        """Return a stream's phase after the first `cursor` events."""
        lane = self.lanes.get(stream)
        return lane.phase(cursor) if lane else Phase.UNBORN

    def cursor_of_beat(self, beat: int) -> int:
        """Return how many events have happened by the end of `beat`."""
        return bisect_right(self.beats, beat)
