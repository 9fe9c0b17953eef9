"""Streams in a process of their own think what they think here; its end harms nothing else."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex import (
    Cortex,
    Prism,
    ProcessStreams,
    RiverConfig,
    Stream,
    StreamConfig,
    Synapse,
    SynapseConfig,
    Thought,
)
from warp_cortex.agents.backend import StepOutcome, StreamRunner
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.remote.messages import receive, send
from warp_cortex.remote.process import ProcessRunner

from tests.engine.script import config, scripted
from tests.engine.tiny import build_model, build_prism, build_tokenizer

# every process loads torch anew
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("process")]

TEXT = "The brass key is in the attic and the lamp is in the cellar. "
CONFIG = StreamConfig(max_tokens=6, slots=2, stop=())


@pytest.fixture(scope="module")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism]:
    """A tiny model in a folder, where another process can find it."""
    path = tmp_path_factory.mktemp("model")
    build_model("qwen2").save_pretrained(path)
    build_tokenizer().save_pretrained(path)
    with Prism.load(str(path)) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def backend() -> Iterator[ProcessStreams]:
    """The process the tests of this module share."""
    with ProcessStreams() as streams:
        yield streams


def opened(runner: StreamRunner, prism: Prism, count: int) -> list[Stream]:
    """Open streams over one snapshot, the second with focus landmarks."""
    context = prism.read(TEXT)
    snapshot = Synapse(SynapseConfig(k=24)).publish(context)
    streams = [
        Stream(i, f"task {i}", "test", (0, 0), 1, prism.encode(f" task {i}:"))
        for i in range(1, count + 1)
    ]
    for stream in streams:
        focus = context.store.gather(context.store.text_rows()[5:8]) if stream.id == 2 else None
        runner.open(stream, snapshot, focus=focus)
    return streams


def finish(runner: StreamRunner) -> list[StepOutcome]:
    """Step until no stream is open; return all outcomes."""
    outcomes = []
    while not runner.is_idle:
        outcomes += runner.step()
    return outcomes


def test_streams_think_elsewhere_what_they_think_here(
    prism: Prism, backend: ProcessStreams
) -> None:
    """The same tokens, pieces, ends and gate states, in the same order for each stream."""
    here = LocalRunner(prism, CONFIG)
    there = backend.connect(prism, CONFIG, seed=0)
    want = opened(here, prism, 5)
    got = opened(there, prism, 5)
    assert there.num_active == 5
    assert [snapshot.version for snapshot in there.snapshots] == [1]
    left = finish(here)
    right = finish(there)
    assert [(s.ids, s.text, s.reason) for s in got] == [(s.ids, s.text, s.reason) for s in want]
    for stream in range(1, 6):
        mine, other = ([o for o in outcomes if o.stream.id == stream] for outcomes in (left, right))
        assert [(o.token, o.index, o.piece) for o in mine] == [
            (o.token, o.index, o.piece) for o in other
        ]
        assert mine[-1].state is not None
        assert other[-1].state is not None
        torch.testing.assert_close(
            mine[-1].state.middle, other[-1].state.middle, rtol=1e-4, atol=2e-5
        )
        torch.testing.assert_close(mine[-1].state.last, other[-1].state.last, rtol=1e-4, atol=2e-5)


def test_settings_that_are_left_open_are_those_of_the_model(
    prism: Prism, backend: ProcessStreams
) -> None:
    """The process gets the stop texts and the length that this model's voice has here."""
    open_config = StreamConfig(slots=2)
    here = LocalRunner(prism, open_config)
    there = backend.connect(prism, open_config, seed=0)
    want = opened(here, prism, 2)
    got = opened(there, prism, 2)
    finish(here)
    finish(there)
    assert [(s.ids, s.text, s.reason) for s in got] == [(s.ids, s.text, s.reason) for s in want]


def test_sampling_is_by_stream_not_by_place(prism: Prism, backend: ProcessStreams) -> None:
    """With a temperature and the same seed, the process draws what this one draws."""
    warm = StreamConfig(max_tokens=6, slots=3, stop=(), temperature=1.5)
    here = LocalRunner(prism, warm, seed=4)
    there = backend.connect(prism, warm, seed=4)
    want = opened(here, prism, 3)
    got = opened(there, prism, 3)
    finish(here)
    finish(there)
    assert [s.ids for s in got] == [s.ids for s in want]


def test_a_run_that_was_closed_tells_the_next_one_nothing(
    prism: Prism, backend: ProcessStreams
) -> None:
    """Closing in the middle ends its streams at once, and their late tokens are dropped."""
    first = backend.connect(prism, StreamConfig(max_tokens=200, stop=()), seed=0)
    abandoned = opened(first, prism, 4)
    while not any(stream.ids for stream in abandoned):
        first.step()
    assert first.private_bytes > 0
    assert {stream.id for stream in first.close("stopped")} == {1, 2, 3, 4}
    held = [list(stream.ids) for stream in abandoned]
    second = backend.connect(prism, CONFIG, seed=0)
    got = opened(second, prism, 2)
    outcomes = finish(second)
    assert {id(outcome.stream) for outcome in outcomes} == {id(stream) for stream in got}
    assert [stream.ids for stream in abandoned] == held
    assert [stream.reason for stream in abandoned] == ["stopped"] * 4
    assert first.private_bytes == 0


