"""UMAP in its own process: the same bits, one process for all fits, errors named, stops and ends
heeded.
"""

import os
import subprocess
import sys
import threading
import time
from io import BytesIO
from pathlib import Path

import numpy as np
import psutil
import pytest

from warpviz.topology.hooks import StoppedError
from warpviz.topology.projection import umap_process
from warpviz.topology.projection.projections import Projection, umap
from warpviz.topology.projection.umap_process import Projector, serve

# few enough for PCA: nothing is compiled here
POINTS = np.random.default_rng(0).normal(size=(12, 4))
MANY = np.random.default_rng(1).normal(size=(40, 4))


@pytest.fixture
def elsewhere():
    """A projector of its own; afterwards its process and its thread are gone."""
    # an earlier test's queues leave their tracker behind
    others = set(psutil.Process().children(recursive=True))
    made = Projector()
    threads = threading.active_count()
    yield made
    made.close()
    assert set(psutil.Process().children(recursive=True)) <= others
    assert threading.active_count() == threads


def same(one: Projection, two: Projection) -> bool:
    """Whether two projections agree bit for bit."""
    return one.method == two.method and all(
        np.array_equal(getattr(one, name), getattr(two, name)) for name in umap_process.ARRAYS
    )


def test_the_process_gives_what_a_call_gives(elsewhere: Projector) -> None:
    """Bit for bit the projection of a direct call, and a second fit uses the same process."""
    assert same(elsewhere.fit(POINTS, num_axes=3, seed=4), umap(POINTS, num_axes=3, seed=4))
    first = elsewhere._process
    assert same(elsewhere.fit(POINTS), umap(POINTS))
    assert elsewhere._process is first


def test_what_is_wrong_is_named_and_the_process_stays(elsewhere: Projector) -> None:
    """Refused settings and points raise ValueError with the reason, here as there; the next fit
    works.
    """
    with pytest.raises(ValueError, match="n_neighbors must be at least 2"):
        elsewhere.fit(MANY, n_neighbors=1)
    with pytest.raises(ValueError, match="finite"):
        elsewhere.fit(np.full((20, 3), np.nan))
    assert elsewhere.fit(POINTS).method == "pca"


def test_a_process_that_dies_is_said_and_replaced(elsewhere: Projector) -> None:
    """Killed in mid-fit, the fit raises and leaves no folder; the next one starts a new process."""
    elsewhere.fit(POINTS)
    first = elsewhere._process
    threading.Timer(0.3, first.kill).start()
    with pytest.raises(RuntimeError, match=r"the UMAP process has ended \(exit code -9\)"):
        elsewhere.fit(MANY, n_neighbors=5)
    assert elsewhere.fit(POINTS).method == "pca"
    assert elsewhere._process is not first


def test_a_fit_nobody_wants_any_more_is_left(
    elsewhere: Projector, monkeypatch, tmp_path: Path
) -> None:
    """Told to stop, the caller is free and its folder is gone; a later fit gets its own
    answer.
    """
    monkeypatch.setattr(umap_process.tempfile, "tempdir", str(tmp_path))
    begun = time.monotonic()
    with pytest.raises(StoppedError):
        elsewhere.fit(MANY, n_neighbors=5, should_stop=lambda: time.monotonic() > begun + 0.5)
    assert list(tmp_path.iterdir()) == []
    elsewhere.close()
    assert same(elsewhere.fit(POINTS, seed=2), umap(POINTS, seed=2))
    assert elsewhere._replies == {}


def test_a_killed_parent_leaves_no_points_behind(tmp_path: Path) -> None:
    """The pipe closes in mid-fit: the process ends itself and takes the folder with it."""
    code = (
        "import numpy as np, os, threading, time\n"
        "from warpviz.topology.projection.umap_process import shared\n"
        "points = np.random.default_rng(0).normal(size=(3000, 32))\n"
        "threading.Thread(target=shared.fit, args=(points,), daemon=True).start()\n"
        "while shared._process is None: time.sleep(0.01)\n"
        "time.sleep(0.3)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    here = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TMPDIR": str(tmp_path),
    }
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=here, check=False
    )
    assert found.returncode == -9
    end = time.monotonic() + 30
    while list(tmp_path.glob("warpviz-umap-*")) and time.monotonic() < end:
        time.sleep(0.05)
    assert list(tmp_path.glob("warpviz-umap-*")) == []


def test_it_ends_when_no_order_comes_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an order for the idle time, serving ends and has replied nothing."""
    monkeypatch.setattr(umap_process, "IDLE_S", 0.05)
    monkeypatch.setattr(umap_process, "_hear", lambda *_: None)
    replies = BytesIO()
    serve(BytesIO(), replies)
    assert replies.getvalue() == b""


def test_no_module_of_the_current_folder_runs(elsewhere: Projector, poison: Path) -> None:
    """UMAP is fitted beside a numpy.py and others that would leave a mark: none of them runs."""
    assert elsewhere.fit(MANY, n_neighbors=5).method == "umap"
    assert not list(poison.glob("*.ran"))
