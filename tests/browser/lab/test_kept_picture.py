"""A notebook that was saved after a live run, opened again: its picture, and no missing model."""

from lab_page import Lab
from lab_server import PATIENCE_S
from playwright.sync_api import expect

SETUP = """import warpviz
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
engine = FabricatedCortex(fabricate(num_streams=3, num_tokens=60), period_s=0.005)"""
BOARD = "board = warpviz.watch(engine, 'p')\nboard"
STILL = ".warpviz-still"
PATIENCE_MS = PATIENCE_S * 1000


def test_a_saved_notebook_shows_the_finished_picture(lab: Lab) -> None:
    """While the views are on the page the picture is hidden; opened again by another kernel, it is
    all that is seen of them.
    """
    path = lab.write("kept.ipynb", [SETUP, BOARD, "board.wait(60)\nNone"])
    lab.open_notebook(path)
    lab.run_all()
    lab.wait_for_prompt(2)
    lab.scroll_to(1)
    expect(lab.view("Live run")).to_be_visible(timeout=PATIENCE_MS)
    expect(lab.page.locator(STILL)).to_be_hidden()
    lab.page.wait_for_function(
        "() => document.querySelector('.warpviz-still')?.textContent.includes('ended: max_tokens')",
        timeout=PATIENCE_MS,
    )
    lab.command("docmanager:save")
    lab.page.wait_for_function(
        "() => !window.jupyterapp.shell.currentWidget.context.model.dirty", timeout=PATIENCE_MS
    )
    assert "ended: max_tokens" in path.read_text(encoding="utf-8")
    lab.page.goto("about:blank")
    lab.server.stop_kernels()
    lab.open_notebook(path)
    lab.scroll_to(1)
    expect(lab.page.locator(STILL)).to_be_visible(timeout=PATIENCE_MS)
    expect(lab.page.locator(f"{STILL} svg").first).to_be_visible()
    expect(lab.page.locator(STILL)).to_contain_text("3 streams, 0 of them thinking")
    missing = lab.page.get_by_text("model not found")
    for place in missing.all():
        expect(place).to_be_hidden()
    lab.errors[:] = [said for said in lab.errors if "not found" not in said]
