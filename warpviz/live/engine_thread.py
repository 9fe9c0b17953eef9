"""Runs a cortex in a thread that can be paused, resumed, stopped and joined; one run per name.

An interrupt does not reach the thread, and a notebook cell that runs again loses its old object.
Hence a run that starts under a name stops the run that had the name, and all runs are stopped when
the interpreter ends.
"""

import atexit
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self

from warp_cortex import Event, Inject, Trace

STOP_TIMEOUT_S = 10.0
MOST_MEASURED = 32  # injections: each takes two passes over the River's text


class Engine(Protocol):
    """The part of `warp_cortex.Cortex` that a run needs."""

    trace: Trace
    theta: float

    def run(self, prompt: str) -> Iterator[Event]:
        """Yield the run's events."""

    def stop(self) -> None:
        """End the run at its next step."""

    def pause(self) -> None:
        """Hold the run before its next step."""

    def resume(self) -> None:
        """Continue a paused run."""


class EngineThread:
    """One run of `cortex` on `prompt` in its own thread; a context manager that stops it on exit.

    `status` is "new", "running", "paused", "measuring", "done", "stopped" or "failed"; `error` is
    the exception of a failed run. With `influence`, a run that ends by itself goes on to measure
    what each injected thought changed, if the engine can. Any thread may call any method at any
    time, also more than once.

    Each of `taps` is called with every event, in the engine's thread. A tap that raises is removed
    and its error kept in `tap_error`: the run goes on.
    """

    def __init__(
        self, cortex: Engine, prompt: str, *, name: str = "watch", influence: bool = True
    ) -> None:
        self.cortex = cortex
        self.prompt = prompt
        self.name = name
        self.error: BaseException | None = None
        self.tap_error: Exception | None = None
        self.taps: list[Callable[[Event], None]] = []
        # not `cortex.trace`, which is an earlier run's until this one has begun
        self._trace = Trace()
        self._influence = influence
        self._lock = threading.Lock()
        self._status = "new"
        self._asked_to_stop = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"warpviz-engine-{name}", daemon=True
        )

    @property
    def status(self) -> str:
        """The state of the run."""
        return self._status

    @property
    def is_alive(self) -> bool:
        """Whether the engine may still step."""
        return self._thread.is_alive()

    @property
    def trace(self) -> Trace:
        """The run's trace so far."""
        return self._trace

    def start(self) -> "EngineThread":
        """Begin the run, and first stop any run of the same name or of the same cortex.

        Raises:
            RuntimeError: this run was started before.
        """
        with self._lock:
            if self._status != "new":
                msg = f"the run {self.name!r} was started before; a new EngineThread runs again"
                raise RuntimeError(msg)
            self._status = "running"
        for earlier in _claim(self):
            earlier.close()
        self._thread.start()
        return self

    def pause(self) -> None:
        """Hold a running engine before its next step."""
        with self._lock:
            if self._status == "running":
                self.cortex.pause()
                self._status = "paused"

    def resume(self) -> None:
        """Continue a paused engine."""
        with self._lock:
            if self._status == "paused":
                self._status = "running"
                self.cortex.resume()

    def ask(self, question: str) -> None:
        """Open a stream for a question at the engine's next step.

        Raises:
            ValueError: the engine takes no question of this text, or none at this moment.
        """
        if self._status not in {"running", "paused"} or not hasattr(self.cortex, "ask"):
            msg = f"no engine runs that could answer; the run {self.name!r} is {self._status}"
            raise ValueError(msg)
        self.cortex.ask(question)

    def stop(self) -> None:
        """Ask the engine to end at its next step, also if it is paused, and return at once."""
        self._asked_to_stop.set()
        with self._lock:
            if self._status in {"running", "paused"}:
                self._status = "running"
                self.cortex.stop()
                self.cortex.resume()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the run to end; return whether it has."""
        if self._status == "new":
            return True
        return self._ended.wait(timeout_s)

    def close(self, timeout_s: float = STOP_TIMEOUT_S) -> bool:
        """Stop and wait at most `timeout_s` seconds; return whether the engine has ended."""
        self.stop()
        return threading.current_thread() is self._thread or self.join(timeout_s)

    def __enter__(self) -> Self:
        if self._status == "new":
            self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        status = "failed"
        try:
            for event in self.cortex.run(self.prompt):
                self._trace = self.cortex.trace
                self._tap(event)
                if self._asked_to_stop.is_set():
                    self.cortex.stop()
            self._measure()
            status = "stopped" if self._asked_to_stop.is_set() else "done"
        except Exception as error:  # noqa: BLE001 -- shown by the views; a thread has no caller
            self.error = error
        finally:
            with self._lock:
                self._status = status
            _release(self)
            self._ended.set()

    def _tap(self, event: Event) -> None:
        for tap in list(self.taps):
            try:
                tap(event)
            except Exception as error:  # noqa: BLE001 -- a tap must not end the run
                self.tap_error = error
                if tap in self.taps:
                    self.taps.remove(tap)

    def _measure(self) -> None:
        """Let the engine measure the influence of each injection; its events join the trace."""
        influence = getattr(self.cortex, "influence", None)
        if influence is None or not self._influence or self._asked_to_stop.is_set():
            return
        with self._lock:
            self._status = "measuring"
        injections = [event for event in self._trace.events if isinstance(event, Inject)]
        for event in injections[:MOST_MEASURED]:
            if self._asked_to_stop.is_set():
                return
            influence(event.injection)


_live: dict[str, EngineThread] = {}
_live_lock = threading.Lock()


def _claim(run: EngineThread) -> list[EngineThread]:
    """Take the name, and return the runs of the same name or cortex, which must end first."""
    with _live_lock:
        earlier = [
            other
            for other in _live.values()
            if other.name == run.name or other.cortex is run.cortex
        ]
        _live[run.name] = run
    return earlier


def _release(run: EngineThread) -> None:
    with _live_lock:
        if _live.get(run.name) is run:
            del _live[run.name]


def live_runs() -> dict[str, EngineThread]:
    """Return the runs that have not ended, by name."""
    with _live_lock:
        return dict(_live)


@atexit.register
def stop_all(timeout_s: float = STOP_TIMEOUT_S) -> bool:
    """Stop every live run; return whether all of them ended within `timeout_s` seconds each."""
    runs: list[Any] = list(live_runs().values())
    for run in runs:
        run.stop()
    return all(run.join(timeout_s) for run in runs)
