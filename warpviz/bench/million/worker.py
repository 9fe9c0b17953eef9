"""One process of the million: its text, its share of agents, their judgements, their shards."""

import multiprocessing
import queue
import resource
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from warp_cortex import Context, Prism, Snapshot, Synapse, SynapseConfig

from warpviz.bench.engine.slot_pool import Crew, SlotBatch, tokens_of
from warpviz.bench.million.shards import Shards, take
from warpviz.bench.million.tasks import AgentTask, VillageTasks

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Event

AXES = 32  # numbers kept of each thought's vector
PILOT = 2048  # agents whose thoughts decide the axes
LONGEST = 32
MOST = 24


@dataclass(frozen=True, slots=True)
class WorkPlan:
    """Everything the results depend on."""

    model: str
    dtype: str
    agents: int
    seed: int
    context: int
    k: int
    shard: int
    theta: float = 0.3

    def record(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ThoughtNote:
    """What a process reports after a shard."""

    number: int
    agents: int
    task_tokens: int
    thought_tokens: int
    ended: int
    accepted: int
    cpu_seconds: float
    peak_bytes: int


class Workshop:
    """A model that has read the text, its landmarks, and the direction the River thinks in."""

    def __init__(self, plan: WorkPlan) -> None:
        self.plan = plan
        self.tasks = VillageTasks(plan.seed)
        self.prism = Prism.load(plan.model, dtype=getattr(torch, plan.dtype))
        text = self.tasks.text(lambda piece: len(self.prism.encode(piece)), plan.context)
        self.context: Context = self.prism.read(text)
        self.snapshot: Snapshot = Synapse(SynapseConfig(k=plan.k), seed=plan.seed).publish(
            self.context
        )
        states = self.context.middle.float()
        trigger = len(self.prism.encode(self.tasks.trigger))
        self.mean = states.mean(0).numpy()
        self.wanted = states[-trigger:].mean(0).numpy() - self.mean

    def batch(self, number: int, members: range) -> SlotBatch:
        """Return agents with their tasks as tokens."""
        texts = [self.prompt(self.tasks.task(agent)) for agent in members]
        tasks = tokens_of(self.prism, texts)
        return SlotBatch.of(number, tasks, most=MOST, width=self.prism.spec.hidden_size)

    @staticmethod
    def prompt(task: AgentTask) -> str:
        """Return what the agent reads after the landmarks."""
        return f" [TASK: {task.text}] thought:"

    def crew(self, slots: int) -> Crew:
        """Return empty slots."""
        return Crew(self.prism, self.snapshot, slots=slots, longest=LONGEST, most=MOST)

    def similarities(self, middle: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the `centred` gate's similarity, [N], of thoughts [N, C] to the River's wish."""
        shifted = middle - self.mean
        lengths = np.linalg.norm(shifted, axis=1) * np.linalg.norm(self.wanted)
        similar: NDArray[np.float32] = np.divide(
            shifted @ self.wanted, lengths, where=lengths > 0, out=lengths * 0
        )
        return similar

    def axes(self, slots: int) -> dict[str, NDArray[np.float32]]:
        """Return mean and principal axes [AXES, C] of the first agents' thoughts."""
        pilot = self.batch(0, range(min(PILOT, self.plan.agents)))
        (done,) = self.crew(slots).think(iter([pilot]))
        mean = done.middle.mean(0)
        _, spread, axes = np.linalg.svd(done.middle - mean, full_matrices=False)
        share = np.square(spread) / np.square(spread).sum()
        return {"mean": mean, "axes": axes[:AXES], "share": share[:AXES].astype(np.float32)}

    def arrays(
        self, batch: SlotBatch, members: range, basis: dict[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Return what is stored of a finished batch."""
        tasks = [self.tasks.task(agent) for agent in members]
        similar = self.similarities(batch.middle)
        empty = batch.thoughts[:, 0] < 0
        return {
            "agent": np.array(members, dtype=np.int32),
            "question": np.array([task.question for task in tasks], dtype=np.int16),
            "known": np.array([task.known for task in tasks]),
            "thought": batch.thoughts,
            "ended": batch.ended,
            "similarity": np.where(empty, -1, similar).astype(np.float16),
            "accepted": (similar >= self.plan.theta) & ~empty,
            "vector": ((batch.middle - basis["mean"]) @ basis["axes"].T).astype(np.float16),
        }


def work(
    plan: WorkPlan,
    slots: int,
    folder: Path,
    *,
    numbers: Iterator[int],
    tell: Callable[[ThoughtNote], None],
    stop: Callable[[], bool],
) -> None:
    """Let the agents of these shards think; write each shard when its last agent has ended."""
    workshop = Workshop(plan)
    shards = Shards(folder, plan.agents, plan.shard)
    basis = take(folder / "axes.npz")
    before = time.process_time()
    batches = (workshop.batch(number, shards.members(number)) for number in numbers)
    with torch.inference_mode():
        for done in workshop.crew(slots).think(batches, stop):
            arrays = workshop.arrays(done, shards.members(done.number), basis)
            shards.write(done.number, arrays)
            now = time.process_time()
            tell(
                ThoughtNote(
                    done.number,
                    len(done.tasks),
                    done.task_tokens,
                    done.thought_tokens,
                    int(done.ended.sum()),
                    int(arrays["accepted"].sum()),
                    now - before,
                    peak_bytes(),
                )
            )
            before = now


def work_beside(
    plan: WorkPlan,
    slots: int,
    folder: Path,
    *,
    numbers: "Queue[int]",
    notes: "Queue[ThoughtNote]",
    stop: "Event",
) -> None:
    """Do `work` in a process of its own, on one thread.

    The parent handles Ctrl-C; this process goes on without it until `stop`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    parent = multiprocessing.parent_process()

    def over() -> bool:
        """Return whether to stop: a parent that was killed cannot set `stop`."""
        return stop.is_set() or (parent is not None and not parent.is_alive())

    def taken() -> Iterator[int]:
        """Yield the numbers of shards as they are taken from the queue."""
        while True:
            try:
                yield numbers.get(timeout=0.2)
            except queue.Empty:
                return

    work(plan, slots, folder, numbers=taken(), tell=notes.put, stop=over)


def peak_bytes() -> int:
    """Return the most this process has held in memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
