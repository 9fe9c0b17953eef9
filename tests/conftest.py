"""What holds for every test: time limits of properties, Triton without a GPU, hostile folders, and
that no view is left open.
"""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# before anything imports Triton, which decides it once
os.environ.setdefault("TRITON_INTERPRET", "1")
# a child that gives way would never end beside other tests
os.environ.setdefault("WARPVIZ_NICE", "0")

# a property is judged by its answer, not by the time that a busy machine takes for it
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

IMPORTED = (
    "gudhi",
    "json",
    "numba",
    "numpy",
    "queue",
    "random",
    "ripser",
    "runpy",
    "safetensors",
    "scipy",
    "sitecustomize",
    "sklearn",
    "tokenizers",
    "torch",
    "transformers",
    "umap",
    "usercustomize",
    "warp_cortex",
    "warpviz",
)
MARK = """import pathlib
pathlib.Path(__file__).with_suffix(".ran").touch()
raise SystemExit("this module must not run")
"""


PUMP = "warpviz-pump"  # the name of a thread that writes to a view
LAST_S = 20.0  # the longest that such a thread may take to end on a busy machine


def open_views() -> list[object]:
    """Return the views that are not closed, without importing any."""
    registry = sys.modules.get("warpviz.views.base.registry")
    return [] if registry is None else list(registry._views.values())


def pumps() -> set[threading.Thread]:
    """Return the threads that write to a view."""
    return {thread for thread in threading.enumerate() if thread.name == PUMP}


@pytest.fixture(autouse=True)
def no_view_is_left() -> Iterator[None]:
    """Close what a test has left open, so that only this test fails by it."""
    known = {id(view) for view in open_views()}
    before = pumps()
    yield
    left = [view for view in open_views() if id(view) not in known]
    for view in left:
        view.close()  # type: ignore[attr-defined] # a View
    stuck = pumps() - before
    for thread in stuck:
        thread.join(LAST_S)
    assert not left, f"views left open: {[type(view).__name__ for view in left]}"
    assert not [thread for thread in stuck if thread.is_alive()]


@pytest.fixture
def poison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder, as of a notebook, whose modules leave `<name>.ran` if a child runs one."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in IMPORTED:
        (folder / f"{name}.py").write_text(MARK)
    monkeypatch.chdir(folder)
    given = ["", ".", str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(given))
    monkeypatch.setattr(sys, "path", ["", str(folder), *sys.path])
    return folder
