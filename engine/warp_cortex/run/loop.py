"""How River and streams take turns: cooperatively in one thread, or concurrently in two.

Cooperative: one River step, then one batched step of all streams; the same seed gives the same
events, byte for byte. Concurrent: the River has one thread and the streams' runner another, each
on CUDA with a CUDA stream of its own, the River's with high priority. The River never waits for a
thought: it takes finished ones from a queue between two of its steps.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from warp_cortex.run.run import Run
from warp_cortex.trace.trace import Event, Failure, Finish, Token

if TYPE_CHECKING:
    from warp_cortex.agents.backend import StepOutcome

POLL_S = 0.02
JOIN_S = 30.0
HIGH_PRIORITY = -1
LOW_PRIORITY = 0


@dataclass(slots=True)
class Controls:
    """What other threads may set during a run; it is read once per step."""

    theta: float
    stop: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go.set()

    def interrupted(self) -> bool:
        """Wait while the run is paused; return whether it has to end."""
        while not self.go.wait(POLL_S):
            pass
        return self.stop.is_set()


def river_step(run: Run, controls: Controls) -> tuple[list[Event], str | None]:
    """Let the River write one token; return the events, and the reason if the River has ended."""
    reason = "stopped" if controls.interrupted() else run.river.why_done()
    if reason is not None:
        return [], reason
    events: list[Event] = []
    with run.river_lock:
        try:
            events += run.answer()
            written = run.river.step()
            if written is None:
                return events, "end"
            token, piece = written
            events.append(Token(step=run.step, id=token, text=piece, position=run.step - 1))
            events += run.route(piece)
        except (RuntimeError, FloatingPointError) as error:  # what the River wrote before stays
            message = str(error).partition("\n")[0]
            return [*events, Failure(step=run.step, stream=None, message=message)], "error"
        return events, None


def cooperative(run: Run, controls: Controls) -> Iterator[Event]:
    """Yield the events of a run in which River and streams take turns in this thread."""
    reason: str | None = None
    while reason is None:
        events, reason = river_step(run, controls)
        yield from events
        if reason is None:
            yield from run.think(theta=controls.theta, can_inject=True)
    yield Finish(step=run.step, stream=None, reason=reason)
    while not run.runner.is_idle and not controls.interrupted():
        yield from run.think(theta=controls.theta, can_inject=False)
    yield from _close(run)


def concurrent(
    run: Run, controls: Controls, clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Yield the events of a run in which River and streams have a thread each.

    Every event carries its time, in seconds since the start. Closing the generator, or an exception
    in its consumer, ends both threads before it returns.
    """
    both = _TwoThreads(run, controls, clock)
    threads = [
        threading.Thread(target=work, name=f"warp-{work.__name__}")
        for work in (both.river, both.streams)
    ]
    for thread in threads:
        thread.start()
    try:
        while (event := both.events.get()) is not None:
            run.catch_up()  # the consumer may read the entries of a token that it gets here
            yield event
    finally:
        both.closing.set()
        controls.go.set()
        for thread in threads:
            thread.join(JOIN_S)
        run.catch_up()
    yield from both.rest()
    for event in _close(run):
        yield run.stamped(event)


class _TwoThreads:
    """One concurrent run.

    The River's thread owns context, router, gate and injector; the streams' thread owns the runner.
    """

    def __init__(self, run: Run, controls: Controls, clock: Callable[[], float]) -> None:
        self.run = run
        self.controls = controls
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.closing = threading.Event()
        self._consumer = threading.current_thread()
        self._runner_is_lost = False
        self._runner_is_stepping = False
        self._outcomes: queue.SimpleQueue[StepOutcome] = queue.SimpleQueue()
        start = clock()
        run.elapsed = lambda: clock() - start

    def river(self) -> None:
        """Write to the end, taking finished thoughts from the queue between two tokens."""
        run = self.run
        controls = self.controls
        reason: str | None = None
        try:
            with _device_stream(run, HIGH_PRIORITY) as run.device_stream:
                while reason is None and not self._is_closing():
                    self._note_finished(can_inject=True)
                    events, reason = river_step(run, controls)
                    self._put(events)
                reason = reason or "stopped"
                self._put([Finish(step=run.step, stream=None, reason=reason)])
                while (
                    self._streams_busy() and not self._is_closing() and not controls.interrupted()
                ):
                    time.sleep(POLL_S)
                    self._note_finished(can_inject=False)
                self._note_finished(can_inject=False)
        except Exception as error:  # noqa: BLE001 - a thread's failure must reach the consumer
            self._put(
                [Failure(step=run.step, stream=None, message=f"{type(error).__name__}: {error}")]
            )
            if reason is None:
                self._put([Finish(step=run.step, stream=None, reason="error")])
        finally:
            self.closing.set()
            self.events.put(None)

    def streams(self) -> None:
        """Step the runner whenever it holds a stream."""
        runner = self.run.runner
        try:
            with _device_stream(self.run, LOW_PRIORITY):
                while not self._is_closing():
                    if runner.is_idle:
                        self.closing.wait(POLL_S / 10)
                        continue
                    self._runner_is_stepping = True
                    for outcome in runner.step():
                        self._outcomes.put(outcome)
                    self._runner_is_stepping = False
        except Exception as error:  # noqa: BLE001 - the River's thread goes on without streams
            message = f"{type(error).__name__}: {error}"
            step = self.run.step
            for stream in runner.close("error"):
                self._put([Failure(step=step, stream=stream.id, message=message)])
                self._put([Finish(step=step, stream=stream.id, reason="error")])
        finally:
            # after the last event is in the queue: the River may close when it sees this
            self._runner_is_lost = True

    def rest(self) -> Iterator[Event]:
        """Yield, when both threads have ended, what they have left: thoughts that ended last."""
        self._note_finished(can_inject=False)
        while not self.events.empty():
            event = self.events.get()
            if event is not None:
                yield event

    def _is_closing(self) -> bool:
        """Return whether the run has to end.

        The interpreter waits for these threads at its end, where no consumer is left to close them.
        """
        if not (self._consumer.is_alive() or threading.main_thread().is_alive()):
            self.closing.set()
            self.controls.go.set()
        return self.closing.is_set()

    def _streams_busy(self) -> bool:
        # in this order: a runner is idle as soon as its last stream has ended, and its thread puts
        # that outcome into the queue only afterwards
        is_busy = not self.run.runner.is_idle or self._runner_is_stepping
        return (is_busy and not self._runner_is_lost) or not self._outcomes.empty()

    def _note_finished(self, *, can_inject: bool) -> None:
        while not self._outcomes.empty():
            self._put(
                self.run.note(
                    self._outcomes.get(), theta=self.controls.theta, can_inject=can_inject
                )
            )

    def _put(self, events: list[Event]) -> None:
        for event in events:
            self.events.put(self.run.stamped(event))


def _close(run: Run) -> Iterator[Event]:
    for stream in run.runner.close("stopped"):
        yield Finish(step=run.step, stream=stream.id, reason="stopped")
    yield run.memory()


@contextmanager
def _device_stream(run: Run, priority: int) -> Iterator[torch.cuda.Stream | None]:
    """Work on a new CUDA stream of that priority, which the block gets; None on other devices."""
    if run.prism.device.type != "cuda":
        yield None
        return
    stream = torch.cuda.Stream(run.prism.device, priority=priority)  # type: ignore[no-untyped-call] # torch's own gap
    stream.wait_stream(torch.cuda.current_stream(run.prism.device))
    with torch.cuda.stream(stream):
        yield stream
