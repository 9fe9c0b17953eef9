"""The parts of one run, and what each step does; the methods return the events they cause."""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from queue import SimpleQueue

import torch

from warp_cortex.agents.backend import StepOutcome, StreamRunner
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream, own_entries
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.router.router import Router, Task
from warp_cortex.run import memory
from warp_cortex.run.arrays import trace_arrays
from warp_cortex.run.judging import calibrate, judge
from warp_cortex.run.record import EventT, Record
from warp_cortex.synapse.focus import focus_rows
from warp_cortex.synapse.synapse import Snapshot, Synapse
from warp_cortex.thoughts.injection import Injector
from warp_cortex.trace.trace import (
    Calibration,
    Event,
    Failure,
    Finish,
    Memory,
    Publish,
    Spawn,
    StreamToken,
    Trace,
)
from warp_cortex.voice.profiles import voice_of


class Run:
    """A River, its streams, and the Router, Synapse, Gate and Injector between them."""

    def __init__(
        self,
        prism: Prism,
        config: CortexConfig,
        river: River,
        runner: StreamRunner,
        synapse: Synapse,
        *,
        record: Record,
    ) -> None:
        self.prism = prism
        self.config = config
        self.river = river
        self.runner = runner
        self.synapse = synapse
        self.record = record
        self.elapsed: Callable[[], float] | None = None  # of a concurrent run, in seconds
        self.injector = Injector(river.context, config.injection)
        self.voice = voice_of(config, prism.voice)
        self.router = Router(config.router, standing=self.voice.standing)
        river.measures_entropy = bool({"uncertain", "schedule"} & set(config.router.triggers or ()))
        self.questions: SimpleQueue[str] = SimpleQueue()  # asked from other threads
        # what the River has read: what it wrote itself is no evidence for a thought
        self.evidence = river.context.fork()
        self.router.prime(river.context.text)
        # held by a thread while it uses or changes the River's cache
        self.river_lock = threading.RLock()
        # the CUDA stream of the River's thread; None on a CPU and in a cooperative run
        self.device_stream: torch.cuda.Stream | None = None
        self._num_streams = 0
        self._peak_bytes = 0  # the most that the streams have held
        self._reported: tuple[int, ...] = ()  # the bytes in the latest Memory event
        self._steps: dict[int, int] = {}  # stream id -> position of its first own token
        self._thoughts: list[torch.Tensor] = []
        self.judged: set[str] = set()  # thoughts that the Gate has judged
        self._begun: dict[int, str] = {}  # stream id -> first words of its thought

    @property
    def step(self) -> int:
        """Number of visible tokens so far."""
        return self.river.context.num_tokens

    def stamped(self, event: EventT) -> EventT:
        """Return an event with the time since the run's start; a cooperative run has none."""
        if self.elapsed is None:
            return event
        return replace(event, time_s=round(self.elapsed(), 6))

    def on_device_stream(self) -> AbstractContextManager[object]:
        """Return a block whose device work is queued on the River's CUDA stream, if it has one."""
        if self.device_stream is None:
            return nullcontext()
        return torch.cuda.stream(self.device_stream)

    def catch_up(self) -> None:
        """Make the current CUDA stream wait for the work that the River has queued so far."""
        if self.device_stream is not None:
            torch.cuda.current_stream(self.prism.device).wait_stream(self.device_stream)

    def publish(self) -> Publish:
        """Publish a snapshot of the River's landmarks."""
        snapshot = self.synapse.publish(self.river.context)
        return Publish(
            step=self.step,
            version=snapshot.version,
            policy=snapshot.policy,
            landmarks=snapshot.landmarks.tolist(),
            ranking=snapshot.ranking.tolist(),
            radius=round(snapshot.radius, 6),
            shared_bytes=snapshot.num_bytes,
            slack=round(snapshot.slack, 6),
        )

    def route(self, piece: str) -> list[Event]:
        """Feed the Router what the River wrote and open a stream for every task it found."""
        events: list[Event] = []
        if not self.config.router.enabled:
            return events
        for task in self.router.feed(piece, entropy=self.river.entropy):
            events += self._spawn(task)
        return events

    def answer(self) -> list[Event]:
        """Open a stream for every question that was asked from outside since the last call."""
        events: list[Event] = []
        while not self.questions.empty():
            task = self.router.ask(self.questions.get())
            events += [] if task is None else self._spawn(task)
        return events

    def _spawn(self, task: Task) -> list[Event]:
        """Open a stream for a task, on a new snapshot if the current one is too old."""
        events: list[Event] = []
        if self.synapse.is_stale(self.step):
            events += [self.publish(), *self._changed()]
        snapshot = self.synapse.current
        assert snapshot is not None
        self._num_streams += 1
        if self.config.streams.prompt is None:
            self._begun[self._num_streams] = self.voice.begin(task.text, task.kind)
        prompt = prompt_of(self.prism, self.config, task.text, task.kind)
        stream = Stream(
            self._num_streams, task.text, task.kind, task.span, snapshot.version, prompt
        )
        return events + self._open(stream, snapshot, why=task.why)

    def begun(self, stream: int) -> str:
        """Return the words that a stream's thought was begun with."""
        return self._begun.get(stream, "")

    def think(self, *, theta: float, can_inject: bool) -> list[Event]:
        """Let every stream think one token; judge and inject finished thoughts."""
        events: list[Event] = []
        for outcome in self.runner.step():
            events += self.note(outcome, theta=theta, can_inject=can_inject)
        return events

    def note(self, outcome: StepOutcome, *, theta: float, can_inject: bool) -> list[Event]:
        """Return the events of one outcome of the runner; judge, and inject, a finished thought."""
        if outcome.token is not None:
            return [self._thought_token(outcome), *self._grown()]
        if outcome.error is not None:
            failure = Failure(step=self.step, stream=outcome.stream.id, message=outcome.error)
            return [
                failure,
                Finish(step=self.step, stream=outcome.stream.id, reason="error"),
                *self._changed(),
            ]
        with self.river_lock:
            return [*judge(self, outcome, theta=theta, can_inject=can_inject), *self._changed()]

    def _grown(self) -> list[Event]:
        """Report the bytes held if the streams' are a new peak: the trace then holds the peak."""
        held = self.runner.private_bytes
        if held <= self._peak_bytes:
            return []
        self._peak_bytes = held
        return self._changed()

    def _changed(self) -> list[Event]:
        """Report the bytes held after a publish or a stream's end, unless nothing has changed."""
        now = self.memory()
        held = (now.river_kv, now.shared_kv, now.private_kv, now.num_streams)
        if held == self._reported:
            return []
        self._reported = held
        return [now]

    def memory(self) -> Memory:
        """Return the bytes held now, by owner."""
        return memory.report(self.prism, self.river.context, self.synapse, self.runner)

    def own_entries(self, known: Mapping[int, int]) -> dict[int, SharedKV]:
        """Return copies of the streams' own entries, by stream; see `Cortex.own_entries`."""
        # elsewhere another thread writes them, or another process holds them
        if self.config.mode == "concurrent" or not isinstance(self.runner, LocalRunner):
            return {}
        batches = self.runner.batches.values()
        return {
            stream: held for batch in batches for stream, held in own_entries(batch, known).items()
        }

    def collect(self, trace: Trace) -> None:
        """Put the arrays that viewers need into the trace; see `trace_arrays`."""
        trace.arrays = trace_arrays(self.river.context, self._thoughts)

    def _open(self, stream: Stream, snapshot: Snapshot, *, why: str) -> list[Event]:
        after: list[Event] = []
        try:
            context = self.river.context
            if snapshot.step == self.evidence.num_tokens:
                context = self.evidence  # the stream sees nothing that the River wrote
            focus = focus_of(context, stream, snapshot, self.config.synapse.focus or 0)
            self._steps[stream.id] = snapshot.step
            self.runner.open(stream, snapshot, focus=focus)
        except RuntimeError as error:  # out of memory ends this stream only
            after = [
                self._failure(stream.id, error),
                Finish(step=self.step, stream=stream.id, reason="error"),
            ]
        spawn = Spawn(
            step=self.step,
            stream=stream.id,
            task=stream.task,
            kind=stream.kind,
            trigger=stream.trigger,
            version=snapshot.version,
            focus=stream.focus,
            why=why,
        )
        return [spawn, *after]

    def _failure(self, stream: int, error: Exception) -> Failure:
        return Failure(
            step=self.step,
            stream=stream,
            message=f"{type(error).__name__}: {error}".partition("\n")[0],
        )

    def _thought_token(self, outcome: StepOutcome) -> StreamToken:
        assert outcome.token is not None
        stream = outcome.stream
        position = self._steps[stream.id] + len(stream.prompt) + outcome.index
        return StreamToken(
            step=self.step,
            stream=stream.id,
            id=outcome.token,
            text=outcome.piece,
            position=position,
        )

    def calibrate(self) -> Calibration | None:
        """Measure the Gate's threshold for this model and text; see `judging.calibrate`."""
        return calibrate(self)

    def note_vector(self, vector: torch.Tensor) -> int:
        """Keep the pooled states of a thought for the trace; return their row there."""
        self._thoughts.append(vector.cpu())
        return len(self._thoughts) - 1


def prompt_of(prism: Prism, config: CortexConfig, task: str, kind: str) -> list[int]:
    """Return the ids that a stream reads for a task: no word of it counts as a special token."""
    plain = prism.without_special_tokens(task)
    template = config.streams.prompt
    if template is not None:
        return prism.encode(template.format(task=plain))
    voice = voice_of(config, prism.voice)
    return prism.encode(voice.ask(plain, kind) + voice.begin(plain, kind))


def focus_of(context: Context, stream: Stream, snapshot: Snapshot, count: int) -> SharedKV | None:
    """Choose a stream's focus landmarks, set `stream.focus`, and return a copy of their entries.

    None if `count` is 0 or the snapshot already holds every token.
    """
    if not count or snapshot.policy == "all":
        return None
    rows = focus_rows(context, stream.prompt, taken=snapshot.kv.positions, count=count)
    stream.focus = context.store.positions[rows].tolist()
    return context.store.gather(rows)
