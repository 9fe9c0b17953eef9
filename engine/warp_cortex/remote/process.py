"""Streams in a process of their own on this machine, so that they share no interpreter with the
River.

The model is loaded twice; snapshots and thoughts travel as frames.
"""

import queue
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Self

import torch

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import StreamConfig, whole
from warp_cortex.prism import Prism
from warp_cortex.remote.codec import pack, split, to_arrays
from warp_cortex.remote.messages import Arrays
from warp_cortex.remote.process_client import Inbox, WorkerProcess
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState

POLL_S = 0.005


class ProcessStreams:
    """Where streams think: `Cortex(prism, config, streams=ProcessStreams())`, best with
    `mode="concurrent"`.

    threads: of the other process' arithmetic. device: of its model, which may be another one than
    the River's. The process is started by the first run and serves later ones; `close()`, a `with`
    block or the interpreter's end ends it. It serves one run at a time: a new one ends the streams
    of the one before. Thoughts arrive when they are ready: two runs of the same seed may differ in
    when, never in what a stream thinks.
    """

    def __init__(self, *, threads: int = 1, device: str = "cpu") -> None:
        whole("threads", threads, least=1)
        self.threads = threads
        self.device = device
        self._worker: WorkerProcess | None = None

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> "ProcessRunner":
        """Return the lane of one run; waits for the process to have loaded the model when it was
        not running.

        Raises:
            ValueError: the model cannot be loaded by name there, or is not the same one.
        """
        if prism.source is None:
            msg = (
                f"another process cannot load {prism.spec.name!r}: "
                "ProcessStreams needs a Prism of Prism.load(name)"
            )
            raise ValueError(msg)
        if (
            self._worker is None
            or self._worker.has_ended
            or self._worker.serves != (prism.spec.checksum, prism.dtype)
        ):
            self.close()
            self._worker = WorkerProcess(prism, threads=self.threads, device=self.device)
        return ProcessRunner(self._worker, config, seed)

    def close(self) -> None:
        """End the process; a later run starts another."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(slots=True)
class ProcessRunner:
    """A stream lane whose streams think in another process; the same calls as `StreamLane`."""

    worker_process: WorkerProcess
    config: StreamConfig
    seed: int
    private_bytes: int = 0  # of the streams' own entries, as the process last told
    _run: int = 0
    _inbox: Inbox = field(default_factory=queue.SimpleQueue)
    _open: dict[int, tuple[Stream, Snapshot]] = field(default_factory=dict)
    _sent: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._run, self._inbox = self.worker_process.begin()
        self._send({"kind": "begin", "config": asdict(self.config), "seed": self.seed})

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits or thinks."""
        return not self._open

    @property
    def num_active(self) -> int:
        """Streams the process has been given and that have not ended."""
        return len(self._open)

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots somebody still reads, in version order."""
        found = {snapshot.version: snapshot for _, snapshot in list(self._open.values())}
        return [found[version] for version in sorted(found)]

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Send a stream, and its snapshot if the process does not have it."""
        if snapshot.version not in self._sent:
            self._sent.add(snapshot.version)
            record, arrays = split(pack(snapshot))
            self._send(
                {"kind": "snapshot", "version": snapshot.version, "snapshot": record}, arrays
            )
        self._open[stream.id] = (stream, snapshot)
        _, arrays = split({} if focus is None else to_arrays(focus))
        order = {
            "id": stream.id,
            "task": stream.task,
            "version": snapshot.version,
            "prompt": stream.prompt,
        }
        self._send({"kind": "open", **order}, arrays)

    def step(self) -> list[StepOutcome]:
        """Return what has been told since the last call; waits a few milliseconds when nothing has
        been.
        """
        outcomes: list[StepOutcome] = []
        wait = True
        while not self.is_idle:
            try:
                frame = self._inbox.get(timeout=POLL_S) if wait else self._inbox.get_nowait()
            except queue.Empty:
                return outcomes + self._lost()
            wait = False
            outcomes += self._heard(*frame) if frame is not None else []
        return outcomes

    def close(self, reason: str) -> list[Stream]:
        """End everybody who still waits or thinks; the process stays for the next run."""
        streams = [stream for stream, _ in self._open.values()]
        for stream in streams:
            stream.reason = reason
        self._open.clear()
        self.private_bytes = 0
        self._send({"kind": "end"})
        return streams

    def _send(self, order: dict[str, Any], arrays: Arrays | None = None) -> None:
        self.worker_process.send({**order, "run": self._run}, arrays)

    def _heard(self, record: dict[str, Any], arrays: Arrays) -> list[StepOutcome]:
        self.private_bytes = record["private_bytes"]
        states = iter(torch.from_numpy(arrays["states"]) if arrays else ())
        told = [each for each in record["outcomes"] if each["stream"] in self._open]
        return [self._outcome(each, states) for each in told]

    def _outcome(self, told: dict[str, Any], states: Iterator[torch.Tensor]) -> StepOutcome:
        stream, _ = self._open[told["stream"]]
        if "token" in told:
            stream.ids.append(told["token"])
            stream.text += told["piece"]
            return StepOutcome(
                stream, token=told["token"], index=told["index"], piece=told["piece"]
            )
        stream.text = told["text"]
        stream.reason = told["reason"]
        del self._open[stream.id]
        if told["error"] is not None:
            return StepOutcome(stream, error=told["error"])
        middle, last = next(states)
        return StepOutcome(stream, state=GateState(middle=middle, last=last))

    def _lost(self) -> list[StepOutcome]:
        """End everybody if the process is gone or serves another run, and with it what they had
        thought.
        """
        if self.worker_process.has_ended:
            why = f"the process for streams has ended ({self.worker_process.why_ended()})"
        elif self._run != self.worker_process.num_runs:
            why = (
                "the process for streams serves another run by now; "
                "runs at the same time need a ProcessStreams each"
            )
        else:
            return []
        return [StepOutcome(stream, error=why) for stream in self.close("error")]
