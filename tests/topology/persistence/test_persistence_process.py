"""The worker process: the same diagrams, progress, errors, and a cancel that leaves nothing
behind.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import psutil
import pytest

from tests.topology.shapes import circle, walk
from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.persistence_process import compute
from warpviz.topology.persistence.store import DiagramStore, key_of

SLOW = {"max_points": 4000, "max_dim": 1}  # minutes of work


@pytest.fixture(autouse=True)
def clean_world(tmp_path, monkeypatch):
    """No process, thread or temporary folder is left by any test here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(psutil.Process().children(recursive=True)), threading.active_count()
    yield
    assert set(psutil.Process().children(recursive=True)) - before[0] == set()
    assert threading.active_count() == before[1]
    assert [path.name for path in tmp_path.glob("warpviz-*")] == []


def found_as_here():
    """Return an environment in which a fresh interpreter finds the packages this one does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def wait_for(condition, seconds=30.0):
    """Wait until a condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_a_worker_gives_what_a_call_gives(tmp_path):
    """Bit for bit the diagrams of a direct call, with progress, and they are stored on the way."""
    points, seen, store = circle(80, seed=0, noise=0.1), [], DiagramStore(tmp_path / "cache")
    job = compute(
        points,
        store=store,
        notify=lambda: seen.append((job.fraction, job.what)),
        max_dim=1,
        threshold=1.5,
    )
    found, expected = job.result(60), diagrams(points, max_dim=1, threshold=1.5)
    job.cancel()  # too late: it does nothing
    wait_for(lambda: not job._thread.is_alive())
    assert all(np.array_equal(found[dim], expected[dim]) for dim in (0, 1))
    assert found.caption == expected.caption
    assert [fraction for fraction, _ in seen] == sorted(fraction for fraction, _ in seen)
    assert (seen[-1], "rips complex on 80 points" in {what for _, what in seen}) == (
        (1.0, "done"),
        True,
    )
    assert store.get(key_of(points, {"max_dim": 1, "threshold": 1.5})) is not None
    assert not job.cancelled


def test_known_diagrams_need_no_process(tmp_path):
    """A second request is answered from the store at once."""
    points, store = circle(30, seed=1), DiagramStore(tmp_path / "cache")
    store.put(key_of(points, {"max_dim": 0}), diagrams(points, max_dim=0))
    job = compute(points, store=store, max_dim=0)
    assert job.done
    assert job._process is None
    assert job.result(0).dims == (0,)


def test_cancel_kills_the_process():
    """In the middle of the C++ call: gone when it returns, and the outcome says so."""
    job = compute(walk(4000, 16, seed=2), **SLOW)
    wait_for(lambda: job.what.startswith("rips complex"))
    time.sleep(0.3)
    process = psutil.Process(job._process.pid)
    job.cancel()
    assert not process.is_running()
    assert job.done
    assert job.cancelled
    with pytest.raises(StoppedError, match="cancelled"):
        job.result(0)


def test_cancel_at_once_and_twice():
    """Cancelling before the process has said a word, and again, is safe."""
    job = compute(walk(50, 3, seed=3))
    job.cancel()
    job.cancel()
    assert job.done


def test_waiting_too_long_says_where_it_is():
    """A timeout names the stage and leaves the job running."""
    job = compute(walk(4000, 16, seed=4), **SLOW)
    with pytest.raises(TimeoutError, match=r"no diagrams after 0\.01 s, still at"):
        job.result(0.01)
    assert not job.done
    job.cancel()


def test_a_mistake_comes_back_as_it_would_from_a_call():
    """Bad settings raise the same one-line ValueError; bad points never start a process."""
    job = compute(circle(20, seed=5), complex="ripz")
    with pytest.raises(ValueError, match=r"^complex 'ripz' is unknown.*did you mean 'rips'"):
        job.result(60)
    wait_for(lambda: not job._thread.is_alive())
    with pytest.raises(ValueError, match="must be finite"):
        compute(np.full((3, 2), np.nan))


def test_a_process_that_dies_is_reported():
    """Killed from outside, as for want of memory: a RuntimeError, not a hang."""
    job = compute(walk(4000, 16, seed=6), **SLOW)
    wait_for(lambda: job.what.startswith("rips complex"))
    psutil.Process(job._process.pid).kill()
    with pytest.raises(RuntimeError, match="the persistence process failed: exit code -9"):
        job.result(30)
    wait_for(lambda: not job._thread.is_alive())


def test_a_worker_does_not_outlive_its_parent(tmp_path):
    """A kernel that is killed outright takes its worker with it: the pipe closes and the worker
    ends itself.
    """
    code = (
        "import numpy as np, time\n"
        "from warpviz.topology.persistence.persistence_process import compute\n"
        "walk = np.cumsum(np.random.default_rng(0).normal(size=(4000, 16)), 0)\n"
        "job = compute(walk, max_points=4000)\n"
        "print(job._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**found_as_here(), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
    )
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_an_interpreter_that_ends_in_mid_job_leaves_nothing(tmp_path):
    """Its worker is gone with it, and so is the folder with the points."""
    code = (
        "import numpy as np, time\n"
        "from warpviz.topology.persistence.persistence_process import compute\n"
        "walk = np.cumsum(np.random.default_rng(0).normal(size=(4000, 16)), 0)\n"
        "job = compute(walk, max_points=4000)\n"
        "while not job.what.startswith('rips complex'): time.sleep(0.01)\n"
        "print(job._process.pid)\n"
    )
    environment = {**found_as_here(), "TMPDIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert found.stderr == ""
    assert not psutil.pid_exists(int(found.stdout))
    assert list(tmp_path.glob("warpviz-*")) == []


def test_a_disk_too_full_for_the_points_keeps_no_folder(tmp_path, monkeypatch):
    """Whoever asked is told, and no part of the points stays behind."""
    monkeypatch.setattr(
        np, "savez", lambda *_, **__: (_ for _ in ()).throw(OSError("No space left on device"))
    )
    with pytest.raises(OSError, match="No space left"):
        compute(circle(20, seed=7))
    assert list(tmp_path.glob("warpviz-*")) == []


def test_the_worker_loads_no_model_code():
    """Starting it costs no torch: neither the package nor the worker imports the engine."""
    heavy = {"torch", "transformers", "umap", "plotly", "gudhi", "sklearn"}
    module = "warpviz.topology.persistence.persistence_process"
    code = f"import sys, {module}; print(sorted({heavy!r} & set(sys.modules)))"
    here = found_as_here()
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=here, check=True
    )
    assert found.stdout.strip() == "[]"


def test_no_module_of_the_current_folder_runs(poison):
    """Diagrams are computed beside a numpy.py and others that would leave a mark: none runs."""
    assert compute(circle(20, seed=8)).result(60).dims == (0, 1)
    assert not list(poison.glob("*.ran"))
