"""Many streams at once: what is read and projected is bounded, and running out of memory costs no
more than streams.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from warp_cortex import Cortex, Prism, StreamBatch, StreamConfig
from warp_cortex.model.forward_pass import Pass

from tests.engine.script import PROMPT, config
from tests.engine.tiny import build_prism


@pytest.fixture
def prism() -> Iterator[Prism]:
    """A tiny model of this test's own."""
    with build_prism("qwen2") as built:
        yield built


def test_no_memory_for_logits_ends_the_streams_and_not_the_run(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vocabulary projection comes after the pass, and fails as harmlessly: later streams find
    their slots free.
    """
    settings = StreamConfig(max_tokens=6, slots=2, stop=())
    cortex = Cortex(prism, config(streams=settings))
    want = [stream.ids for stream in cortex.fork(PROMPT, ["one", "two", "three"])]
    blocks, calls = Pass.blocks, []

    def broken(self: Pass, rows: int) -> Iterator[Tensor]:
        calls.append(1)
        if len(calls) == 1:
            msg = "no memory for so many logits"
            raise torch.OutOfMemoryError(msg)
        return blocks(self, rows)

    monkeypatch.setattr(Pass, "blocks", broken)
    streams = cortex.fork(PROMPT, ["one", "two", "three"])
    assert [stream.reason for stream in streams] == ["error", "error", "budget"]
    assert streams[2].ids == want[2]


def test_many_tasks_are_read_a_few_at_a_time(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the passes that read tasks nor the logits grow with the number of streams, and no
    thought changes.
    """
    settings = StreamConfig(max_tokens=5, slots=9, stop=())
    tasks = [f"task {number}" for number in range(9)]
    want = [stream.ids for stream in Cortex(prism, config(streams=settings)).fork(PROMPT, tasks)]
    seen, admit, blocks = [], StreamBatch.admit, Pass.blocks

    def watched_admit(self: StreamBatch, agents: list[int], *rest: Any) -> Pass:
        seen.append(len(agents))
        return admit(self, agents, *rest)

    def watched_blocks(self: Pass, rows: int) -> Iterator[Tensor]:
        for block in blocks(self, rows):
            seen.append(len(block))
            yield block

    monkeypatch.setattr("warp_cortex.agents.runner.TOGETHER", 4)
    monkeypatch.setattr(StreamBatch, "admit", watched_admit)
    monkeypatch.setattr(Pass, "blocks", watched_blocks)
    assert [
        stream.ids for stream in Cortex(prism, config(streams=settings)).fork(PROMPT, tasks)
    ] == want
    assert max(seen) == 4
