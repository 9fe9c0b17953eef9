"""How River and streams take turns: cooperatively in one thread, or concurrently in two.

Cooperative: one River step, then one batched step of all streams; the same seed gives the same
events, byte for byte. Concurrent: each lane has its thread and, on CUDA, its own stream, the
River's with high priority. The River never waits for a thought: finished ones lie in a queue it
looks into between two of its own steps.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
    """What other threads may set while a run goes on; read once per step."""

    theta: float
    stop: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.go.set()

    def interrupted(self) -> bool:
        """Wait while paused; return whether the run shall end."""
        while not self.go.wait(POLL_S):
            pass
        return self.stop.is_set()


def river_step(here: Run, controls: Controls) -> tuple[list[Event], str | None]:
    """Let the River write one token; return what happened, and why it has ended if it has."""
    reason = "stopped" if controls.interrupted() else here.river.why_done()
    if reason is not None:
        return [], reason
    events: list[Event] = []
    with here.river_lock:
        try:
            written = here.river.step()
            if written is None:
                return [], "end"
            token, piece = written
            events.append(Token(step=here.step, id=token, text=piece, position=here.step - 1))
            events += here.route(piece)
        # the River cannot go on; what it wrote stays
        except (RuntimeError, FloatingPointError) as error:
            message = str(error).partition("\n")[0]
            return [*events, Failure(step=here.step, stream=None, message=message)], "error"
        return events, None


def cooperative(here: Run, controls: Controls) -> Iterator[Event]:
    """Yield the events of a run in which the lanes take turns."""
    reason: str | None = None
    while reason is None:
        events, reason = river_step(here, controls)
        yield from events
        if reason is None:
            yield from here.think(theta=controls.theta, can_inject=True)
    yield Finish(step=here.step, stream=None, reason=reason)
    while not here.runner.is_idle and not controls.interrupted():
        yield from here.think(theta=controls.theta, can_inject=False)
    yield from _close(here)


def concurrent(
    here: Run, controls: Controls, clock: Callable[[], float] = time.monotonic
) -> Iterator[Event]:
    """Yield the events of a run in which each lane has a thread; every event carries its time in
    seconds.

    Closing the generator, or an exception in its consumer, ends both threads before it returns.
    """
    run = _Run(here, controls, clock)
    threads = [
        threading.Thread(target=work, name=f"warp-{work.__name__}")
        for work in (run.river, run.streams)
    ]
    for thread in threads:
        thread.start()
    try:
        while (event := run.events.get()) is not None:
            here.catch_up()  # whoever is told of a token may look at its entries
            yield event
    finally:
        run.closing.set()
        controls.go.set()
        for thread in threads:
            thread.join(JOIN_S)
        here.catch_up()
    for event in _close(here):
        yield run.stamped(event)


class _Run:
    """One concurrent run. The River's thread owns context, router, gate and injector; the other
    owns the lane.
    """

    def __init__(self, here: Run, controls: Controls, clock: Callable[[], float]) -> None:
        self.here = here
        self.controls = controls
        self.events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.closing = threading.Event()
        self._consumer = threading.current_thread()
        self._lane_is_lost = self._lane_is_stepping = False
        self._outcomes: queue.SimpleQueue[StepOutcome] = queue.SimpleQueue()
        self._clock = clock
        self._start = clock()

    def stamped(self, event: Event) -> Event:
        return replace(event, time_s=round(self._clock() - self._start, 6))

    def river(self) -> None:
        """Write to the end, looking into the queue of finished thoughts between two tokens."""
        here = self.here
        controls = self.controls
        reason: str | None = None
        try:
            with _device_lane(here, HIGH_PRIORITY) as here.stream:
                while reason is None and not self._is_closing():
                    self._note_finished(can_inject=True)
                    events, reason = river_step(here, controls)
                    self._put(events)
                reason = reason or "stopped"
                self._put([Finish(step=here.step, stream=None, reason=reason)])
                while (
                    self._streams_busy() and not self._is_closing() and not controls.interrupted()
                ):
                    time.sleep(POLL_S)
                    self._note_finished(can_inject=False)
                self._note_finished(can_inject=False)
        except Exception as error:
            self._put(
                [Failure(step=here.step, stream=None, message=f"{type(error).__name__}: {error}")]
            )
            if reason is None:
                self._put([Finish(step=here.step, stream=None, reason="error")])
        finally:
            self.closing.set()
            self.events.put(None)

    def streams(self) -> None:
        """Step the stream lane whenever somebody waits or thinks."""
        runner = self.here.runner
        try:
            with _device_lane(self.here, LOW_PRIORITY):
                while not self._is_closing():
                    if runner.is_idle:
                        self.closing.wait(POLL_S / 10)
                        continue
                    self._lane_is_stepping = True
                    for outcome in runner.step():
                        self._outcomes.put(outcome)
                    self._lane_is_stepping = False
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            step = self.here.step
            for stream in runner.close("error"):
                self._put([Failure(step=step, stream=stream.id, message=message)])
                self._put([Finish(step=step, stream=stream.id, reason="error")])
        finally:
            # once everything is told: the River may close when it sees this
            self._lane_is_lost = True

    def _is_closing(self) -> bool:
        """Tell whether the run shall end: also with the interpreter, which would wait for it though
        nobody asks on.
        """
        if not (self._consumer.is_alive() or threading.main_thread().is_alive()):
            self.closing.set()
            self.controls.go.set()
        return self.closing.is_set()

    def _streams_busy(self) -> bool:
        # in this order: a lane is idle as soon as its last stream has ended, before the thread has
        # handed that on
        is_busy = not self.here.runner.is_idle or self._lane_is_stepping
        return (is_busy and not self._lane_is_lost) or not self._outcomes.empty()

    def _note_finished(self, *, can_inject: bool) -> None:
        while not self._outcomes.empty():
            self._put(
                self.here.note(
                    self._outcomes.get(), theta=self.controls.theta, can_inject=can_inject
                )
            )

    def _put(self, events: list[Event]) -> None:
        for event in events:
            self.events.put(self.stamped(event))


def _close(here: Run) -> Iterator[Event]:
    for stream in here.runner.close("stopped"):
        yield Finish(step=here.step, stream=stream.id, reason="stopped")
    yield here.memory()


@contextmanager
def _device_lane(here: Run, priority: int) -> Iterator[torch.cuda.Stream | None]:
    """Work on a CUDA stream of that priority, which the block is given; on other devices nothing
    changes.
    """
    if here.prism.device.type != "cuda":
        yield None
        return
    stream = torch.cuda.Stream(here.prism.device, priority=priority)  # type: ignore[no-untyped-call] # torch's own gap
    stream.wait_stream(torch.cuda.current_stream(here.prism.device))
    with torch.cuda.stream(stream):
        yield stream
