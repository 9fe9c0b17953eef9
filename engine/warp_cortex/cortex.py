"""The Cortex: River, Streams, Synapse, Router, Gate and Injection in one run."""

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp_cortex.agents.backend import StreamBackend, StreamRunner
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import AUTO, CortexConfig
from warp_cortex.config.checks import within
from warp_cortex.context.budget import check_fits
from warp_cortex.context.context import Context
from warp_cortex.precision import in_own_precision
from warp_cortex.prism import Prism
from warp_cortex.run import injections, loop
from warp_cortex.run.fork import fork
from warp_cortex.run.header import header
from warp_cortex.run.record import Record
from warp_cortex.run.run import Run
from warp_cortex.synapse.synapse import Snapshot, Synapse, check_k
from warp_cortex.trace import summary
from warp_cortex.trace.recording import Recording
from warp_cortex.trace.trace import Event, Finish, Influence, Memory, Revoke, Trace
from warp_cortex.voice.profiles import settle, settle_for, voice_of

if TYPE_CHECKING:
    from warp_cortex.voice.chat import Messages
Progress = Callable[[int, int], None]  # tokens read, tokens to read


class Cortex:
    """Many agents over one model and one context.

    `run` is a generator of events; `trace` holds the same events at any moment, whatever ends the
    run. `stop`, `pause`, `resume` and `theta` may be used from any thread and take effect at the
    next step. streams: where streams think; None is this process (`ProcessStreams`, `RayStreams`).
    """

    def __init__(
        self,
        prism: Prism,
        config: CortexConfig | None = None,
        *,
        streams: StreamBackend | None = None,
    ) -> None:
        self.prism = prism
        self._given = config or CortexConfig()
        self.config = settle(self._given, prism.voice)
        self._backend = streams
        self.trace = Trace()
        self._recording: Recording | None = None
        self.context: Context | None = None
        theta = self.config.gate.theta
        self._calibrates = self.config.gate.enabled and theta == AUTO
        # until it is measured nothing passes
        self._controls = loop.Controls(theta=theta if isinstance(theta, float | int) else 1.0)
        self._run: Run | None = None
        self._is_open = False  # whether the latest run has begun and not ended

    @property
    def theta(self) -> float:
        """The Gate's threshold, from the next judgement on."""
        return self._controls.theta

    @theta.setter
    def theta(self, value: float) -> None:
        self._controls.theta = within("theta", value, -1, 1)
        self._calibrates = False

    @property
    def saved_at(self) -> Path | None:
        """The file of the latest run's events; None if it is not saved or has no event yet."""
        return None if self._recording is None else self._recording.path

    def ask(self, question: str) -> None:
        """Open a stream for a question of the user's at the run's next step, from any thread.

        Raises:
            ValueError: no run goes on, or the question is no text of a task's length.
        """
        text = question.strip() if isinstance(question, str) else ""
        most = self.config.router.max_task_chars
        if not 0 < len(text) <= most:
            msg = f"a question must have 1 to {most} characters, got {question!r:.80}"
            raise ValueError(msg)
        if not self._is_open or self._run is None:
            msg = "no run goes on that could answer; ask between a run's first event and its last"
            raise ValueError(msg)
        self._run.questions.put(text)

    def stop(self) -> None:
        """Ask the run to end at its next step; what happened so far stays in the trace."""
        self._controls.stop.set()
        self._controls.go.set()

    def pause(self) -> None:
        """Hold the run before its next step, or the next run if none goes on now.

        The end of a run ends its pause.
        """
        self._controls.go.clear()

    def resume(self) -> None:
        """Let a paused run continue."""
        self._controls.go.set()

    def run(
        self,
        prompt: "str | Messages",
        *,
        progress: Progress | None = None,
        save: Path | str | None = None,
    ) -> Generator[Event]:
        """Read the prompt, then write, yielding every event as it happens.

        `config.mode` says how River and streams take turns; see `run/loop.py`. When the River has
        ended, open streams think to their end and are judged, but no thought is injected any more.

        save: a folder that gets the trace while it grows, from the first event on; see `Recording`.

        Raises:
            ValueError: the prompt is empty, has fewer tokens than k, or does not fit the model; or
                `run` was called again before this run had ended.
            OSError: the trace cannot be saved.
        """
        self._controls.stop.clear()
        if self._is_open:  # the last run was given up while paused: its pause ends with it
            self._controls.go.set()
        self._is_open = False
        self.trace = Trace()
        self._recording = None
        self._run = None
        return self._events(prompt, progress, Record(self.trace), save)

    @in_own_precision
    def _events(
        self,
        prompt: "str | Messages",
        progress: Progress | None,
        record: Record,
        save: Path | str | None,
    ) -> Generator[Event]:
        self._check_latest(record)
        with ExitStack() as stack:
            happening = self._happening(prompt, progress, record)
            for event in happening:
                self._check_latest(record)
                record.add(event)
                if save is not None:
                    self._recording = stack.enter_context(Recording(record.trace, save))
                    stack.enter_context(closing(happening))  # first the arrays, then their file
                    save = None
                if self._recording is not None:
                    self._recording.note()
                yield event

    def _happening(
        self, prompt: "str | Messages", progress: Progress | None, record: Record
    ) -> Generator[Event]:
        run: Run | None = None
        self._is_open = True
        reason = "error"
        try:
            run = yield from self._begin(prompt, progress, record)
            if run is not None:
                concurrent = self.config.mode == "concurrent"
                take_turns = loop.concurrent if concurrent else loop.cooperative
                yield from take_turns(run, self._controls)
        except (GeneratorExit, KeyboardInterrupt):
            reason = "stopped"
            raise
        finally:
            if record.trace is self.trace:
                run = run or self._run
                self._is_open = False
                self._controls.go.set()
            # at the interpreter's end torch cannot work any more
            if run is not None and not sys.is_finalizing():
                # a run given up half way still has streams, maybe in another process
                run.runner.close("stopped")
                record.end(reason, run.stamped)
                run.collect(record.trace)

    def fork(self, source: "Context | Snapshot | str", tasks: Iterable[str]) -> list[Stream]:
        """Let one stream per task think over one context; return them finished, in that order.

        source: a context, a loaded snapshot, or a text that is read first. One text alone is one
        task. Neither Router, Gate nor River takes part.

        Raises:
            ValueError: no task, an empty task, or k larger than the context.
        """
        return fork(self.prism, self.config, self._runner, source, tasks)

    @in_own_precision
    def revoke(self, number: int) -> Revoke:
        """Take an injected thought out of the River's cache again; see `Injector.revoke`."""
        return injections.revoke(self._running(), number)

    @in_own_precision
    def influence(self, number: int) -> Influence:
        """Measure what an injected thought has changed so far; see `Injector.influence`."""
        return injections.influence(self._running(), number)

    def memory(self) -> Memory:
        """Return the bytes held now, by owner, without recording them."""
        if self._run is None:
            nothing = dict.fromkeys(("river_kv", "shared_kv", "private_kv", "num_streams"), 0)
            return Memory(step=0, weights=self.prism.weight_bytes, **nothing)
        return self._run.memory()

    def own_entries(self, known: Mapping[int, int] | None = None) -> dict[int, SharedKV]:
        """Return a copy of every thinking stream's own entries (task, then thought), by stream.

        known: how many first entries of a stream to leave out. Call it between two events of `run`,
        from the same thread. Empty in concurrent mode and where another process holds the streams.
        """
        return {} if self._run is None else self._run.own_entries(known or {})

    def summary(self) -> dict[str, Any]:
        """Return the run in one JSON-ready dict, from the trace alone."""
        return summary.summarise(self.trace, num_dropped=self.num_dropped)

    @property
    def num_dropped(self) -> int:
        """Tasks of the latest run that the Router dropped over a cap."""
        return 0 if self._run is None else self._run.router.num_dropped

    def _begin(
        self, prompt: "str | Messages", progress: Progress | None, record: Record
    ) -> Generator[Event, None, Run | None]:
        text, ids = self.prism.opened(prompt, voice_of(self.config, self.prism.voice))
        self.config = config = settle_for(self._given, self.prism.voice, len(ids))
        room = min(len(ids) + config.river.max_tokens, max(len(ids), self.prism.spec.max_positions))
        check_fits(
            self.prism,
            room,
            chunk=config.river.prefill_chunk,
            publishes=config.synapse.chosen_policy != "all",
        )
        if config.synapse.chosen_policy != "all":
            check_k(config.synapse.chosen_k, len(ids))
        self.context = context = Context(
            self.prism, query_window=config.synapse.query_window, capacity=room
        )
        synapse = Synapse(config.synapse, seed=config.seed)

        def after(done: int, total: int) -> None:
            synapse.follow(context)
            if progress is not None:
                progress(done, total)

        if not context.read(
            ids,
            chunk=config.river.prefill_chunk,
            progress=after,
            should_stop=self._controls.stop.is_set,
            is_whole=True,
        ):
            yield header(config, context, text)
            yield Finish(step=context.num_tokens, stream=None, reason="stopped")
            return None
        river = River(
            self.prism, config.river, context=context, sinks=config.synapse.sinks, seed=config.seed
        )
        self._run = run = Run(self.prism, config, river, self._runner(), synapse, record=record)
        yield header(config, context, text)
        yield run.publish()
        if self._calibrates and (measured := run.calibrate()) is not None:
            self._controls.theta = measured.theta
            yield measured
        river.forget()
        yield run.memory()
        return run

    def _runner(self) -> StreamRunner:
        if self._backend is not None:
            return self._backend.connect(self.prism, self.config.streams, seed=self.config.seed)
        return LocalRunner(self.prism, self.config.streams, seed=self.config.seed)

    def _running(self) -> Run:
        if self._run is None:
            msg = "nothing has run yet; call run(prompt) first"
            raise ValueError(msg)
        return self._run

    def _check_latest(self, record: Record) -> None:
        if record.trace is not self.trace:
            msg = (
                "this run is over: its Cortex has begun another; "
                "runs at the same time need a Cortex each"
            )
            raise ValueError(msg)
