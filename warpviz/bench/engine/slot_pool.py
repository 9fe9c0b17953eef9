"""A fixed number of slots through which any number of agents pass: who ends makes room for the next
one at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from warp_cortex import Prism, Snapshot
from warp_cortex.agents.stepper import EMPTY, Room, Stepper

Ids = NDArray[np.int64]
MOST_WORDS = 2**15  # thoughts are int16


@dataclass(slots=True, eq=False)
class SlotBatch:
    """Agents whose results are stored together: their tasks as tokens, and what has come of them so
    far.

    tasks: [N, P], padded with EMPTY. thoughts: int16 [N, most], padded with -1. middle: float32 [N,
    C], mean of the thought's middle states. ended: whether the model ended the thought (else it ran
    into the limit).
    """

    number: int
    tasks: Ids
    thoughts: NDArray[np.int16]
    middle: NDArray[np.float32]
    ended: NDArray[np.bool_]
    left: int

    @classmethod
    def of(cls, number: int, tasks: list[list[int]], *, most: int, width: int) -> "SlotBatch":
        """Return a batch nobody has thought about yet; `width` is C."""
        padded = np.full((len(tasks), max(map(len, tasks))), EMPTY, dtype=np.int64)
        for row, task in enumerate(tasks):
            padded[row, : len(task)] = task
        count = len(tasks)
        return cls(
            number,
            padded,
            np.full((count, most), -1, np.int16),
            np.zeros((count, width), np.float32),
            np.zeros(count, np.bool_),
            count,
        )

    @property
    def task_tokens(self) -> int:
        """Of all tasks together."""
        return int((self.tasks != EMPTY).sum())

    @property
    def thought_tokens(self) -> int:
        """Of all thoughts together, the end not counted."""
        return int((self.thoughts >= 0).sum())


class Crew:
    """The slots of one process. All agents see `snapshot`; each thinks greedily to the end of its
    thought.

    most: tokens of a thought after which it is cut off. longest: tokens of the longest task.

    Raises:
        ValueError: the model has no end of text, or more words than a stored thought can name.
    """

    def __init__(
        self, prism: Prism, snapshot: Snapshot, *, slots: int, longest: int, most: int
    ) -> None:
        if not prism.stop_ids or prism.spec.vocab_size > MOST_WORDS:
            msg = (
                f"model {prism.spec.name!r} has {prism.spec.vocab_size:,} tokens and {len(prism.stop_ids)} of them end "
                f"a text; thoughts are stored of models with at most {MOST_WORDS:,}, at least one of which does"
            )
            raise ValueError(msg)
        room = Room(agents=slots, capacity=longest + most + 1)
        self.stepper = Stepper(prism, room, shared=snapshot.kv, base=snapshot.step)
        self.most = most
        self.slots = slots
        self._stop = np.array(sorted(prism.stop_ids), dtype=np.int64)
        self._script = self.stepper.script.numpy()
        self._lengths = self.stepper.lengths.numpy()
        self._from = self.stepper.thinks_from.numpy()
        self._middle = self.stepper.middle.numpy()

    def think(
        self, batches: Iterator[SlotBatch], stop: Callable[[], bool] = lambda: False
    ) -> Iterator[SlotBatch]:
        """Let everybody think and yield batches as they are finished; `stop` is asked before every
        step.
        """
        supply = _Supply(batches)
        holders: list[SlotBatch | None] = [None] * self.slots
        rows = np.zeros(self.slots, dtype=np.int64)  # of each slot's agent in its batch
        free = np.arange(self.slots)
        while not stop():
            self._seat(free, supply, holders, rows)
            if all(holder is None for holder in holders):
                return
            self.stepper.step()
            free = self._ended(holders)
            yield from self._collect(free, holders, rows)

    def _seat(
        self, free: Ids, supply: "_Supply", holders: list[SlotBatch | None], rows: Ids
    ) -> None:
        for slot in free:
            found = supply.next()
            if found is None:
                holders[slot] = None
                self._idle(slot)
                continue
            batch, row = found
            holders[slot] = batch
            rows[slot] = row
            task = batch.tasks[row]
            self._script[slot] = EMPTY
            self._script[slot, : len(task)] = task
            self._from[slot] = (task != EMPTY).sum()
            self._lengths[slot] = 0
            self._middle[slot] = 0

    def _idle(self, slot: int) -> None:
        """Let a slot that nobody needs repeat its first entry."""
        self._script[slot] = self._stop[0]
        self._lengths[slot] = 0
        self._from[slot] = self.stepper.room.capacity

    def _ended(self, holders: list[SlotBatch | None]) -> Ids:
        """Return the slots whose agents have just ended."""
        following = self._script[np.arange(self.slots), self._lengths]
        thought = self._lengths - self._from
        over = (thought >= 0) & (np.isin(following, self._stop) | (thought >= self.most))
        slots: Ids = np.flatnonzero(over)
        return slots[[holders[slot] is not None for slot in slots]] if len(slots) else slots

    def _collect(
        self, slots: Ids, holders: list[SlotBatch | None], rows: Ids
    ) -> Iterator[SlotBatch]:
        """Store what the agents in these slots thought; yield the batches that are complete now."""
        for slot in slots:
            batch = holders[slot]
            row = rows[slot]
            assert batch is not None
            first = self._from[slot]
            last = self._lengths[slot]
            batch.thoughts[row, : last - first] = self._script[slot, first:last]
            batch.middle[row] = self._middle[slot] / max(1, last - first)
            batch.ended[row] = self._script[slot, last] in self._stop
            batch.left -= 1
            if batch.left == 0:
                yield batch


class _Supply:
    """Agents one after the other out of batches that are made when they are needed."""

    def __init__(self, batches: Iterator[SlotBatch]) -> None:
        self._agents = ((batch, row) for batch in batches for row in range(len(batch.tasks)))

    def next(self) -> tuple[SlotBatch, int] | None:
        """Return the next agent: its batch and its row there; None when there is none left."""
        return next(self._agents, None)


def tokens_of(prism: Prism, texts: list[str]) -> list[list[int]]:
    """Return the ids of many texts, none of them the beginning of a document."""
    found: list[list[int]] = prism.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return found
