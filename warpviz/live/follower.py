"""Carries a running engine's events to the views: one thread per run, which reads the trace as it
grows.

The trace is complete at any time and only ever grows, so there is no queue that could overflow: a
slow view gets more events at once.
"""

import threading
import time
from collections.abc import Callable, Sequence

from warp_cortex import Event

from warpviz.live.engine_thread import EngineThread

PERIOD_S = 0.025
GATHER_S = 0.006  # after the first event of a beat, the time for its others: they are told together
PATIENCE_S = 0.1  # without any event, the status is looked at this often
Sink = Callable[[Sequence[Event], str], None]
"""Takes the events since the last call and the run's status."""


class Follower:
    """Calls every sink with new events at most every `period_s` seconds until the run has ended.

    A sink that raises is dropped and its error kept in `errors`: one broken view never holds up
    another.
    """

    def __init__(self, run: EngineThread, *, period_s: float = PERIOD_S) -> None:
        self.run = run
        self.errors: list[Exception] = []
        self._period_s = period_s
        self._lock = threading.Lock()
        self._sinks: dict[Sink, int] = {}
        self._told: dict[Sink, str] = {}
        self._closed = threading.Event()
        self._fresh = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, name=f"warpviz-follow-{run.name}", daemon=True
        )

    def add(self, sink: Sink) -> None:
        """Let a sink have every event from the run's beginning on."""
        with self._lock:
            self._sinks[sink] = 0

    def remove(self, sink: Sink) -> None:
        """Stop telling a sink; unknown ones are ignored."""
        with self._lock:
            self._sinks.pop(sink, None)
            self._told.pop(sink, None)

    def start(self) -> "Follower":
        """Begin to follow."""
        self.run.taps.append(self._notice)
        self._thread.start()
        return self

    def close(self, timeout_s: float = 2.0) -> bool:
        """Stop following and join; return whether the thread has ended. The run itself goes on."""
        self._closed.set()
        self._fresh.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the run has ended and every sink has all of it; return whether that is so."""
        if self._thread.ident is None or threading.current_thread() is self._thread:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def tell(self) -> None:
        """Give every sink what is new now."""
        status = self.run.status
        events = self.run.trace.events
        with self._lock:
            pending = [
                (sink, done)
                for sink, done in self._sinks.items()
                if done < len(events) or self._told.get(sink) != status
            ]
        for sink, done in pending:
            fresh = events[done:]
            try:
                sink(fresh, status)
            except Exception as error:
                self.errors.append(error)
                self.remove(sink)
                continue
            with self._lock:
                if sink in self._sinks:
                    self._sinks[sink] = done + len(fresh)
                    self._told[sink] = status

    def _notice(self, event: Event) -> None:
        """Called by the engine's thread: there is something to tell."""
        del event
        if not self._fresh.is_set():
            self._fresh.set()

    def _loop(self) -> None:
        try:
            while not self._closed.is_set():
                over = self.run.status != "new" and self.run.join(0)
                self._fresh.clear()
                self.tell()
                told = time.monotonic()
                if over:
                    return
                self._fresh.wait(PATIENCE_S)
                self._closed.wait(max(GATHER_S, told + self._period_s - time.monotonic()))
        finally:
            self.run.taps.remove(self._notice)
