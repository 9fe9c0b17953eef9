"""The cloud, the text and the persistence in a real browser: in JupyterLab with a kernel, and as a
page without one.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from gestures import lasso, press_export
from lab_page import Lab
from playwright.sync_api import Browser, Page, expect

SETUP = """
import sys; sys.path.insert(0, {root!r})
from tests.views.clouds import made_up
from warpviz.views.explore import explore
given = made_up({num}, hostile=True)
board = explore(given, k=40, projection="pca", export_dir="shots", num_null=3)
board
"""
STORES = "[...globalThis.__warpviz.stores.values()]"
CLOUD, TEXT, SHAPE = (
    f"section[aria-label='{name}']" for name in ("KV cloud", "Context", "Persistence")
)


def slider(page: Page, view: str, trait: str = "k"):
    """Return a view's slider of a trait."""
    return page.locator(f"{view} input[type=range][data-trait={trait}]")


def open_board(lab: Lab, *, num: int = 200) -> Page:
    """Open a notebook that shows the dashboard of made-up tokens, and a spare cell."""
    root = str(Path(__file__).parents[3])
    lab.write("views_a.ipynb", [SETUP.format(root=root, num=num), "0"])
    lab.open_notebook("views_a.ipynb")
    lab.run_all()
    lab.wait_for_prompt(1)
    wait_for_board(lab.page)
    return lab.page


def wait_for_board(page: Page) -> None:
    """Wait until all three views have their arrays."""
    page.locator(SHAPE).wait_for(timeout=120_000)
    ready = f"{STORES}.length === 3 && {STORES}.every(s => (s.arrays.order?.data.length ?? 0) > 0)"
    page.wait_for_function(
        f"() => {ready} && {STORES}[2].arrays.full_h1 && {STORES}[2].data.numbers?.[1]",
        timeout=120_000,
    )


def run_cell(lab: Lab, index: int, code: str | None = None) -> str:
    """Run a cell, with new source if given, and return what it printed."""
    cell = "window.jupyterapp.shell.currentWidget.content.widgets[i]"
    lab.page.evaluate(
        f"([i, code]) => {{ window.jupyterapp.shell.currentWidget.content.activeCellIndex = i;"
        f" if (code) {cell}.model.sharedModel.setSource(code); }}",
        [index, code],
    )
    before = lab.cells()[index]["count"]
    lab.command("notebook:run-cell")
    lab.page.wait_for_function(
        f"([i, before]) => {{ const c = {cell}; const n = c.model.executionCount;"
        " return n && n !== before"
        " && c.model.executionState !== 'running'; }",
        arg=[index, before],
        timeout=60_000,
    )
    return "".join(out.get("text", "") for out in lab.cells()[index]["outputs"])


def test_sliders_lassos_and_loops_move_every_view_and_the_kernel(lab: Lab) -> None:
    """Keys on k, a lasso and Enter on a loop reach the other views and Python, and its selection is
    drawn.
    """
    page = open_board(lab)
    before = page.locator(f"{TEXT} .wz-landmark").count()
    slider(page, CLOUD).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(slider(page, TEXT)).to_have_value("45")
    assert page.locator(f"{TEXT} .wz-landmark").count() == before + 5
    page.wait_for_function(f"() => {STORES}[2].data.pair?.k === 45", timeout=10_000)
    assert run_cell(
        lab, 1, "print([v.k for v in board.views], [v.notice for v in board.views])"
    ).strip() == ("[45, 45, 45] ['', '', '']")
    page.locator(f"{CLOUD} canvas").scroll_into_view_if_needed()
    lasso(page, page.locator(CLOUD))
    page.wait_for_function("() => document.querySelectorAll('.wz-chosen').length > 100")
    tokens = page.locator(f"{TEXT} .wz-chosen").evaluate_all(
        "els => els.map(el => Number(el.dataset.t))"
    )
    assert json.loads(run_cell(lab, 1, "print(board.views[1].selection.tolist())")) == tokens
    run_cell(lab, 1, "board.views[1].selection = [3, 7]\nboard.views[1]")
    page.wait_for_function(f"() => {STORES}.every(s => String(s.get('selection')) === '3,7')")
    page.locator(f"{SHAPE} canvas").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(f"{SHAPE} .wz-status")).to_contain_text("Loop of")
    assert page.locator(f"{TEXT} .wz-chosen").count() >= 3
    assert page.locator(TEXT).count() == 2  # two views of one widget follow one store
    first, second = (page.locator(TEXT).nth(n).locator("input[type=range]") for n in (0, 1))
    second.focus()
    page.keyboard.press("Home")
    expect(first).to_have_value("1")
    assert page.locator(f"{TEXT} .wz-landmark").count() == 2


