"""A fixed number of slots through which any number of agents pass, stepped as a run steps them."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from warp_cortex import Prism, Snapshot, StreamBatch
from warp_cortex.agents.runner import TOGETHER
from warp_cortex.agents.sampling import choose_all
from warp_cortex.model.forward_pass import Pass

Ids = NDArray[np.int64]
EMPTY = -1  # pads tasks and thoughts
MOST_WORDS = 2**15  # thoughts are int16
REFILLS = 16  # slots are filled again when one in so many is free: short readings cost the most


@dataclass(slots=True, eq=False)
class SlotBatch:
    """Agents whose results are stored together: their tasks as tokens, and their thoughts so far.

    tasks: int64 [N, P], padded with EMPTY. thoughts: int16 [N, most], padded with EMPTY. middle:
    float32 [N, C], mean of the thought's middle states. ended: bool [N], whether the model ended
    the thought (else it reached the limit). left: agents that have not ended.
    """

    number: int
    tasks: Ids
    thoughts: NDArray[np.int16]
    middle: NDArray[np.float32]
    ended: NDArray[np.bool_]
    left: int

    @classmethod
    def of(cls, number: int, tasks: list[list[int]], *, most: int, width: int) -> "SlotBatch":
        """Return a batch whose agents have not thought yet; `width` is C."""
        padded = np.full((len(tasks), max(map(len, tasks))), EMPTY, dtype=np.int64)
        for row, task in enumerate(tasks):
            padded[row, : len(task)] = task
        count = len(tasks)
        return cls(
            number,
            padded,
            np.full((count, most), EMPTY, np.int16),
            np.zeros((count, width), np.float32),
            np.zeros(count, np.bool_),
            count,
        )

    @property
    def task_tokens(self) -> int:
        """Tokens of all tasks together."""
        return int((self.tasks != EMPTY).sum())

    @property
    def thought_tokens(self) -> int:
        """Tokens of all thoughts together, the end not counted."""
        return int((self.thoughts >= 0).sum())


@dataclass(slots=True)
class _Seat:
    """An agent in a slot: where its results go, what it has fed of its thought, what comes next."""

    batch: SlotBatch
    row: int
    token: int
    thought: list[int]


class Crew:
    """The slots of one process. All agents see `snapshot`; each thinks greedily to its end.

    most: tokens of a thought after which it is cut off. longest: tokens of the longest task.

    Raises:
        ValueError: the model has no end of text, or more words than a stored thought can name.
    """

    def __init__(
        self, prism: Prism, snapshot: Snapshot, *, slots: int, longest: int, most: int
    ) -> None:
        if not prism.stop_ids or prism.spec.vocab_size > MOST_WORDS:
            msg = (
                f"model {prism.spec.name!r} has {prism.spec.vocab_size:,} tokens and "
                f"{len(prism.stop_ids)} of them end a text; thoughts are stored of models with at "
                f"most {MOST_WORDS:,}, at least one of which does"
            )
            raise ValueError(msg)
        self.batch = StreamBatch(prism, snapshot, slots=slots, capacity=longest + most)
        self.most = most
        self.slots = slots
        self._stop = prism.stop_ids
        self._seats: list[_Seat] = []

    def think(
        self, batches: Iterator[SlotBatch], stop: Callable[[], bool] = lambda: False
    ) -> Iterator[SlotBatch]:
        """Let all agents think and yield each batch when its last agent has ended.

        stop: asked before every step; agents that have not ended then are dropped.
        """
        waiting = ((batch, row) for batch in batches for row in range(len(batch.tasks)))
        is_open = True
        while not stop():
            free = self.slots - len(self._seats)
            if is_open and free >= max(1, self.slots // REFILLS):
                is_open = self._admit(waiting, free)
            yield from self._collect()
            if self._seats:
                self._step()
            elif not is_open:
                return

    def _admit(self, waiting: Iterator[tuple[SlotBatch, int]], free: int) -> bool:
        """Give free slots to waiting agents; return whether more may wait."""
        found = list(itertools.islice(waiting, free))
        for start in range(0, len(found), TOGETHER):
            part = found[start : start + TOGETHER]
            tasks = [
                [int(token) for token in batch.tasks[row] if token != EMPTY] for batch, row in part
            ]
            out = self.batch.admit(list(range(len(part))), tasks, [None] * len(part))
            self._seats += [
                _Seat(batch, row, token, [])
                for (batch, row), token in zip(part, _chosen(out), strict=True)
            ]
        return len(found) == free

    def _step(self) -> None:
        """Feed every agent its next token and choose the one after it."""
        tokens = [seat.token for seat in self._seats]
        out = self.batch.step(torch.tensor(tokens, device=self.batch.prism.device))
        for seat, token in zip(self._seats, _chosen(out), strict=True):
            seat.thought.append(seat.token)
            seat.token = token

    def _collect(self) -> Iterator[SlotBatch]:
        """Store the thoughts that have ended, free their slots, and yield the batches now whole."""
        over = [
            slot
            for slot, seat in enumerate(self._seats)
            if seat.token in self._stop or len(seat.thought) >= self.most
        ]
        for slot in reversed(over):
            seat = self._seats[slot]
            batch = seat.batch
            if seat.thought:
                batch.thoughts[seat.row, : len(seat.thought)] = seat.thought
                batch.middle[seat.row] = self.batch.state(slot).middle.numpy()
            batch.ended[seat.row] = seat.token in self._stop
            batch.left -= 1
            self.batch.release(slot)
            self._seats[slot] = self._seats[-1]
            self._seats.pop()
            if batch.left == 0:
                yield batch


def _chosen(out: Pass) -> list[int]:
    return choose_all(out.blocks(TOGETHER), temperature=0.0, generators=())


def tokens_of(prism: Prism, texts: list[str]) -> list[list[int]]:
    """Return the ids of many texts, none of them the beginning of a document."""
    found: list[list[int]] = prism.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return found
