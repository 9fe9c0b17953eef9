"""Streams on other machines, through Ray: snapshots go out, thoughts come back.

A small snapshot is put into Ray's object store once, and every worker, which has its own Prism,
reads it there. A lost worker's streams are sent to another one. Needs the extra `warpviz[ray]`.
"""

import os
import secrets
import sys
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import StreamConfig
from warp_cortex.config.checks import whole
from warp_cortex.model.detokenize import Detokenizer
from warp_cortex.prism import Prism
from warp_cortex.remote.codec import pack, to_arrays
from warp_cortex.remote.ray_worker import Worker
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState
from warp_cortex.voice.profiles import settle_streams

LOOPBACK = "127.0.0.1"
POLL_S = 0.005
MAX_LOSSES = 8  # after so many lost workers, streams end with an error instead of being sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class RayStreams:
    """Ray workers for streams: `Cortex(prism, streams=RayStreams(address="10.0.0.1:6379"))`.

    address: of a running cluster; "local" starts one on this machine, whose servers listen on
    127.0.0.1 and ask for a token, without dashboard and usage statistics; None uses the cluster
    that this process is connected to.
    """

    address: str | None = "local"
    workers: int = 2
    device: str = "cpu"

    def __post_init__(self) -> None:
        whole("workers", self.workers, least=1)

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> "RayRunner":
        """Start the workers and return the runner of one run.

        Raises:
            ValueError: workers cannot load the model by name.
        """
        if prism.source is None:
            msg = (
                f"workers cannot load {prism.spec.name!r}: "
                "RayStreams needs a Prism made by Prism.load(name)"
            )
            raise ValueError(msg)
        prism.refuse_edits()
        if self.address == "local":
            _ask_for_a_token()
        ray = _ray()
        if not ray.is_initialized():
            _start(ray, self.address)
        return RayRunner(self, prism, settle_streams(config, prism.voice), seed=seed)


@dataclass(slots=True)
class _Job:
    """An open stream, with what a worker needs for it."""

    stream: Stream
    snapshot: Snapshot
    focus: SharedKV | None


