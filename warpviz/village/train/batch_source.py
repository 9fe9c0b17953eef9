"""Batches for the trainer: made in this process, or ahead of time by worker processes."""

from __future__ import annotations

import multiprocessing
from contextlib import contextmanager
from queue import Empty
from typing import TYPE_CHECKING, Any, Protocol

from tokenizers import Tokenizer

from warpviz.village.train.curriculum import draw_batch
from warpviz.village.world.tokens import Encoder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warpviz.village.train.batches import TrainingBatch


class BatchSource(Protocol):
    """Something that gives the batch of a step at a stage."""

    def get(self, step: int, stage: int) -> TrainingBatch:
        """The next batch."""


class LocalSupply:
    """Makes each batch when asked; exactly repeatable."""

    def __init__(self, seed: int, batch_tokens: int, encoder: Encoder) -> None:
        """Remember what batches depend on."""
        self._seed = seed
        self._batch_tokens = batch_tokens
        self._encoder = encoder

    def get(self, step: int, stage: int) -> TrainingBatch:
        """The batch of a step."""
        return draw_batch(self._seed, step, stage, self._batch_tokens, self._encoder)


def _work(
    first: int, stride: int, seed: int, batch_tokens: int, tokenizer: str, stage: Any, queue: Any
) -> None:
    encoder = Encoder(Tokenizer.from_str(tokenizer))
    step = first
    while True:
        queue.put(draw_batch(seed, step, stage.value, batch_tokens, encoder))
        step += stride


class WorkerSupply:
    """Takes batches from workers; their order, and the stage they saw, depend on timing."""

    def __init__(self, stage: Any, queue: Any) -> None:
        """Wrap the shared stage number and the queue."""
        self._stage = stage
        self._queue = queue

    def get(self, step: int, stage: int) -> TrainingBatch:
        """The next finished batch; RuntimeError naming the step when none came in two minutes."""
        self._stage.value = stage
        try:
            batch: TrainingBatch = self._queue.get(timeout=120)
        except Empty as error:
            msg = f"no batch arrived for step {step} within 120 s; the workers have died"
            raise RuntimeError(msg) from error
        return batch


@contextmanager
def open_supply(
    encoder: Encoder, *, seed: int, first: int, batch_tokens: int, workers: int, stage_now: int = 0
) -> Iterator[BatchSource]:
    """A supply that is closed, workers and all, on leaving; workers = 0 works in this process."""
    if workers == 0:
        yield LocalSupply(seed, batch_tokens, encoder)
        return
    text = encoder.tokenizer.to_str()
    spawn = multiprocessing.get_context("spawn")
    stage = spawn.Value("i", stage_now)
    queue = spawn.Queue(maxsize=3 * workers)
    processes = [
        spawn.Process(
            target=_work,
            args=(first + k, workers, seed, batch_tokens, text, stage, queue),
            daemon=True,
        )
        for k in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        yield WorkerSupply(stage, queue)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(timeout=5)
        queue.cancel_join_thread()
