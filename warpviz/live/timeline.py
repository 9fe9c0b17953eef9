"""Folds a run's trace events into its state after any number of them.

Columns only grow, and each entry has the index of its event: an earlier state is a prefix of a
later one. What can shrink (`Counts`) is copied every `STRIDE` events. Appending costs constant
time, reading a state at most `STRIDE` events.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from warp_cortex import (
    Calibration,
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

    `active` and `closed` are stream numbers, `closed` with the last one first. `theta` is the
    threshold of the last decision; before any the one measured, or that of the run's settings.
    `ended` is the reason why the River ended, None before.
    """

    cursor: int
    beat: int
    step: int
    num_prompt_tokens: int
    num_river_tokens: int
    counts: Counts
    active: tuple[int, ...]
    closed: tuple[int, ...]
    theta: float | None
    version: int | None
    landmarks: tuple[int, ...]
    memory: Memory | None
    ended: str | None


class Timeline:
    """A run's events in columns; `at(cursor)` is the state after the first `cursor` events."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.events: list[Event] = []
        self.beats: list[int] = []
        self.cards: dict[int, StreamCard] = {}
        self.start: RunStart | None = None
        self.token_at: list[int] = []
        self.tokens: list[str] = []
        self.publish_at: list[int] = []
        self.memory_at: list[int] = []
        self.closed_at: list[int] = []
        self.closed: list[int] = []
        self.gate_at: list[int] = []
        self.calibration_at: list[int] = []
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
    def counts(self) -> Counts:
        """Return the counts after all events."""
        return self._head.copy()

    def extend(self, events: Iterable[Event]) -> int:
        """Append events in order; return how many there are now."""
        for event in events:
            self.append(event)
        return len(self.events)

    def append(self, event: Event) -> None:
        """Add one event."""
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

    def _card(self, stream: int) -> StreamCard:
        return self.cards.setdefault(stream, StreamCard(stream))

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
            case Calibration():
                self.calibration_at.append(index)
            case Influence():
                self.influence_at.append(index)
            case Finish(stream=None):
                self.ended_at = min(self.ended_at, index)
            case _:
                self._file_stream(event, index)

    def _file_stream(self, event: Event, index: int) -> None:
        match event:
            case Spawn():
                card = self._card(event.stream)
                card.task = event.task
                card.kind = event.kind
                card.why = event.why
                card.trigger = event.trigger
                card.version = event.version
                card.focus = event.focus
                card.spawned_at = index
            case StreamToken():
                card = self._card(event.stream)
                card.token_at.append(index)
                card.tokens.append(event.text)
            case Thought():
                card = self._card(event.stream)
                card.thought = event.text
                card.reason = event.reason
                card.thought_at = index
            case GateDecision():
                self.gate_at.append(index)
                card = self._card(event.stream)
                card.accepted = event.accepted
                card.similarity = event.similarity
                card.threshold = event.threshold
                card.scorer = event.scorer
                card.gated_at = index
            case Inject():
                card = self._card(event.stream)
                self._injections[event.injection] = card
                card.injection = event.injection
                card.injected_at = index
            case Revoke() if event.injection in self._injections:
                self._injections[event.injection].revoked_at = index
            case Failure(stream=int(stream)):
                card = self._card(stream)
                card.failure = event.message
                card.failed_at = index
            case Finish(stream=int(stream)):
                card = self._card(stream)
                card.finish_reason = event.reason
                card.finished_at = index

    def at(self, cursor: int) -> RunState:
        """Return the state after the first `cursor` events, or after all if there are fewer."""
        cursor = max(0, min(cursor, len(self.events)))
        counts = self._kept[cursor // STRIDE].copy()
        for event in self.events[cursor // STRIDE * STRIDE : cursor]:
            counts.apply(event)
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
            counts=counts,
            active=tuple(counts.alive),
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
        measured = self._latest(self.calibration_at, cursor, Calibration)
        if measured is not None:
            return measured.theta
        gate = self.start.config.get("gate", {}) if self.start and cursor > 0 else {}
        theta = gate.get("theta") if isinstance(gate, dict) else None
        return float(theta) if isinstance(theta, (int, float)) else None

    def text(self, cursor: int) -> str:
        """Return the prompt and what the River had written after the first `cursor` events."""
        prompt = "".join(self.start.prompt_tokens) if self.start and cursor else ""
        return prompt + "".join(self.tokens[: bisect_left(self.token_at, cursor)])

    def phase(self, stream: int, cursor: int) -> Phase:
        """Return a stream's phase after the first `cursor` events."""
        card = self.cards.get(stream)
        return card.phase(cursor) if card else Phase.UNBORN
