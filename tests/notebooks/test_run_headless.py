"""Every notebook runs from top to bottom in a real kernel, without a browser, and leaves nothing
large behind.
"""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_TIMEOUT_S = 240
MAX_SAVED_BYTES = 100_000


@pytest.mark.notebook
@pytest.mark.xdist_group("notebook")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_runs_headless(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run All ends without an exception and without a word on stderr, in an empty folder, with no
    display attached.
    """
    paths = [str(ROOT / "engine"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(
        book,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources=resources,
        store_widget_state=False,
    )
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert outputs


@pytest.mark.notebook
def test_without_outputs_a_notebook_is_small() -> None:
    """All notebooks together, as committed, are smaller than one picture."""
    assert sum(path.stat().st_size for path in NOTEBOOKS) < MAX_SAVED_BYTES
