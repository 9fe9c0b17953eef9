"""The parts of one run, and what each step of them does; every method returns the events it
caused.
"""

import platform
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from warp_cortex.agents.backend import StepOutcome, StreamRunner
from warp_cortex.agents.river import River
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.agents.streams import Stream, own_entries
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.router.router import Router
from warp_cortex.run import memory
from warp_cortex.synapse.focus import focus_rows
from warp_cortex.synapse.synapse import Snapshot, Synapse, check_k
from warp_cortex.thoughts.gate import decide, similarities
from warp_cortex.thoughts.injection import Injector
from warp_cortex.trace.trace import (
    Event,
    Failure,
    Finish,
    GateDecision,
    Inject,
    Memory,
    Publish,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Trace,
)


class Run:
    """A River, its streams and what lies between them."""

    def __init__(
        self,
        prism: Prism,
        config: CortexConfig,
        river: River,
        runner: StreamRunner,
        synapse: Synapse,
    ) -> None:
        self.prism = prism
        self.config = config
        self.river = river
        self.runner = runner
        self.synapse = synapse
        self.injector = Injector(river.context, config.injection)
        self.router = Router(config.router)
        self.router.prime(river.context.text)
        # held by whoever reads on or takes back what the River holds
        self.river_lock = threading.RLock()
        # that the River works on, if it has one of its own
        self.stream: torch.cuda.Stream | None = None
        self._num_streams = self._peak_bytes = 0
        self._reported: tuple[int, ...] = ()
        self._steps: dict[int, int] = {}  # stream id -> position of its first own token
        self._thoughts: list[torch.Tensor] = []

    @property
    def step(self) -> int:
        """Visible tokens so far."""
        return self.river.context.num_tokens

    def on_stream(self) -> AbstractContextManager[object]:
        """Return a block whose work on the device comes before the River's next and after its
        last.
        """
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def catch_up(self) -> None:
        """Let the device do what the current thread gives it next after all that the River has
        given it so far.
        """
        if self.stream is not None:
            torch.cuda.current_stream(self.prism.device).wait_stream(self.stream)

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
        for task in self.router.feed(piece) if self.config.router.enabled else ():
            if self.synapse.is_stale(self.step):
                events += [self.publish(), *self._changed()]
            snapshot = self.synapse.current
            assert snapshot is not None
            self._num_streams += 1
            prompt = self.prism.encode(self.config.streams.prompt.format(task=task.text))
            stream = Stream(
                self._num_streams, task.text, task.kind, task.span, snapshot.version, prompt
            )
            events += self._open(stream, snapshot)
        return events

    def think(self, *, theta: float, can_inject: bool) -> list[Event]:
        """Let every stream think one token; judge and inject the thoughts that are finished."""
        events: list[Event] = []
        for outcome in self.runner.step():
            events += self.note(outcome, theta=theta, can_inject=can_inject)
        return events

    def note(self, outcome: StepOutcome, *, theta: float, can_inject: bool) -> list[Event]:
        """Return the events one outcome of the stream lane causes; a finished thought is judged and
        may enter.
        """
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
            return [*self._judge(outcome, theta=theta, can_inject=can_inject), *self._changed()]

    def _grown(self) -> list[Event]:
        """Return the bytes held now if the streams hold more than ever before, so that a run's peak
        is on record.
        """
        held = self.runner.private_bytes
        if held <= self._peak_bytes:
            return []
        self._peak_bytes = held
        return self._changed()

    def _changed(self) -> list[Event]:
        """Return the bytes held now, after a publish or a stream's end, unless the last report says
        the same.
        """
        now = self.memory()
        held = (now.river_kv, now.shared_kv, now.private_kv, now.num_streams)
        if held == self._reported:
            return []
        self._reported = held
        return [now]

    def memory(self) -> Memory:
        """Return the bytes held now, by owner."""
        current = [] if self.synapse.current is None else [self.synapse.current]
        snapshots = {snapshot.version: snapshot for snapshot in [*current, *self.runner.snapshots]}
        context = self.river.context
        return Memory(
            step=self.step,
            weights=self.prism.weight_bytes,
            river_kv=memory.river_bytes(context),
            shared_kv=memory.shared_bytes(snapshots.values(), context),
            private_kv=self.runner.private_bytes,
            num_streams=self.runner.num_active,
            evidence=memory.evidence_bytes(context, self.synapse),
        )

    def own_entries(self, known: Mapping[int, int]) -> dict[int, SharedKV]:
        """Return a copy of what every thinking stream holds of its own, by stream; see
        `Cortex.own_entries`.
        """
        if self.config.mode == "concurrent" or not isinstance(self.runner, LocalRunner):
            return {}  # written by another thread, or held in another process
        batches = self.runner.batches.values()
        return {
            stream: held for batch in batches for stream, held in own_entries(batch, known).items()
        }

    def collect(self, trace: Trace) -> None:
        """Put the arrays a viewer needs beside the events: half precision, of the tokens the cache
        still holds.
        """
        context = self.river.context
        if not context.num_tokens:
            return
        layers = np.unique(np.linspace(0, self.prism.spec.num_layers - 1, 4).astype(np.int64))
        space = "keys" if self.prism.rotary is not None else "rotated"
        keys = [
            self._heads(context.points(space, layer=int(layer), centre=False)) for layer in layers
        ]
        trace.arrays = {
            "layers": layers,
            "keys": np.stack(keys),
            "hidden": _half(context.middle),
            "positions": context.positions.cpu().numpy(),
            "attention": context.received().cpu().numpy(),
        }
        if self._thoughts:
            trace.arrays["thoughts"] = torch.stack(self._thoughts).numpy()

    def _open(self, stream: Stream, snapshot: Snapshot) -> list[Event]:
        after: list[Event] = []
        try:
            focus = focus_of(self.river.context, stream, snapshot, self.config.synapse.focus)
            self._steps[stream.id] = snapshot.step
            self.runner.open(stream, snapshot, focus=focus)
        except RuntimeError as error:  # out of memory: this stream ends, nobody else
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

    def _judge(self, outcome: StepOutcome, *, theta: float, can_inject: bool) -> list[Event]:
        stream = outcome.stream
        state = outcome.state
        gate = self.config.gate
        assert state is not None
        self._thoughts.append(state.middle.cpu())
        text = stream.text.strip()
        thought = Thought(
            step=self.step,
            stream=stream.id,
            text=text,
            num_tokens=len(stream.ids),
            reason=stream.reason or "",
            vector=len(self._thoughts) - 1,
        )
        scores = similarities(self.river.state(stream.trigger), state, self.river.statistics())
        scores = {name: round(score, 6) for name, score in scores.items()}
        accepted = bool(text) and (
            not gate.enabled or decide(scores, scorer=gate.scorer, theta=theta)
        )
        decision = GateDecision(
            step=self.step,
            stream=stream.id,
            accepted=accepted,
            similarity=scores[gate.scorer],
            threshold=theta,
            scorer=gate.scorer,
            similarities=scores,
        )
        events: list[Event] = [thought, decision]
        if accepted and can_inject and self.injector.can_inject(text):
            events.append(self._inject(text, stream.id))
        events.append(Finish(step=self.step, stream=stream.id, reason=stream.reason or ""))
        return events

    def _inject(self, text: str, stream: int) -> Event:
        try:
            injection = self.injector.inject(text, stream=stream)
        # out of memory: this thought stays outside, the River goes on
        except RuntimeError as error:
            return self._failure(stream, error)
        return Inject(
            step=self.step,
            injection=injection.id,
            stream=stream,
            text=injection.text,
            positions=list(injection.positions),
            anchor=injection.anchor,
        )

    def _heads(self, cloud: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float16]]:
        heads = cloud.view(len(cloud), self.prism.spec.num_kv_heads, -1)  # [T, H_kv, D]
        return _half(heads.transpose(0, 1))


