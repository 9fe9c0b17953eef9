"""What a run puts into its trace, in order, also from threads that take thoughts back."""

import threading
from collections.abc import Callable
from typing import TypeVar

from warp_cortex.trace.trace import Event, Finish, Inject, RunStart, Spawn, Trace

EventT = TypeVar("EventT", bound=Event)


class Record:
    """The trace of one run; any thread may add to it.

    In a concurrent run the River is ahead of the trace, which holds what the consumer has got: an
    event about an injection waits until the trace holds the injection and has come to its step.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._adding = threading.Lock()
        self._injected: set[int] = set()
        self._step = 0
        self._waiting: list[tuple[int, Event]] = []

    def add(self, event: EventT) -> EventT:
        """Add an event that the run has yielded, and what waited for it; return the event."""
        with self._adding:
            self._append(event)
            if self._waiting:
                self._let_in(lambda other: other.step <= self._step)
        return event

    def add_about(self, injection: int, event: EventT) -> EventT:
        """Add an event about an injection as soon as it fits; return it."""
        with self._adding:
            self._waiting.append((injection, event))
            self._let_in(lambda other: other.step <= self._step)
        return event

    def end(self, reason: str, stamped: Callable[[Event], Event]) -> None:
        """End what has begun and not ended: every stream that was spawned, and the River.

        reason: why it had no end of its own. stamped: gives an event its time.
        """
        with self._adding:
            self._let_in(lambda _: True)
            ended = {event.stream for event in self.trace.of(Finish)}
            opened = [event.stream for event in self.trace.of(Spawn)]
            if self.trace.of(RunStart):
                for agent in (None, *opened):
                    if agent not in ended:
                        finish = Finish(step=self._step, stream=agent, reason=reason)
                        self._append(stamped(finish))

    def _let_in(self, is_due: Callable[[Event], bool]) -> None:
        due = [
            (number, event)
            for number, event in self._waiting
            if number in self._injected and is_due(event)
        ]
        for each in due:
            self._waiting.remove(each)
            self._append(each[1])

    def _append(self, event: Event) -> None:
        self.trace.append(event)
        self._step = max(self._step, event.step)
        if isinstance(event, Inject):
            self._injected.add(event.injection)
