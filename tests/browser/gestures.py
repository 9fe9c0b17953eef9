"""What a hand does on a view: drags a slider, draws a lasso, points at a bar, presses an export
button, asks Python.
"""

import json
import re
from pathlib import Path
from typing import Any

from lab_page import NOTEBOOK, Lab
from playwright.sync_api import Locator, Page, expect

PATIENCE_MS = 120_000
LASSO = ((0.03, 0.03), (0.97, 0.03), (0.97, 0.97), (0.03, 0.97))
STORE_OF = "(e => [...globalThis.__warpviz.stores.values()].find(s => s.uid === e.dataset.uid))"
STRIDE = 9  # pixels between two looks for a bar: smaller than a finger's width on the diagram


def box_of(target: Locator) -> dict[str, float]:
    """Return where an element is on the screen, after scrolling it there."""
    target.scroll_into_view_if_needed()
    found = target.bounding_box()
    assert found is not None
    return dict(found)


def drag(page: Page, target: Locator, start: float, end: float, height: float = 0.5) -> None:
    """Drag with the mouse over an element, from one share of its width to another."""
    box = box_of(target)
    y = box["y"] + box["height"] * height
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y, steps=8)
    page.mouse.up()


def slide(page: Page, view: Locator, trait: str, share: float) -> float:
    """Move a trait's slider by mouse to a share of its length; return the value it then has."""
    handle = view.locator(f"input[type=range][data-trait={trait}]").first
    low, high, now = (float(handle.evaluate(f"e => e.{name}")) for name in ("min", "max", "value"))
    drag(page, handle, (now - low) / (high - low), share)
    return float(handle.input_value())


def lasso(page: Page, view: Locator) -> None:
    """Draw a lasso around everything on a cloud's canvas."""
    box = box_of(view.locator("canvas").first)
    spots = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in LASSO]
    page.mouse.move(*spots[0])
    page.mouse.down()
    for spot in spots[1:]:
        page.mouse.move(*spot, steps=5)
    page.mouse.up()


def click_a_loop(page: Page, view: Locator) -> list[int]:
    """Point along the diagonal of a diagram, click each bar that answers; return the tokens of the
    first loop.
    """
    box = box_of(view.locator("canvas").first)
    status = view.locator(".wz-status")
    seen = set()
    for up in range(0, 90, STRIDE):
        for along in range(60, int(box["width"]) - 20, STRIDE):
            rise = along * (box["height"] - 66) / (box["width"] - 62)
            spot = (box["x"] + along, box["y"] + box["height"] - 40 - rise + 46 - up)
            if not box["y"] + 20 < spot[1] < box["y"] + box["height"] - 40:
                continue
            page.mouse.move(*spot)
            said = status.inner_text()
            if "H1 bar" not in said or said in seen:
                continue
            seen.add(said)
            page.mouse.click(*spot)
            if status.inner_text().startswith("Loop of"):
                return chosen(view)
    message = f"no bar of {len(seen)} carried a loop"
    raise AssertionError(message)


def chosen(view: Locator) -> list[int]:
    """Return the tokens selected in a view, from its own data."""
    script = f"e => {STORE_OF}(e).get('selection')"
    return list(view.evaluate(script))


def data_of(view: Locator, name: str) -> Any:
    """Return a trait of a view as the page has it."""
    script = f"(e, n) => {STORE_OF}(e).get(n)"
    return view.evaluate(script, name)


def press_export(view: Locator, kind: str) -> None:
    """Open a view's export menu and press an entry."""
    view.locator(".wz-menu > summary").click()
    view.locator(f"[data-export={kind}]").click()


def export(lab: Lab, view: Locator, kind: str) -> Path:
    """Press an export button in a notebook and return the file that the kernel wrote beside it."""
    press_export(view, kind)
    status = view.locator(".wz-status")
    expect(status).to_contain_text(re.compile(rf"Saved .*\.{kind}"), timeout=PATIENCE_MS)
    path = Path(status.inner_text().removeprefix("Saved "))
    assert path.parent == lab.server.root
    return path


def ask(lab: Lab, expression: str) -> Any:
    """Evaluate an expression in the notebook's kernel, in its last code cell; return it through
    JSON.
    """
    code = f"import json\njson.dumps({expression})"
    index = lab.page.evaluate(
        f"() => {NOTEBOOK}.widgets.findLastIndex(c => c.model.type === 'code')"
    )
    cell = f"{NOTEBOOK}.widgets[i].model"
    before = lab.cells()[index]["count"]
    write = (
        f"([i, code]) => {{ {cell}.sharedModel.setSource(code); {NOTEBOOK}.activeCellIndex = i; }}"
    )
    lab.page.evaluate(write, [index, code])
    lab.command("notebook:run-cell")
    lab.page.wait_for_function(
        f"([i, n]) => {{ const c = {cell}; return c.executionCount && c.executionCount !== n"
        " && c.executionState !== 'running'; }",
        arg=[index, before],
        timeout=PATIENCE_MS,
    )
    said = "".join(
        output.get("data", {}).get("text/plain", "") for output in lab.cells()[index]["outputs"]
    )
    return json.loads(said[1:-1].encode().decode("unicode_escape"))
