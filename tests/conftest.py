"""What holds for every test: time limits of properties, Triton without a GPU, hostile folders."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

# before anything imports Triton, which decides it once
os.environ.setdefault("TRITON_INTERPRET", "1")

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
