"""Streams in a process of their own on this machine: they do not share the River's interpreter.

The model is loaded twice; snapshots and thoughts are sent as messages.
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
from warp_cortex.config import StreamConfig
from warp_cortex.config.checks import whole
from warp_cortex.prism import Prism
from warp_cortex.remote.codec import pack, split, to_arrays
from warp_cortex.remote.messages import Arrays
from warp_cortex.remote.process_client import Inbox, WorkerProcess
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState
from warp_cortex.voice.profiles import settle_streams

POLL_S = 0.005


class ProcessStreams:
    """A process for streams: `Cortex(prism, config, streams=ProcessStreams())`.

    It helps most with `mode="concurrent"`. threads: of the process' arithmetic. device: of its
    model; it may differ from the River's. The first run starts the process, later runs use it;
    `close()`, the end of a `with` block or of the interpreter ends it. It serves one run at a time:
    a new run ends the streams of the one before. Two runs of the same seed may differ in when a
    thought arrives, never in what a stream thinks.
    """

    def __init__(self, *, threads: int = 1, device: str = "cpu") -> None:
        whole("threads", threads, least=1)
        self.threads = threads
        self.device = device
        self._worker: WorkerProcess | None = None

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> "ProcessRunner":
        """Return the runner of one run; if the process is new, wait until it has the model.

        Raises:
            ValueError: the process cannot load the model by name, or loads another one.
        """
        if prism.source is None:
            msg = (
                f"another process cannot load {prism.spec.name!r}: "
                "ProcessStreams needs a Prism of Prism.load(name)"
            )
            raise ValueError(msg)
        prism.refuse_edits()
        if (
            self._worker is None
            or self._worker.has_ended
            or self._worker.serves != (prism.spec.checksum, prism.dtype)
        ):
            self.close()
            self._worker = WorkerProcess(prism, threads=self.threads, device=self.device)
        return ProcessRunner(self._worker, settle_streams(config, prism.voice), seed)

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
    """A `StreamRunner` whose streams think in another process."""

    worker_process: WorkerProcess
    config: StreamConfig
    seed: int
    private_bytes: int = 0  # of the streams' own entries, by the latest reply
    _run: int = 0
    _inbox: Inbox = field(default_factory=queue.SimpleQueue)
    _open: dict[int, tuple[Stream, Snapshot]] = field(default_factory=dict)
    _sent: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._run, self._inbox = self.worker_process.begin()
        self._send({"kind": "begin", "config": asdict(self.config), "seed": self.seed})

    @property
    def is_idle(self) -> bool:
        """Whether no stream is open."""
        return not self._open

    @property
    def num_active(self) -> int:
        """Number of streams that were sent to the process and have not ended."""
        return len(self._open)

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots that open streams read, in version order."""
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
        """Return the outcomes since the last call; if there are none, wait a few milliseconds."""
        outcomes: list[StepOutcome] = []
        wait = True
        while not self.is_idle:
            try:
                frame = self._inbox.get(timeout=POLL_S) if wait else self._inbox.get_nowait()
            except queue.Empty:
                return outcomes + self._lost()
            wait = False
            outcomes += self._received(*frame) if frame is not None else []
        return outcomes

    def close(self, reason: str) -> list[Stream]:
        """End the open streams; the process stays for the next run."""
        streams = [stream for stream, _ in self._open.values()]
        for stream in streams:
            stream.reason = reason
        self._open.clear()
        self.private_bytes = 0
        self._send({"kind": "end"})
        return streams

    def _send(self, order: dict[str, Any], arrays: Arrays | None = None) -> None:
        self.worker_process.send({**order, "run": self._run}, arrays)

    def _received(self, record: dict[str, Any], arrays: Arrays) -> list[StepOutcome]:
        self.private_bytes = record["private_bytes"]
        states = iter(torch.from_numpy(arrays["states"]) if arrays else ())
        outcomes = [each for each in record["outcomes"] if each["stream"] in self._open]
        return [self._outcome(each, states) for each in outcomes]

    def _outcome(self, record: dict[str, Any], states: Iterator[torch.Tensor]) -> StepOutcome:
        stream, _ = self._open[record["stream"]]
        if "token" in record:
            stream.ids.append(record["token"])
            stream.text += record["piece"]
            return StepOutcome(
                stream, token=record["token"], index=record["index"], piece=record["piece"]
            )
        stream.text = record["text"]
        stream.reason = record["reason"]
        del self._open[stream.id]
        if record["error"] is not None:
            return StepOutcome(stream, error=record["error"])
        middle, last = next(states)
        return StepOutcome(stream, state=GateState(middle=middle, last=last))

    def _lost(self) -> list[StepOutcome]:
        """End the open streams, with an error, if the process is gone or serves another run."""
        if self.worker_process.has_ended:
            why = f"the process for streams has ended ({self.worker_process.why_ended()})"
        elif self._run != self.worker_process.num_runs:
            why = (
                "the process for streams serves another run now; "
                "runs at the same time need a ProcessStreams each"
            )
        else:
            return []
        return [StepOutcome(stream, error=why) for stream in self.close("error")]
