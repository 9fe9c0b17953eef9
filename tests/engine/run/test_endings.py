"""How a run ends: no thought is lost, and a failure outside the River is recorded and harmless."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from warp_cortex import (
    Cortex,
    Failure,
    Finish,
    GateConfig,
    Inject,
    Prism,
    Spawn,
    StreamBatch,
    StreamConfig,
    StreamToken,
    Synapse,
    SynapseConfig,
    Thought,
    Token,
    Trace,
)
from warp_cortex.context.context import Context

from tests.engine.script import PROMPT, SCRIPT, config, run, scripted
from tests.engine.tiny import build_prism

MODES = ("cooperative", "concurrent")
LEFT_OPEN = """
from warp_cortex import Cortex, RiverConfig
from tests.engine.script import PROMPT, config
from tests.engine.tiny import build_prism
prism = build_prism("qwen2", max_position_embeddings=40000)
paused, other = (Cortex(prism, config(mode=mode, river=RiverConfig(max_tokens=30000)))
                 for mode in ("concurrent", "cooperative"))
runs = [cortex.run(PROMPT) for cortex in (paused, other)]
for events in runs:
    for _ in range(8):
        next(events)
paused.pause()
print("the end")
"""


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def ends(trace: Trace) -> list[tuple[int | None, str]]:
    """Return how every agent ended, by agent."""
    return sorted(((event.stream, event.reason) for event in trace.of(Finish)), key=str)


def out_of_memory(*_: object, **__: object) -> None:
    """Fail as a full device does."""
    msg = "out of memory\nmany more lines"
    raise torch.OutOfMemoryError(msg)


def test_a_thought_that_ends_while_the_river_looks_is_not_lost(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A runner is idle before its thread has put the last outcome into the queue: the run waits."""
    scripted(monkeypatch, prism, "Now [TASK: find the lamp] a")
    release = StreamBatch.release

    def slowly(self: StreamBatch, slot: int) -> None:
        release(self, slot)
        time.sleep(0.06)  # longer than the River takes between two looks

    monkeypatch.setattr(StreamBatch, "release", slowly)
    cortex, _ = run(prism, mode="concurrent")
    assert ends(cortex.trace) == [(1, "budget"), (None, "end")]
    assert len(cortex.trace.of(Thought)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_thought_that_cannot_be_read_stays_outside(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Without memory for accepted thoughts, each is its stream's failure; the River goes on."""
    scripted(monkeypatch, prism)
    monkeypatch.setattr(Context, "encode_at", out_of_memory)
    cortex, _ = run(prism, mode=mode, gate=GateConfig(theta=-1))
    failures = [(event.stream, event.message) for event in cortex.trace.of(Failure)]
    assert failures == [
        (1, "OutOfMemoryError: out of memory"),
        (2, "OutOfMemoryError: out of memory"),
    ]
    assert ends(cortex.trace) == [(1, "budget"), (2, "budget"), (None, "end")]
    assert not cortex.trace.of(Inject)
    assert cortex.summary()["river_text"] == SCRIPT


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_whose_focus_cannot_be_chosen_ends_alone(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """It is opened and closed with the reason; the River goes on."""
    scripted(monkeypatch, prism)
    monkeypatch.setattr("warp_cortex.run.run.focus_rows", out_of_memory)
    cortex, _ = run(prism, mode=mode, synapse=SynapseConfig(k=20, focus=3))
    assert [event.stream for event in cortex.trace.of(Failure)] == [1, 2]
    assert ends(cortex.trace) == [(1, "error"), (2, "error"), (None, "end")]
    assert len(cortex.trace.of(Spawn)) == 2
    assert cortex.summary()["river_text"] == SCRIPT


@pytest.mark.parametrize("mode", MODES)
def test_a_river_that_cannot_publish_ends_with_the_reason(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A second snapshot that fails is the River's failure; what it wrote until then stays."""
    scripted(monkeypatch, prism)
    publish = Synapse.publish
    monkeypatch.setattr(
        Synapse, "publish", lambda *given: out_of_memory() if given[0].current else publish(*given)
    )
    cortex, _ = run(prism, mode=mode)
    assert [(event.stream, event.message) for event in cortex.trace.of(Failure)] == [
        (None, "out of memory")
    ]
    assert ends(cortex.trace) == [(None, "error")]
    assert (
        "".join(token.text for token in cortex.trace.of(Token)) == SCRIPT[: SCRIPT.index("]") + 1]
    )


def test_a_bug_in_the_rivers_thread_is_an_end(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure outside its steps is recorded; the run does not look as if it was cut short."""
    scripted(monkeypatch, prism)

    def bug(*_: object, **__: object) -> None:
        msg = "a bug"
        raise IndexError(msg)

    monkeypatch.setattr("warp_cortex.run.judging.similarities", bug)
    cortex, _ = run(prism, mode="concurrent")
    assert (None, "IndexError: a bug") in [
        (event.stream, event.message) for event in cortex.trace.of(Failure)
    ]
    assert cortex.summary()["river_end"] == "error"


@pytest.mark.parametrize("mode", MODES)
def test_a_run_given_up_half_way_ends_its_streams(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A consumer that leaves the loop leaves no stream thinking, anywhere, and no bytes."""
    scripted(monkeypatch, prism)
    cortex = Cortex(prism, config(mode=mode, streams=StreamConfig(max_tokens=300, stop=())))
    for event in cortex.run(PROMPT):
        if isinstance(event, StreamToken):
            break
    held = cortex.memory()
    assert (held.num_streams, held.private_kv) == (0, 0)


@pytest.mark.parametrize("mode", MODES)
def test_a_second_run_of_one_cortex_is_not_told_of_the_first(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The first says that it is over, begun or not; the second's trace holds its own events."""
    scripted(monkeypatch, prism)
    cortex = Cortex(prism, config(mode=mode))
    idle = cortex.run(PROMPT)
    first = cortex.run(PROMPT)
    next(first)
    second = cortex.run(PROMPT)
    events = [next(second)]
    for other in (idle, first):
        with pytest.raises(ValueError, match="this run is over: its Cortex has begun another"):
            list(other)
    events += second
    assert cortex.trace.events == events
    assert cortex.summary()["river_text"] == SCRIPT


@pytest.mark.slow
def test_a_script_may_end_with_runs_left_open() -> None:
    """No consumer asks for another event: the interpreter ends at once, without a crash."""
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}/engine:{root}"}
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "the end\n"), done.stderr
