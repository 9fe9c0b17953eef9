"""The Cortex: River, Streams, Synapse, Router, Gate and Injection in one run, and the only emitter
of events.
"""

import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from warp_cortex.agents.backend import StreamBackend, StreamRunner
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import CortexConfig, within
from warp_cortex.context.budget import check_fits
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.run import loop
from warp_cortex.run import run as run_run
from warp_cortex.run.run import Run
from warp_cortex.synapse.synapse import Snapshot, Synapse
from warp_cortex.trace import summary
from warp_cortex.trace.trace import Event, Finish, Influence, Memory, Revoke, Trace

EventT = TypeVar("EventT", bound=Event)


class Cortex:
    """Many agents over one model and one context.

    `run` is a generator of events; the same events are in `trace` at any moment, whatever ends the
    run. `stop`, `pause`, `resume` and `theta` may be used from any thread and take effect at the
    next step. Streams think in this process, or wherever `streams` lets them (`RayStreams`).
    """

    def __init__(
        self,
        prism: Prism,
        config: CortexConfig | None = None,
        *,
        streams: StreamBackend | None = None,
    ) -> None:
        self.prism = prism
        self.config = config or CortexConfig()
        self._backend = streams
        self.trace = Trace()
        self.context: Context | None = None
        self._controls = loop.Controls(theta=self.config.gate.theta)
        self._run: Run | None = None
        self._is_open = False  # whether the latest run has begun and not ended

    @property
    def theta(self) -> float:
        """The gate's threshold, from the next judgement on."""
        return self._controls.theta

    @theta.setter
    def theta(self, value: float) -> None:
        self._controls.theta = within("theta", value, -1, 1)

    def stop(self) -> None:
        """Ask the run to end at its next step; what happened so far stays in the trace."""
        self._controls.stop.set()
        self._controls.go.set()

    def pause(self) -> None:
        """Hold the run before its next step; between two runs, the one to come. A pause ends with
        its run.
        """
        self._controls.go.clear()

    def resume(self) -> None:
        """Let a paused run go on."""
        self._controls.go.set()

    def run(
        self, prompt: str, *, progress: Callable[[int, int], None] | None = None
    ) -> Iterator[Event]:
        """Read the prompt, then write, yielding every event as it happens.

        `config.mode` says how River and streams take turns; see `lanes`. When the River has ended,
        open streams think to their end and are judged, but enter nothing any more.

        Raises:
            ValueError: the prompt is empty, has fewer tokens than k, or does not fit the model; or
                `run` was called again before this run had ended.
        """
        self._controls.stop.clear()
        # a run given up while it was paused: nobody would think of resuming this one
        if self._is_open:
            self._controls.go.set()
        self._is_open = False
        self.trace = Trace()
        self._run = None
        return self._events(prompt, progress, self.trace)

    def _events(
        self, prompt: str, progress: Callable[[int, int], None] | None, trace: Trace
    ) -> Iterator[Event]:
        self._check_latest(trace)
        for event in self._happening(prompt, progress, trace):
            self._check_latest(trace)
            yield self._emit(event)

    def _happening(
        self, prompt: str, progress: Callable[[int, int], None] | None, trace: Trace
    ) -> Iterator[Event]:
        here: Run | None = None
        self._is_open = True
        try:
            here = yield from self._begin(prompt, progress)
            if here is None:
                return
            take_turns = loop.concurrent if self.config.mode == "concurrent" else loop.cooperative
            yield from take_turns(here, self._controls)
        finally:
            if trace is self.trace:
                here = here or self._run
                self._is_open = False
                self._controls.go.set()
            # torch cannot work any more, and nobody would look
            if here is not None and not sys.is_finalizing():
                # of a run given up half way: streams elsewhere would think on
                here.runner.close("stopped")
                here.collect(trace)

    def fork(self, source: "Context | Snapshot | str", tasks: Sequence[str]) -> list[Stream]:
        """Let one stream per task think over one loaded context, and return them finished, in the
        order given.

        source: a context, a saved snapshot, or a text that is read first. No router, no gate, no
        River.

        Raises:
            ValueError: no task, an empty task, or k larger than the context.
        """
        if not tasks or not all(task.strip() for task in tasks):
            msg = f"tasks must be one or more non-empty texts, got {list(tasks)!r}"
            raise ValueError(msg)
        context = self.prism.read(source) if isinstance(source, str) else source
        maker = context.checksum if isinstance(context, Snapshot) else context.prism.spec.checksum
        if maker != self.prism.spec.checksum:
            msg = f"the context belongs to another model (checksum {maker}), not to {self.prism.spec.name!r}"
            raise ValueError(msg)
        synapse = Synapse(self.config.synapse, seed=self.config.seed)
        snapshot = context if isinstance(context, Snapshot) else synapse.publish(context)
        runner = self._runner()
        streams = []
        try:
            for number, task in enumerate(tasks, start=1):
                prompt = self.config.streams.prompt.format(task=task)
                stream = Stream(
                    number, task, "fork", (0, 0), snapshot.version, self.prism.encode(prompt)
                )
                focus = None
                if self.config.synapse.focus and isinstance(context, Context):
                    focus = run_run.focus_of(context, stream, snapshot, self.config.synapse.focus)
                runner.open(stream, snapshot, focus=focus)
                streams.append(stream)
            while not runner.is_idle:
                runner.step()
        finally:
            runner.close("done")
        return streams

    def revoke(self, number: int) -> Revoke:
        """Take an injected thought out of the River's cache again, between two of its steps; see
        `Injector.revoke`.
        """
        here = self._running()
        with here.river_lock, here.on_stream():
            tail = here.injector.revoke(number)
            here.river.recount()
        return self._emit(Revoke(step=here.step, injection=number, rebuilt_tokens=tail))

    def influence(self, number: int) -> Influence:
        """Measure what an injected thought has changed so far; see `Injector.influence`."""
        here = self._running()
        with here.river_lock:
            here.catch_up()
            still = here.injector.still()
        effect = still.influence(number)
        event = Influence(
            step=here.step,
            injection=number,
            first_position=effect.first_position,
            kl=list(effect.kl),
            attention_mass=list(effect.attention_mass),
        )
        return self._emit(event)

    def memory(self) -> Memory:
        """Return the bytes held now, by owner, without recording them."""
        here = self._run
        if here is None:
            return Memory(
                step=0,
                weights=self.prism.weight_bytes,
                river_kv=0,
                shared_kv=0,
                private_kv=0,
                num_streams=0,
            )
        return here.memory()

    def own_entries(self, known: Mapping[int, int] | None = None) -> dict[int, SharedKV]:
        """Return a copy of what every thinking stream's cache holds of its own, by stream: its
        task, then its thought.

        known: how many entries of a stream to leave out. For whoever consumes `run`, between two
        events; empty where streams step by themselves or in another process.
        """
        return {} if self._run is None else self._run.own_entries(known or {})

    def summary(self) -> dict[str, Any]:
        """Return the run in one JSON-ready dict, from the trace alone."""
        return summary.summarise(self.trace)

    def _begin(
        self, prompt: str, progress: Callable[[int, int], None] | None
    ) -> Generator[Event, None, Run | None]:
        config = self.config
        ids = self.prism.encode(prompt, start=True)
        room = min(len(ids) + config.river.max_tokens, max(len(ids), self.prism.spec.max_positions))
        check_fits(
            self.prism,
            room,
            chunk=config.river.prefill_chunk,
            publishes=config.synapse.policy != "all",
        )
        run_run.check_config(config, num_tokens=len(ids))
        self.context = context = Context(
            self.prism, query_window=config.synapse.query_window, capacity=room
        )
        is_stopped = self._controls.stop.is_set
        synapse = Synapse(config.synapse, seed=config.seed)

        def after(done: int, total: int) -> None:
            synapse.follow(context)
            if progress is not None:
                progress(done, total)

        if not context.read(
            ids, chunk=config.river.prefill_chunk, progress=after, should_stop=is_stopped
        ):
            yield run_run.header(self.prism, config, context, prompt)
            yield Finish(step=context.num_tokens, stream=None, reason="stopped")
            return None
        river = River(
            self.prism, config.river, context=context, sinks=config.synapse.sinks, seed=config.seed
        )
        self._run = here = Run(self.prism, config, river, self._runner(), synapse)
        yield run_run.header(self.prism, config, context, prompt)
        yield here.publish()
        river.forget()
        yield here.memory()
        return here

    def _runner(self) -> StreamRunner:
        if self._backend is not None:
            return self._backend.connect(self.prism, self.config.streams, seed=self.config.seed)
        return LocalRunner(self.prism, self.config.streams, seed=self.config.seed)

    def _running(self) -> Run:
        if self._run is None:
            msg = "nothing has run yet; call run(prompt) first"
            raise ValueError(msg)
        return self._run

    def _check_latest(self, trace: Trace) -> None:
        if trace is not self.trace:
            msg = "this run is over: the same Cortex has been asked for another since; runs side by side need one each"
            raise ValueError(msg)

    def _emit(self, event: EventT) -> EventT:
        self.trace.append(event)
        return event
