"""The variants that are compared: what N agents over one context cost, by how they share it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

import psutil
import torch
from torch import Tensor
from warp_cortex import Context, Prism, SharedKV, Snapshot, StreamBatch
from warp_cortex.agents.runner import TOGETHER
from warp_cortex.agents.sampling import choose_all
from warp_cortex.attention.shared import Plan
from warp_cortex.model.forward_pass import Pass

LANDMARKS = "landmarks shared"
FULL = "full cache shared"
LANDMARKS_COPIED = "landmarks copied"
FULL_COPIED = "full cache copied"
THREADS = "a thread each"
BATCHED = (LANDMARKS, FULL, LANDMARKS_COPIED, FULL_COPIED)
ARMS = (*BATCHED, THREADS)
MARGIN = 0.92  # of the free bytes: allocators round up
WRITTEN = 5  # the token a River under measurement writes, whatever it would choose
Lane = torch.cuda.Stream | None  # a CPU has none


@dataclass(frozen=True, slots=True, eq=False)
class BenchSetting:
    """One context with its published landmarks, and how many tokens each agent has room for.

    own: tokens of an agent, its task included.
    """

    prism: Prism
    context: Context
    snapshot: Snapshot
    own: int

    @property
    def base(self) -> int:
        """Where agents' own positions begin."""
        return self.context.num_tokens

    def block(self, arm: str) -> SharedKV:
        """Return what an agent of this arm sees of the context.

        Raises:
            ValueError: there is no such arm.
        """
        if arm not in ARMS:
            msg = f"arm {arm!r} is unknown; accepted: {', '.join(ARMS)}"
            raise ValueError(msg)
        return self.context.store.share() if arm in {FULL, FULL_COPIED} else self.snapshot.kv


def bytes_needed(scene: BenchSetting, arm: str, agents: int) -> int:
    """Return the bytes of private entries and of one block of logits."""
    copied = scene.block(arm).num_entries if arm in {LANDMARKS_COPIED, FULL_COPIED, THREADS} else 0
    spec = scene.prism.spec
    logits: int = min(agents, TOGETHER) * spec.vocab_size * scene.prism.dtype.itemsize
    return agents * (scene.own + copied) * spec.kv_bytes_per_token + 2 * logits


def bytes_free(device: torch.device) -> int:
    """Return the bytes that may still be allocated."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return int(free * MARGIN)
    return int(psutil.virtual_memory().available * MARGIN)


def lacking(scene: BenchSetting, arm: str, agents: int) -> str | None:
    """Return which bytes so many agents need and are not free, or None if they are."""
    need = bytes_needed(scene, arm, agents)
    free = bytes_free(scene.prism.device)
    return f"needs {need:,} bytes, {free:,} are free" if need > free else None


class BenchStreams:
    """Streams stepped as a run steps them: `StreamBatch.step`, then the choice, read by the host.

    tokens: what each agent feeds next. own: entries an agent has room for, its task included; when
    they are used up, all agents begin again with their tasks, read as a run reads them.
    """

    def __init__(self, batch: StreamBatch, tasks: list[list[int]], *, own: int) -> None:
        self.batch = batch
        self.tasks = tasks
        self.own = own
        self.tokens: list[int] = []
        self.begin()

    def begin(self) -> None:
        """Let every agent read its task and choose its first token."""
        for slot in reversed(range(len(self.batch.agents))):
            self.batch.release(slot)
        self.tokens = []
        first = 0
        while first < len(self.tasks):
            # an agent that leads sees another block than the others
            count = 1 if self.batch.lead is not None and first == 0 else TOGETHER
            tasks = self.tasks[first : first + count]
            numbers = list(range(first, first + len(tasks)))
            self.tokens += _chosen(self.batch.admit(numbers, tasks, [None] * len(tasks)))
            first += len(tasks)

    def run(self, steps: int) -> None:
        """Feed every agent `steps` tokens."""
        for _ in range(steps):
            if self.longest >= self.own:
                self.begin()
            tokens = torch.tensor(self.tokens, device=self.batch.prism.device)
            self.tokens = _chosen(self.batch.step(tokens))

    @property
    def longest(self) -> int:
        """Entries of its own that the longest agent holds."""
        slots = self.batch.slots
        return max(held - copy for held, copy in zip(slots.lengths, slots.num_focus, strict=True))

    @property
    def num_bytes(self) -> int:
        """Bytes of the private entries."""
        return self.batch.slots.num_bytes

    def restore(self, own: int) -> None:
        """Let every agent hold `own` entries of its own, whatever is written there."""
        self.batch.slots.restore([copy + own for copy in self.batch.slots.num_focus])


def _chosen(out: Pass) -> list[int]:
    return choose_all(out.blocks(TOGETHER), temperature=0.0, generators=())


def seat(scene: BenchSetting, arm: str, tasks: Tensor) -> BenchStreams:
    """Give every agent its slot and its task, int64 [B, P], and read the tasks."""
    block = scene.block(arm)
    copied = arm in {LANDMARKS_COPIED, FULL_COPIED}
    batch = StreamBatch(
        scene.prism,
        replace(scene.snapshot, kv=block),
        slots=len(tasks),
        capacity=scene.own + (block.num_entries if copied else 0),
        copied=copied,
    )
    return BenchStreams(batch, tasks.tolist(), own=scene.own)


def fill(streams: BenchStreams) -> None:
    """Write over the unused part of the slots: memory that was never written is not really held."""
    slots = streams.batch.slots
    slots.data[:, :, :, :, min(slots.lengths) :] = 0


class BenchRiver:
    """The River as a run has it, writing a token of its context after the other; none is judged."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def run(self, steps: int) -> None:
        """Write `steps` tokens."""
        for _ in range(steps):
            self.context.write(WRITTEN)


