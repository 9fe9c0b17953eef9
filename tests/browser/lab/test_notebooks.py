"""Every notebook, as a user runs it: Run All in JupyterLab ends without an error and draws its
views.
"""

from pathlib import Path

import pytest
from lab_page import Lab

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_run_all(lab: Lab, path: Path) -> None:
    """All cells run and show something drawn; every view has a summary in words and no complaint of
    its own.
    """
    lab.open_notebook(path)
    lab.run_all()
    lab.wait_for_prompt(-1, timeout_s=240)
    shown = [
        number
        for number, cell in enumerate(lab.cells())
        if holds(cell, "application/vnd.jupyter.widget-view+json")
    ]
    still = [
        number
        for number, cell in enumerate(lab.cells())
        if holds(cell, "application/vnd.plotly.v1+json")
    ]
    assert shown or still
    for number in shown:
        lab.scroll_to(number)
        views = lab.views(number)
        views.first.wait_for(timeout=120_000)
        for view in views.all():
            assert (
                view.locator("[data-summary]").inner_text().strip()
                or view.locator("[data-summary]").text_content()
            )
            assert view.locator("[role=alert]").is_hidden(), view.locator(
                "[role=alert]"
            ).inner_text()


def holds(cell: dict, kind: str) -> bool:
    """Tell whether a cell's output is of a MIME type: a widget's, or a still figure's."""
    return any(kind in output.get("data", {}) for output in cell["outputs"])