@dataclass(slots=True)
class RayRunner:
    """A `StreamRunner` whose streams think in Ray workers."""

    backend: RayStreams
    prism: Prism
    config: StreamConfig
    seed: int
    # snapshot version -> bytes put into the object store
    bytes_sent: dict[int, int] = field(default_factory=dict)
    num_losses: int = 0
    workers: list[Any] = field(default_factory=list)
    _inbox: deque[_Job] = field(default_factory=deque)
    _busy: dict[Any, tuple[int, list[_Job]]] = field(default_factory=dict)
    _sent: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workers = [self._hire() for _ in range(self.backend.workers)]

    @property
    def is_idle(self) -> bool:
        """Whether no stream is open."""
        return not self._inbox and not self._busy

    @property
    def num_active(self) -> int:
        """Number of streams that a worker has."""
        return sum(len(jobs) for _, jobs in list(self._busy.values()))

    @property
    def private_bytes(self) -> int:
        """Bytes of private entries on this machine: 0, the workers hold them."""
        return 0

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots that open streams read, in version order."""
        jobs: list[_Job] = [
            *self._inbox,
            *(job for _, group in list(self._busy.values()) for job in group),
        ]
        found = {job.snapshot.version: job.snapshot for job in jobs}
        return [found[version] for version in sorted(found)]

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Queue a stream; streams are sent in the order of opening."""
        self._inbox.append(_Job(stream, snapshot, focus))

    def step(self) -> list[StepOutcome]:
        """Send queued streams to free workers; return outcomes, within a few milliseconds."""
        self._dispatch()
        if not self._busy:
            return []
        done, _ = _ray().wait(list(self._busy), num_returns=1, timeout=POLL_S)
        return [outcome for ref in done for outcome in self._collect(ref)]

    def close(self, reason: str) -> list[Stream]:
        """End the open streams and the workers."""
        ray = _ray()
        jobs: list[_Job] = [
            *self._inbox,
            *(job for _, group in self._busy.values() for job in group),
        ]
        for job in jobs:
            job.stream.reason = reason
        self._inbox.clear()
        self._busy.clear()
        for worker in self.workers:
            ray.kill(worker)
        self.workers = []
        self._sent = {}
        return [job.stream for job in jobs]

    def _hire(self) -> Any:
        gpus = 0 if self.backend.device == "cpu" else 1
        # no CPU is reserved: the run would otherwise wait for ever on a busy cluster
        worker = _ray().remote(num_cpus=0, num_gpus=gpus, scheduling_strategy="SPREAD")(Worker)
        return worker.remote(
            self.prism.source,
            self.backend.device,
            str(self.prism.dtype),
            asdict(self.config),
            self.seed,
        )

    def _dispatch(self) -> None:
        taken = {index for index, _ in self._busy.values()}
        for index, worker in enumerate(self.workers):
            if index in taken or not self._inbox:
                continue
            version = self._inbox[0].snapshot.version
            jobs: list[_Job] = []
            while (
                self._inbox
                and len(jobs) < self.config.slots
                and self._inbox[0].snapshot.version == version
            ):
                jobs.append(self._inbox.popleft())
            orders = [_order(job) for job in jobs]
            self._busy[worker.think.remote(self._send(jobs[0].snapshot), orders)] = (index, jobs)

    def _send(self, snapshot: Snapshot) -> Any:
        if snapshot.version not in self._sent:
            packed = pack(snapshot)
            self.bytes_sent[snapshot.version] = sum(
                a.nbytes for a in packed.values() if isinstance(a, np.ndarray)
            )
            self._sent[snapshot.version] = _ray().put(packed)
        return self._sent[snapshot.version]

    def _collect(self, ref: Any) -> list[StepOutcome]:
        ray = _ray()
        index, jobs = self._busy.pop(ref)
        try:
            results = ray.get(ref)
        except ray.exceptions.RayActorError as error:
            return self._replace(index, jobs, error)
        except ray.exceptions.RayError as error:  # the work failed, or an object was lost
            # the lost object may be the snapshot: the next streams send it again
            self._sent.pop(jobs[0].snapshot.version, None)
            return [self._fail(job, str(getattr(error, "cause", error))) for job in jobs]
        return [
            o for job, result in zip(jobs, results, strict=True) for o in self._report(job, result)
        ]

    def _replace(self, index: int, jobs: list[_Job], error: Exception) -> list[StepOutcome]:
        """Start another worker for a lost one and queue the lost one's streams first."""
        self.num_losses += 1
        self.workers[index] = self._hire()
        if self.num_losses > MAX_LOSSES:
            return [self._fail(job, f"worker lost: {error}") for job in jobs]
        self._inbox.extendleft(reversed(jobs))
        return []

    def _report(self, job: _Job, result: dict[str, Any]) -> list[StepOutcome]:
        if result["error"] is not None:
            return [self._fail(job, result["error"])]
        stream = job.stream
        pieces = Detokenizer(self.prism.decode).push_all(result["ids"])
        stream.ids = list(result["ids"])
        stream.text = result["text"]
        stream.reason = result["reason"]
        tokens = enumerate(zip(stream.ids, pieces, strict=True))
        outcomes = [
            StepOutcome(stream, token=token, index=at, piece=piece) for at, (token, piece) in tokens
        ]
        state = GateState(middle=torch.tensor(result["middle"]), last=torch.tensor(result["last"]))
        return [*outcomes, StepOutcome(stream, state=state)]

    def _fail(self, job: _Job, message: str) -> StepOutcome:
        job.stream.reason = "error"
        return StepOutcome(job.stream, error=(message.splitlines() or ["unknown error"])[0])


def _order(job: _Job) -> dict[str, Any]:
    stream = job.stream
    focus = None if job.focus is None else to_arrays(job.focus)
    return {"id": stream.id, "task": stream.task, "prompt": stream.prompt, "focus": focus}


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        msg = "streams on other machines need Ray; install the extra: pip install 'warpviz[ray]'"
        raise ModuleNotFoundError(msg) from error
    return ray


def _start(ray: Any, address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address != "local":
        ray.init(address=address, log_to_driver=False)
        return
    with _on_loopback(ray):
        ray.init(
            address="local",
            include_dashboard=False,
            _node_ip_address=LOOPBACK,
            log_to_driver=False,
        )


def _ask_for_a_token() -> None:
    """Choose the token of a cluster of this process's own, which its daemons and workers inherit.

    Without one they answer any process of this machine. Ray reads the mode once, at its import.
    """
    if "RAY_AUTH_MODE" in os.environ:
        return
    if "ray" in sys.modules:
        msg = (
            "ray was imported before RayStreams started it, so its cluster asks for no token: "
            "import it later, or set RAY_AUTH_MODE"
        )
        warnings.warn(msg, RuntimeWarning, stacklevel=3)
        return
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def _on_loopback(ray: Any) -> Iterator[None]:
    """Keep Ray from replacing 127.0.0.1 by the address of a network card during a block.

    On Linux it does so without an option against it, and its servers then listen on all addresses.
    A server whose node is 127.0.0.1 listens there only. A test looks at the open sockets.
    """
    modules = (ray._private.services, ray.util)  # noqa: SLF001 - no public way
    previous = [module.get_node_ip_address for module in modules]
    for module in modules:
        module.get_node_ip_address = lambda *_, **__: LOOPBACK
    try:
        yield
    finally:
        for module, function in zip(modules, previous, strict=True):
            module.get_node_ip_address = function
