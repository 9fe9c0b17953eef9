"""Batches for the trainer, made in this process or ahead of time by worker processes."""

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
    """Gives the batch of a step at a stage of the curriculum."""

    def get(self, step: int, stage: int) -> TrainingBatch:
        """Return the next batch."""


class LocalBatches:
    """Makes each batch on request; repeatable exactly."""

    def __init__(self, seed: int, batch_tokens: int, encoder: Encoder) -> None:
        """Store what batches depend on."""
        self._seed = seed
        self._batch_tokens = batch_tokens
        self._encoder = encoder

    def get(self, step: int, stage: int) -> TrainingBatch:
        """Return the batch of a step."""
        return draw_batch(self._seed, step, stage, self._batch_tokens, self._encoder)


def _work(
    first: int,
    stride: int,
    *,
    seed: int,
    batch_tokens: int,
    tokenizer: str,
    stage: Any,
    queue: Any,
) -> None:
    """Put the batches of every `stride`-th step from `first` on into the queue, for ever."""
    encoder = Encoder(Tokenizer.from_str(tokenizer))
    step = first
    while True:
        queue.put(draw_batch(seed, step, stage.value, batch_tokens, encoder))
        step += stride


class WorkerBatches:
    """Takes batches from worker processes; their order and their stage depend on timing."""

    def __init__(self, stage: Any, queue: Any) -> None:
        """Wrap the shared stage number and the queue."""
        self._stage = stage
        self._queue = queue

    def get(self, step: int, stage: int) -> TrainingBatch:
        """Return the next finished batch.

        Raises:
            RuntimeError: none came within two minutes.
        """
        self._stage.value = stage
        try:
            batch: TrainingBatch = self._queue.get(timeout=120)
        except Empty as error:
            msg = f"no batch arrived for step {step} within 120 s; the workers have died"
            raise RuntimeError(msg) from error
        return batch


@contextmanager
def open_batch_source(
    encoder: Encoder, *, seed: int, first: int, batch_tokens: int, workers: int, stage_now: int = 0
) -> Iterator[BatchSource]:
    """Yield a source of batches; its worker processes, if it has any, end with the block."""
    if workers == 0:
        yield LocalBatches(seed, batch_tokens, encoder)
        return
    text = encoder.tokenizer.to_str()
    spawn = multiprocessing.get_context("spawn")
    stage = spawn.Value("i", stage_now)
    queue = spawn.Queue(maxsize=3 * workers)
    processes = [
        spawn.Process(
            target=_work,
            args=(first + k, workers),
            kwargs={
                "seed": seed,
                "batch_tokens": batch_tokens,
                "tokenizer": text,
                "stage": stage,
                "queue": queue,
            },
            daemon=True,
        )
        for k in range(workers)
    ]
    for process in processes:
        process.start()
    try:
        yield WorkerBatches(stage, queue)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(timeout=5)
        queue.cancel_join_thread()