def test_a_second_run_at_the_same_time_ends_the_streams_of_the_first(
    prism: Prism, backend: ProcessStreams
) -> None:
    """No runner waits for ever or gets another's thoughts, whichever steps or closes first."""
    first = backend.connect(prism, CONFIG, seed=0)
    second = backend.connect(prism, CONFIG, seed=0)
    late = opened(first, prism, 2)
    fine = opened(second, prism, 2)
    errors = [outcome.error for outcome in finish(first)]
    assert len(errors) == 2
    assert all(error is not None and "need a ProcessStreams each" in error for error in errors)
    first.close("stopped")
    finish(second)
    assert [stream.reason for stream in (*late, *fine)] == ["error", "error", "budget", "budget"]


def test_an_interrupt_while_it_loads_leaves_no_process(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before the process has answered ends it at once, even while the traceback is kept."""

    def strike(_: object) -> None:
        raise KeyboardInterrupt

    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(
        "warp_cortex.remote.child.subprocess.Popen",
        lambda *a, **k: started.append(popen(*a, **k)) or started[0],
    )
    monkeypatch.setattr("warp_cortex.remote.process_client.messages.receive", strike)
    with pytest.raises(KeyboardInterrupt) as kept:
        ProcessStreams().connect(prism, CONFIG, seed=0)
    assert kept.traceback
    assert started[0].returncode is not None


@pytest.mark.parametrize("mode", ["cooperative", "concurrent"])
def test_a_whole_run(
    prism: Prism, backend: ProcessStreams, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A River whose streams think in another process gets their thoughts, judged and ended."""
    scripted(monkeypatch, prism)
    cortex = Cortex(prism, config(mode=mode, river=RiverConfig(max_tokens=60)), streams=backend)
    list(cortex.run(TEXT))
    assert cortex.trace.of(Thought)
    assert all(len(thought.text) or thought.num_tokens == 0 for thought in cortex.trace.of(Thought))


def test_a_killed_process_ends_its_streams_and_the_next_run_starts_another(prism: Prism) -> None:
    """Streams of a dead process end with its exit code, later ones of that run too; none hangs."""
    with ProcessStreams() as backend:
        runner = backend.connect(prism, StreamConfig(max_tokens=400, stop=()), seed=0)
        assert isinstance(runner, ProcessRunner)
        streams = opened(runner, prism, 2)
        while not any(stream.ids for stream in streams):
            runner.step()
        os.kill(runner.worker_process.child.pid, signal.SIGKILL)
        errors = [outcome.error for outcome in finish(runner) if outcome.error]
        assert len(errors) == 2
        assert all("exit code -9" in error for error in errors)
        late = opened(runner, prism, 1)
        finish(runner)
        assert [stream.reason for stream in [*streams, *late]] == ["error"] * 3
        again = backend.connect(prism, CONFIG, seed=0)
        fine = opened(again, prism, 2)
        finish(again)
        assert [stream.reason for stream in fine] == ["budget"] * 2


def test_the_same_model_in_another_precision_is_another_model(prism: Prism) -> None:
    """A process that served float32 is replaced for bfloat16, which thinks otherwise."""
    assert prism.source is not None
    with ProcessStreams() as backend, Prism.load(prism.source, dtype=torch.bfloat16) as half:
        first, second = (backend.connect(each, CONFIG, seed=0) for each in (prism, half))
        assert isinstance(first, ProcessRunner)
        assert isinstance(second, ProcessRunner)
        assert first.worker_process is not second.worker_process
        assert first.worker_process.child.returncode == 0
        again = backend.connect(half, CONFIG, seed=0)
        assert isinstance(again, ProcessRunner)
        assert again.worker_process is second.worker_process


def test_closing_leaves_no_process_and_no_thread(prism: Prism) -> None:
    """After `close` the process has ended and its listener too; closing again changes nothing."""
    before = threading.active_count()
    backend = ProcessStreams()
    runner = backend.connect(prism, CONFIG, seed=0)
    assert isinstance(runner, ProcessRunner)
    backend.close()
    backend.close()
    assert runner.worker_process.child.returncode == 0
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_what_cannot_be_served_is_said(tmp_path: Path) -> None:
    """A model without a source, a missing folder, 0 threads: a ValueError that names it."""
    with build_prism("qwen2") as nameless, pytest.raises(ValueError, match=r"Prism\.load"):
        ProcessStreams().connect(nameless, CONFIG, seed=0)
    with pytest.raises(ValueError, match="threads must be at least 1, got 0"):
        ProcessStreams(threads=0)
    folder = tmp_path / "model"
    build_model("qwen2").save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    with Prism.load(str(folder)) as prism:
        folder.rename(tmp_path / "moved")
        with pytest.raises(ValueError, match="cannot serve"):
            ProcessStreams().connect(prism, CONFIG, seed=0)


@given(
    st.dictionaries(
        st.text(max_size=5), st.one_of(st.integers(-9, 9), st.text(), st.none()), max_size=4
    ),
    st.lists(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4), max_size=3),
    st.integers(0, 10_000),
)
def test_frames_arrive_as_they_were_sent(
    record: dict[str, object], rows: list[list[float]], cut: int
) -> None:
    """A record and its arrays arrive as sent; a message cut short anywhere reads as the end."""
    arrays = {f"a{at}": np.array(row, dtype=np.float32) for at, row in enumerate(rows)}
    wire = BytesIO()
    send(wire, record, arrays)
    whole = wire.getvalue()
    first = wire.tell()
    got = receive(BytesIO(whole))
    assert got is not None
    assert got[0] == record
    assert set(got[1]) == set(arrays)
    assert all(np.array_equal(got[1][name], arrays[name]) for name in arrays)
    assert receive(BytesIO(whole[: cut % first])) is None
