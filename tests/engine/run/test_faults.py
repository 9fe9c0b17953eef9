"""Failure is part of a run: an agent ends with the reason, others go on, the trace is whole."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from warp_cortex import (
    VOICES,
    Cortex,
    Failure,
    Finish,
    Inject,
    Prism,
    Spawn,
    Stream,
    StreamBatch,
    StreamConfig,
    Synapse,
    SynapseConfig,
    Thought,
    Token,
    Trace,
    load_trace,
)
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.context.context import Context
from warp_cortex.model.forward_pass import Pass

from tests.engine.script import PROMPT, SCRIPT, config, run, scripted
from tests.engine.tiny import build_model, build_prism, build_tokenizer

MODES = ("cooperative", "concurrent")


@pytest.fixture
def prism() -> Iterator[Prism]:
    """A tiny model of this test's own, since some are broken on purpose."""
    with build_prism("qwen2") as built:
        yield built


def ends(trace: Trace) -> dict[int | None, str]:
    """Return how every agent ended."""
    return {event.stream: event.reason for event in trace.of(Finish)}


def failures(trace: Trace) -> dict[int | None, str]:
    """Return who failed, and why."""
    return {event.stream: event.message for event in trace.of(Failure)}


def assert_whole(cortex: Cortex, folder: Path) -> None:
    """Assert that the trace so far can be saved, loaded and summarised."""
    cortex.trace.save(folder)
    loaded = load_trace(folder)
    assert loaded.events == cortex.trace.events
    assert set(loaded.arrays) >= {"keys", "hidden", "attention", "layers"}
    assert len(loaded.arrays["hidden"]) >= len(loaded.of(Token))
    assert cortex.summary()["river_tokens"] == len(loaded.of(Token))


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_whose_numbers_break_is_closed_alone(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """Non-finite logits of one agent end that agent only, not its batch and not the River."""
    scripted(monkeypatch, prism)
    one_batch = {
        "synapse": SynapseConfig(k=20, max_age=1000),
        "streams": StreamConfig(max_tokens=40, stop=()),
    }
    healthy, _ = run(prism, **one_batch)
    step = StreamBatch.step

    def broken(self: StreamBatch, tokens: Tensor) -> Pass:
        out = step(self, tokens)
        logits = out.logits.clone()
        if 1 in self.agents and (mode == "concurrent" or len(self.agents) == 2):
            logits[self.agents.index(1)] = float("nan")
        return replace(out, ends=logits, head=None)

    monkeypatch.setattr(StreamBatch, "step", broken)
    cortex, _ = run(prism, mode=mode, **one_batch)
    assert failures(cortex.trace) == {1: "its logits are not finite"}
    assert ends(cortex.trace) == {1: "error", 2: "budget", None: "end"}
    assert [t.text for t in cortex.trace.of(Thought)] == [
        t.text for t in healthy.trace.of(Thought) if t.stream == 2
    ]
    assert_whole(cortex, tmp_path)


def test_broken_weights_of_one_word_break_only_who_reads_it(prism: Prism) -> None:
    """A NaN embedding affects the agent whose task holds the word, and no other, now or later."""
    cortex = Cortex(prism, config(streams=StreamConfig(max_tokens=6, slots=3, stop=())))
    tasks = ["one", "two # three", "four", "five", "six"]
    want = [stream.ids for stream in cortex.fork(PROMPT, tasks)]
    with torch.no_grad():
        prism.model.model.embed_tokens.weight[prism.encode("#")[0]] = float("nan")
    streams = cortex.fork(PROMPT, tasks)
    assert [stream.reason for stream in streams] == [
        "budget",
        "error",
        "budget",
        "budget",
        "budget",
    ]
    assert [s.ids for n, s in enumerate(streams) if n != 1] == [
        ids for n, ids in enumerate(want) if n != 1
    ]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", ["step", "admit"])
def test_a_pass_that_raises_ends_its_streams_only(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str, method: str
) -> None:
    """Out of memory in one batch: its streams end with the reason; the others go on."""
    scripted(monkeypatch, prism)
    real = getattr(StreamBatch, method)
    calls = []

    def broken(self: StreamBatch, *args: Any) -> Pass:
        calls.append(1)
        if len(calls) == 1:
            msg = "out of memory\nmany more lines"
            raise torch.OutOfMemoryError(msg)
        result: Pass = real(self, *args)
        return result

    monkeypatch.setattr(StreamBatch, method, broken)
    cortex, _ = run(prism, mode=mode)
    assert failures(cortex.trace) == {1: "OutOfMemoryError: out of memory"}
    assert ends(cortex.trace) == {1: "error", 2: "budget", None: "end"}
    assert_whole(cortex, tmp_path)


def test_a_failed_admission_leaves_those_inside_alone(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If reading a second task fails half way, other agents think as if it had not been there."""
    settings = StreamConfig(max_tokens=6, slots=3, stop=())
    want = [
        s.ids
        for s in Cortex(prism, config(streams=settings)).fork(PROMPT, ["first", "second", "third"])
    ]
    forward = StreamBatch._forward

    def broken(self: StreamBatch, first: int, ids: Tensor, *rest: Any) -> Any:
        if 2 in self.agents:
            msg = "no memory for a second reading"
            raise RuntimeError(msg)
        return forward(self, first, ids, *rest)

    monkeypatch.setattr(StreamBatch, "_forward", broken)
    snapshot = Synapse(config().synapse).publish(prism.read(PROMPT))
    runner = LocalRunner(prism, settings)
    prompts = [prism.encode(f" [TASK: {task}] thought:") for task in ("first", "second", "third")]
    streams = [
        Stream(n, "", "test", (0, 0), 1, prompt) for n, prompt in enumerate(prompts, start=1)
    ]
    for stream in streams:
        runner.open(stream, snapshot)
        runner.step()
    while not runner.is_idle:
        runner.step()
    assert [stream.reason for stream in streams] == ["budget", "error", "budget"]
    assert [streams[0].ids, streams[2].ids] == [want[0], want[2]]


def test_streams_end_at_the_models_last_position() -> None:
    """A task that does not fit is that stream's error; a thought stops at the last position."""
    with Prism(
        build_model("qwen2", max_position_embeddings=90), build_tokenizer(), name="short"
    ) as prism:
        cortex = Cortex(
            prism, config(streams=StreamConfig(max_tokens=50, prompt="{task}:", stop=()))
        )
        streams = cortex.fork(PROMPT, ["x" * 39, "x" * 40, "ok", "x" * 34])
        assert [stream.reason for stream in streams] == [
            "model positions",
            "error",
            "model positions",
            "model positions",
        ]
        assert [len(PROMPT) + len(s.prompt) + len(s.ids) - 1 for s in streams if s.ids] == [
            90,
            90,
            90,
        ]


def test_the_river_ends_at_the_models_last_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """The River writes to the last position and says so; thoughts that do not fit stay out."""
    with Prism(
        build_model("qwen2", max_position_embeddings=120),
        build_tokenizer(),
        name="short",
        voice=VOICES["village"],
    ) as prism:
        scripted(monkeypatch, prism)
        cortex, _ = run(prism)
        assert cortex.summary()["river_end"] == "model positions"
        assert cortex.context is not None
        assert cortex.context.num_tokens == 120
        assert all(max(event.positions) < 120 for event in cortex.trace.of(Inject))


@pytest.mark.parametrize("mode", MODES)
def test_a_river_whose_numbers_break_ends_with_the_reason(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """Non-finite logits of the River fail the run; streams still end, the trace is whole."""
    scripted(monkeypatch, prism)
    write = Context.write

    def broken(self: Context, token: int) -> str:
        piece = write(self, token)
        if self.num_tokens == len(PROMPT) + 30:
            self.logits = torch.full_like(self.logits, float("inf"))  # type: ignore[arg-type] # it was written
        return piece

    monkeypatch.setattr(Context, "write", broken)
    cortex, _ = run(prism, mode=mode)
    assert failures(cortex.trace) == {
        None: "the River's logits are not finite; the model or its precision is broken"
    }
    assert ends(cortex.trace) == {1: "budget", None: "error"}
    assert len(cortex.trace.of(Token)) == 30
    assert_whole(cortex, tmp_path)


def test_a_river_whose_pass_raises_ends_with_the_reason(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An out-of-memory error while writing is recorded; what was written stays."""
    scripted(monkeypatch, prism)
    monkeypatch.setattr(Context, "write", lambda *_: torch.zeros(1, device="meta").item())
    cortex, _ = run(prism)
    assert list(failures(cortex.trace)) == [None]
    assert ends(cortex.trace) == {None: "error"}


def test_a_lane_that_breaks_in_its_own_thread_hangs_nobody(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A bug in the streams' thread ends the streams with its name; the River writes to its end."""
    scripted(monkeypatch, prism)

    def bug(*_: object) -> None:
        msg = "a bug"
        raise IndexError(msg)

    monkeypatch.setattr(LocalRunner, "_settle", bug)
    cortex, _ = run(prism, mode="concurrent")
    assert failures(cortex.trace)[1] == "IndexError: a bug"
    assert ends(cortex.trace)[None] == "end"
    assert set(ends(cortex.trace)) == {event.stream for event in cortex.trace.of(Spawn)} | {None}
    assert cortex.summary()["river_text"] == SCRIPT
    assert_whole(cortex, tmp_path)


def test_a_closed_prism_says_so(prism: Prism) -> None:
    """Going on with a context whose model was given back is one clear line."""
    context = prism.read("some text")
    prism.close()
    with pytest.raises(ValueError, match="this Prism is closed"):
        context.write(5)
    assert context.num_tokens == len(context.positions) == 9