def test_exports_hostile_text_reruns_and_closing(lab: Lab) -> None:
    """Export buttons write files; no token's text runs; a re-run closes the earlier views; closing
    leaves no thread.
    """
    page = open_board(lab)
    folder = lab.server.root / "shots"
    for kind in ("svg", "png", "html", "csv", "json"):
        press_export(page.locator(CLOUD), kind)
        said = re.compile(rf"Saved .*kv-cloud\.{kind}")
        expect(page.locator(f"{CLOUD} .wz-status")).to_contain_text(said, timeout=15_000)
        assert (folder / f"kv-cloud.{kind}").stat().st_size > 500
    assert "<text" in (folder / "kv-cloud.svg").read_text()
    assert (folder / "kv-cloud.png").read_bytes()[:4] == b"\x89PNG"
    assert page.evaluate("window.pwned") is None
    assert "<img src=x" in page.locator(f"{TEXT} .wz-flow").inner_text()
    count = (
        "import threading; from warpviz.views.base import registry; print(len(registry._views), "
        "sum(thread.name == 'warpviz-pump' for thread in threading.enumerate()))"
    )
    assert run_cell(lab, 1, count).split() == ["3", "3"]
    old = page.locator(CLOUD).get_attribute("data-uid")
    run_cell(lab, 0)
    page.wait_for_function(
        f'(old) => {{ const el = document.querySelector("{CLOUD}");'
        " return el && el.dataset.uid !== old; }",
        arg=old,
    )
    wait_for_board(page)
    assert run_cell(lab, 1, count).split()[0] == "3"
    assert run_cell(lab, 1, "board.close()\n" + count).split() == ["0", "0"]


@pytest.fixture(scope="module")
def offline(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The dashboard as a page opened from disk, without any server."""
    from tests.views.clouds import made_up
    from warpviz.topology.persistence.store import DiagramStore
    from warpviz.views.explore import explore

    folder = tmp_path_factory.mktemp("offline")
    board = explore(
        made_up(200, hostile=True),
        k=40,
        projection="pca",
        num_null=3,
        store=DiagramStore(root=folder),
    )
    for view in board.views:
        view.wait()
    path = board.to_html(folder / "board.html")
    board.close()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "blob:", "data:"))
            else wrong.append(request.url)
        ),
    )
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    yield page
    context.close()
    assert not wrong, wrong


def test_a_page_without_a_kernel_links_its_views(offline: Page) -> None:
    """K and selection move in all views of a page opened from disk."""
    slider(offline, TEXT).focus()
    offline.keyboard.press("ArrowRight")
    expect(slider(offline, SHAPE)).to_have_value("41")
    assert offline.locator(f"{TEXT} .wz-landmark").count() == 41
    offline.locator(f"{CLOUD} input[type=search]").fill("brass")
    words = offline.locator(f"{TEXT} .wz-chosen").all_inner_texts()
    assert set(words) == {" brass"}
    assert len(words) == offline.evaluate(f"{STORES}[2].get('selection').length")


def test_a_page_without_a_kernel_exports(offline: Page, tmp_path: Path) -> None:
    """Without a kernel the buttons download: vector text in the SVG, one row per token in the
    CSV.
    """
    saved = {}
    for kind in ("svg", "csv", "json", "png", "html"):
        with offline.expect_download() as download:
            press_export(offline.locator(CLOUD), kind)
        saved[kind] = tmp_path / f"out.{kind}"
        download.value.save_as(saved[kind])
    svg = saved["svg"].read_text()
    assert "cover radius" in svg
    assert "<script" not in svg
    assert "<metadata>{&quot;" in svg
    assert json.loads(saved["json"].read_text())["provenance"]["model"] == "made up"
    assert saved["csv"].read_text().startswith('# {"')
    assert "warpviz-data" in saved["html"].read_text()


def test_hostile_text_stays_text_in_a_page(offline: Page) -> None:
    """No token of the page became markup or code."""
    assert offline.evaluate("window.pwned") is None
    assert offline.locator("img").count() == 0
    assert "</script><script>" in offline.locator(f"{TEXT} .wz-flow").inner_text()


def test_projections_and_dimensions_switch_without_a_kernel(offline: Page) -> None:
    """Two and three dimensions of the PCA are both in the page, and the arrows walk through the
    tokens.
    """
    offline.get_by_role("radio", name="3-D").click()
    assert offline.evaluate(f"{STORES}[0].get('dims')") == 3
    offline.locator(f"{CLOUD} canvas").focus()
    offline.keyboard.press("ArrowRight")
    expect(offline.locator(f"{CLOUD} .wz-status")).to_contain_text("token 0")
