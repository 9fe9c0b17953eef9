"""What a notebook keeps of a live run is its finished picture, not the moment the cell began."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SETUP = """
import warpviz
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.live.engine_thread import EngineThread
engine = lambda: FabricatedCortex(fabricate(num_streams=3, num_tokens=60), period_s=0.01)
"""
BOARD = ("board = warpviz.watch(engine(), 'p')\nboard", "board.wait(60); board.close()")
ALONE = (
    "run = EngineThread(engine(), 'p').start()\nview = warpviz.LiveRun(run)\nview",
    "run.join(60); view._follower.join(60); view.close()",
)
ENDED = ("view = warpviz.LiveRun(fabricate(num_streams=3, num_tokens=60))\nview", "view.close()")


def executed(folder: Path, *cells: str) -> nbformat.NotebookNode:
    """Return a notebook after Run All, without a browser."""
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(cell) for cell in (SETUP, *cells)]
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        book, timeout=120, kernel_name="python3", resources=resources, store_widget_state=False
    ).execute()
    return book


@pytest.mark.notebook
@pytest.mark.xdist_group("notebook")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("cells", [BOARD, ALONE, ENDED], ids=["board", "alone", "ended"])
def test_the_finished_picture_is_kept(
    cells: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the notebook and in a page made of it: all streams judged, the run ended, no model
    missing. The widget itself is an output without a picture.
    """
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "engine"), str(ROOT)]))
    book = executed(tmp_path, *cells)
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    pictures = [output.data["text/html"] for output in outputs if "text/html" in output.data]
    assert len(pictures) == 1
    assert "3 streams, 0 of them thinking" in pictures[0]
    assert "ended: max_tokens" in pictures[0]
    assert "no model yet" not in str(outputs)
    widgets = [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.data]
    assert len(widgets) == 1
    nbformat.write(book, tmp_path / "kept.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "kept.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    page = (tmp_path / "kept.html").read_text(encoding="utf-8")
    assert page.count("ended: max_tokens") >= 1
    assert "<svg" in page
    assert "not found" not in page
