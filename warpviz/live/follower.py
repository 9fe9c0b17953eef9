"""Carries a running engine's events to the views, in one thread per run.

The trace only grows, so the thread reads it where it left off and needs no queue: a slow view gets
more events at once.
"""

import threading
import time
from collections.abc import Callable, Sequence

from warp_cortex import Event

from warpviz.live.engine_thread import EngineThread

PERIOD_S = 0.025
GATHER_S = 0.006  # wait so long after the first event of a beat: its others go with it
PATIENCE_S = 0.1  # without any event, the status is read this often
Sink = Callable[[Sequence[Event], str], None]
"""Called with the events since its last call and the run's status."""


class Follower:
    """Calls every sink with new events, at most every `period_s` seconds, until the run has ended.

    A sink that raises is removed and its error kept in `errors`: the other views go on.
    """

    def __init__(self, run: EngineThread, *, period_s: float = PERIOD_S) -> None:
        self.run = run
        self.errors: list[Exception] = []
        self._period_s = period_s
        self._lock = threading.Lock()
        self._sinks: dict[Sink, int] = {}
        self._statuses: dict[Sink, str] = {}  # what each sink was last called with
        self._closed = threading.Event()
        self._fresh = threading.Event()
        self._thread = threading.Thread(
            target=self._loop, name=f"warpviz-follow-{run.name}", daemon=True
        )

    def add(self, sink: Sink) -> None:
        """Add a sink; it gets every event from the run's beginning on."""
        with self._lock:
            self._sinks[sink] = 0

    def remove(self, sink: Sink) -> None:
        """Remove a sink; an unknown one is ignored."""
        with self._lock:
            self._sinks.pop(sink, None)
            self._statuses.pop(sink, None)

    def start(self) -> "Follower":
        """Start the thread."""
        self.run.taps.append(self._notice)
        self._thread.start()
        return self

    def close(self, timeout_s: float = 2.0) -> bool:
        """End and join the thread; return whether it has ended. The run goes on."""
        self._closed.set()
        self._fresh.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the run has ended and every sink has all of it; return whether it has."""
        if self._thread.ident is None or threading.current_thread() is self._thread:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def deliver(self) -> None:
        """Call every sink for which there are new events or a new status."""
        status = self.run.status
        events = self.run.trace.events
        with self._lock:
            pending = [
                (sink, done)
                for sink, done in self._sinks.items()
                if done < len(events) or self._statuses.get(sink) != status
            ]
        for sink, done in pending:
            fresh = events[done:]
            try:
                sink(fresh, status)
            except Exception as error:  # noqa: BLE001 -- one view must not stop the others
                self.errors.append(error)
                self.remove(sink)
                continue
            with self._lock:
                if sink in self._sinks:
                    self._sinks[sink] = done + len(fresh)
                    self._statuses[sink] = status

    def _notice(self, event: Event) -> None:
        """Wake the thread; this is a tap, called in the engine's thread."""
        del event
        if not self._fresh.is_set():
            self._fresh.set()

    def _loop(self) -> None:
        try:
            while not self._closed.is_set():
                over = self.run.status != "new" and self.run.join(0)
                self._fresh.clear()
                self.deliver()
                delivered = time.monotonic()
                if over:
                    return
                self._fresh.wait(PATIENCE_S)
                self._closed.wait(max(GATHER_S, delivered + self._period_s - time.monotonic()))
        finally:
            self.run.taps.remove(self._notice)