def lane(device: torch.device, *, high: bool = False) -> Lane:
    """Return a CUDA stream of high or low priority."""
    if device.type != "cuda":
        return None
    return torch.cuda.Stream(device, priority=-1 if high else 0)  # type: ignore[no-untyped-call] # torch's


class ThreadedAgent(threading.Thread):
    """One agent as the paper has it: a thread, a CUDA stream, a cache and passes of its own."""

    def __init__(
        self, scene: BenchSetting, task: list[int], *, tokens: int, gate: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self.scene = scene
        self.task = task
        self.tokens = tokens
        self.gate = gate
        block = scene.snapshot.kv
        prism = scene.prism
        self.store = prism.new_store(block.num_entries + scene.own)
        self.store.data[:, 0, :, : block.num_entries] = block.keys
        self.store.data[:, 1, :, : block.num_entries] = block.values
        self.store.commit(block.positions, 0)
        self.stream = lane(prism.device)
        self.failure: Exception | None = None

    def run(self) -> None:
        """Think `tokens` tokens, the task first; an error that ends it is kept as `failure`."""
        self.gate.wait()
        try:
            with torch.cuda.stream(self.stream):
                token = self.task[0]
                for number in range(self.tokens):
                    following = self._forward(token, self.scene.base + number)
                    token = self.task[number + 1] if number + 1 < len(self.task) else following
        except Exception as error:  # noqa: BLE001 - raised again by the thread that measures
            self.failure = error

    def _forward(self, token: int, place: int) -> int:
        device = self.scene.prism.device
        position = torch.tensor([place], device=device)
        held = torch.cat((self.store.positions[: self.store.length], position))
        view = self.store.view(position)
        plan = Plan(position[None], held[None], span=place + 1)
        out = self.scene.prism.forward(torch.tensor([[token]], device=device), plan, view)
        view.commit()
        return int(out.logits.argmax())


class Runs(Protocol):
    """What takes steps."""

    def run(self, steps: int) -> None:
        """Take some."""


@contextmanager
def busy(streams: Runs, stream: Lane) -> Iterator[list[float]]:
    """Keep a batch stepping in another thread, on `stream` if any; yield its steps' end times.

    An error that ends the batch early is raised at the end of the block: the River's times would
    not be those of a River with company.
    """
    stop = threading.Event()
    ends: list[float] = []
    failures: list[Exception] = []

    def work() -> None:
        """Step until `stop` is set."""
        try:
            with torch.cuda.stream(stream):
                while not stop.is_set():
                    streams.run(1)
                    if stream is not None:
                        stream.synchronize()
                    ends.append(time.perf_counter())
        except Exception as error:  # noqa: BLE001 - raised again by the thread that measures
            failures.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield ends
    finally:
        stop.set()
        thread.join()
    if failures:
        raise failures[0]


def latencies(main: Runs, count: int, stream: Lane) -> list[float]:
    """Return the seconds of each of the River's next `count` tokens."""
    found = []
    with torch.cuda.stream(stream):
        for _ in range(count):
            start = time.perf_counter()
            main.run(1)
            if stream is not None:
                stream.synchronize()
            found.append(time.perf_counter() - start)
    return found
