"""Streams on a real local Ray cluster of two workers, one of which is killed in mid-run.

Run by `test_ray_streams.py` in a process of its own: Ray leaves sockets and threads to the
interpreter's end, which the other tests' clean world would be blamed for.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from warp_cortex import (
    Cortex,
    CortexConfig,
    Prism,
    RayStreams,
    Stream,
    StreamConfig,
    Synapse,
    SynapseConfig,
)
from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.remote.codec import pack, unpack
from warp_cortex.remote.ray_streams import RayRunner

from tests.engine.tiny import build_model, build_tokenizer

TEXT = "The brass key is in the attic and the lamp is in the cellar. "
CONFIG = StreamConfig(max_tokens=6, slots=2)


def started_ray() -> Any:
    """Return Ray, which reads its settings when it is imported: after `RayStreams` made them."""
    import ray

    return ray


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a tiny model that workers can load."""
    path = tmp_path_factory.mktemp("model")
    build_model("qwen2").save_pretrained(path)
    build_tokenizer().save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def prism(folder: Path) -> Iterator[Prism]:
    """Return that model here."""
    with Prism.load(str(folder)) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def runner(prism: Prism) -> Iterator[RayRunner]:
    """Return a runner of two workers on a cluster of this machine."""
    runner = RayStreams(workers=2).connect(prism, CONFIG, seed=0)
    yield runner
    runner.close("done")
    started_ray().shutdown()


def test_every_socket_is_on_the_loopback_and_asks_for_a_token(runner: RayRunner) -> None:
    """No process of the cluster listens elsewhere, and a client without the token is refused."""
    assert len(runner.workers) == 2
    me = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 5
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    address = started_ray().get_runtime_context().gcs_address
    code = f"from ray._raylet import GcsClient; GcsClient({address!r}).internal_kv_keys(b'', None)"
    stranger = {**os.environ, "RAY_AUTH_TOKEN": "0" * 64}
    done = subprocess.run(
        [sys.executable, "-c", code], env=stranger, capture_output=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert b"AuthenticationError" in done.stderr, done.stderr[-500:]


def finish(runner: RayRunner | LocalRunner) -> list[StepOutcome]:
    """Step until no stream is open; return all outcomes."""
    outcomes = []
    while not runner.is_idle:
        outcomes += runner.step()
    return outcomes


def open_streams(runner: RayRunner | LocalRunner, prism: Prism, count: int) -> list[Stream]:
    """Open streams over one snapshot, in a runner."""
    snapshot = Synapse(SynapseConfig(k=24)).publish(prism.read(TEXT))
    streams = [
        Stream(i, f"task {i}", "test", (0, 0), 1, prism.encode(f" task {i}:"))
        for i in range(1, count + 1)
    ]
    for stream in streams:
        runner.open(stream, snapshot)
    return streams


def test_a_snapshot_survives_the_wire(prism: Prism) -> None:
    """What a worker unpacks is what was packed, to the bit; another model's snapshot is refused."""
    snapshot = Synapse(SynapseConfig(k=24)).publish(prism.read(TEXT))
    again = unpack(pack(snapshot), prism)
    assert torch.equal(again.kv.keys, snapshot.kv.keys)
    assert torch.equal(again.kv.values, snapshot.kv.values)
    assert torch.equal(again.landmarks, snapshot.landmarks)
    with pytest.raises(ValueError, match="checksum"):
        unpack({**pack(snapshot), "checksum": "0" * 16}, prism)


def test_thoughts_elsewhere_are_the_thoughts_here(prism: Prism, runner: RayRunner) -> None:
    """The same streams think the same tokens and end in the same states, on workers and here."""
    there = open_streams(runner, prism, 5)
    outcomes = finish(runner)
    sent = runner.bytes_sent
    local = LocalRunner(prism, CONFIG)
    here = open_streams(local, prism, 5)
    mine = finish(local)
    assert [(s.ids, s.text, s.reason) for s in there] == [(s.ids, s.text, s.reason) for s in here]
    states = {o.stream.id: o.state for o in outcomes if o.state is not None}
    for outcome in mine:
        if outcome.state is not None:
            torch.testing.assert_close(
                states[outcome.stream.id].middle, outcome.state.middle, rtol=1e-4, atol=1e-5
            )
    spec = prism.spec
    assert sent[1] >= 24 * spec.kv_bytes_per_token
    assert sent[1] <= 24 * spec.kv_bytes_per_token + 4096  # the landmarks' entries and little else


def test_a_killed_worker_loses_no_stream(prism: Prism, runner: RayRunner) -> None:
    """If a worker dies in mid-run, its unfinished streams go to another one, and all end."""
    streams = open_streams(runner, prism, 8)
    runner.step()
    assert runner.num_active > 0
    started_ray().kill(runner.workers[0])
    outcomes = finish(runner)
    assert runner.num_losses >= 1
    assert all(stream.reason in {"budget", "end"} for stream in streams)
    assert sum(outcome.state is not None for outcome in outcomes) == 8


def test_a_cortex_forks_its_streams_elsewhere(prism: Prism, runner: RayRunner) -> None:
    """`Cortex(..., streams=RayStreams())` gives the same forked thoughts as a local one."""
    config = CortexConfig(streams=CONFIG, synapse=SynapseConfig(k=24))
    tasks = ["where is the key?", "where is the lamp?", "who has it?"]
    there = Cortex(prism, config, streams=RayStreams(workers=1)).fork(TEXT, tasks)
    here = Cortex(prism, config).fork(TEXT, tasks)
    assert [s.text for s in there] == [s.text for s in here]


def test_a_handed_over_model_is_refused() -> None:
    """Workers load their model by name: a model without one is refused before anything starts."""
    with (
        Prism(build_model("qwen2"), build_tokenizer()) as nameless,
        pytest.raises(ValueError, match=r"Prism\.load"),
    ):
        RayStreams().connect(nameless, CONFIG, seed=0)
