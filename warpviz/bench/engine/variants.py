"""The arms that are compared: what N agents over one context cost, by the way they share it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import psutil
import torch
from torch import Tensor
from warp_cortex import Context, Prism, SharedKV, Snapshot
from warp_cortex.agents.stepper import Room, Stepper
from warp_cortex.attention.shared import Plan

LANDMARKS = "landmarks shared"
FULL = "full cache shared"
LANDMARKS_COPIED = "landmarks copied"
FULL_COPIED = "full cache copied"
THREADS = "a thread each"
BATCHED = (LANDMARKS, FULL, LANDMARKS_COPIED, FULL_COPIED)
ARMS = (*BATCHED, THREADS)
MARGIN = 0.92  # of the free bytes: allocators round up
Lane = torch.cuda.Stream | None  # a CPU has none


@dataclass(frozen=True, slots=True, eq=False)
class BenchSetting:
    """One context with its published landmarks, and how much each agent writes by itself (its task
    included).
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
    logits: int = min(agents, 512) * spec.vocab_size * scene.prism.dtype.itemsize
    return agents * (scene.own + copied) * spec.kv_bytes_per_token + 2 * logits


def bytes_free(device: torch.device) -> int:
    """Return what may still be allocated."""
    if device.type == "cuda":
        free: int = torch.cuda.mem_get_info(device)[0]
        return int(free * MARGIN)
    return int(psutil.virtual_memory().available * MARGIN)


def lacking(scene: BenchSetting, arm: str, agents: int) -> str | None:
    """Return which bytes so many agents need and are not free, or None if they are."""
    need = bytes_needed(scene, arm, agents)
    free = bytes_free(scene.prism.device)
    return f"needs {need:,} bytes, {free:,} are free" if need > free else None


def seat(scene: BenchSetting, arm: str, tasks: Tensor, *, rows: int = 512) -> Stepper:
    """Give every agent its slot, its task and, where the arm copies, its own copy of what it
    sees.
    """
    agents = len(tasks)
    block = scene.block(arm)
    copies = arm in {LANDMARKS_COPIED, FULL_COPIED}
    common = block.num_entries if copies else 0
    room = Room(agents=agents, capacity=scene.own + common, common=common, rows=rows)
    stepper = Stepper(scene.prism, room, shared=None if copies else block, base=scene.base)
    if copies:
        stepper.data[:, 0, :, :, :common] = block.keys[:, None]
        stepper.data[:, 1, :, :, :common] = block.values[:, None]
    stepper.seat(tasks.to(scene.prism.device))
    return stepper


def fill(stepper: Stepper) -> None:
    """Write over what agents have not written of their slots: memory nobody has touched is not
    really held.
    """
    stepper.data[:, :, :, :, int(stepper.lengths.min()) :] = 0


def river(scene: BenchSetting, *, tokens: int, stream: Lane = None) -> Stepper:
    """Return the River as one agent that sees the whole cache, ready to write `tokens`."""
    stepper = Stepper(
        scene.prism,
        Room(agents=1, capacity=tokens),
        shared=scene.context.store.share(),
        base=scene.base,
    )
    stepper.seat(torch.tensor([[5]], device=scene.prism.device))
    if scene.prism.device.type == "cuda":
        stepper.capture(stream)
    else:
        stepper.run(1)
    return stepper


def lane(device: torch.device, *, high: bool = False) -> Lane:
    """Return a CUDA stream of high or low priority."""
    if device.type != "cuda":
        return None
    return torch.cuda.Stream(device, priority=-1 if high else 0)  # type: ignore[no-untyped-call]


class ThreadedAgent(threading.Thread):
    """One agent as the paper has it: a thread, a CUDA stream, a cache of its own and a forward pass
    of its own.
    """

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
        """Think `tokens` tokens, the task first; what ends it early is kept as `failure`."""
        self.gate.wait()
        try:
            with torch.cuda.stream(self.stream):
                token = self.task[0]
                for number in range(self.tokens):
                    following = self._forward(token, self.scene.base + number)
                    token = self.task[number + 1] if number + 1 < len(self.task) else following
        except Exception as error:
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
def busy(stepper: Runs, stream: Lane) -> Iterator[list[float]]:
    """Keep a batch stepping in another thread, on `stream` where there is one, and yield its steps'
    end times.

    What ended the batch early is raised at the end of the block: whatever was measured beside it is
    worth nothing.
    """
    stop = threading.Event()
    ends: list[float] = []
    failures: list[Exception] = []

    def work() -> None:
        """Step until told to stop."""
        try:
            with torch.cuda.stream(stream):
                while not stop.is_set():
                    stepper.run(1)
                    if stream is not None:
                        stream.synchronize()
                    ends.append(time.perf_counter())
        except Exception as error:
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