def focus_of(context: Context, stream: Stream, snapshot: Snapshot, count: int) -> SharedKV | None:
    """Choose a stream's focus landmarks, note their positions on it, and return a copy of their
    entries.
    """
    if not count or snapshot.policy == "all":
        return None
    rows = focus_rows(context, stream.prompt, taken=snapshot.kv.positions, count=count)
    stream.focus = context.store.positions[rows].tolist()
    return context.store.gather(rows)


def header(prism: Prism, config: CortexConfig, context: Context, prompt: str) -> RunStart:
    """Return the first event of a run."""
    versions = {name: version(name) for name in ("torch", "transformers", "numpy")}
    return RunStart(
        step=context.num_tokens,
        model=prism.spec.name,
        checksum=prism.spec.checksum,
        prompt=prompt,
        prompt_tokens=list(context.tokens),
        seed=config.seed,
        config=config.to_dict(),
        versions={"python": platform.python_version(), **versions},
    )


def check_config(config: CortexConfig, *, num_tokens: int) -> None:
    """Raise a ValueError for settings that this model or prompt cannot have, before any work is
    done.
    """
    if config.synapse.policy != "all":
        check_k(config.synapse.k, num_tokens)


def _half(tensor: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float16]]:
    limit = torch.finfo(torch.float16).max
    return tensor.float().clamp(-limit, limit).half().cpu().numpy()
