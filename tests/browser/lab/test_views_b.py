"""LiveRun, GateTuner and CouncilMonitor on a running engine, in JupyterLab."""

import json
from pathlib import Path
from typing import Any

import pytest
from lab_page import Lab
from playwright.sync_api import expect

ROOT = Path(__file__).parents[3]

WATCH = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import warpviz
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
cortex = FabricatedCortex(fabricate(num_streams=10, num_tokens=400), period_s=0.01)
board = warpviz.watch(cortex, "prompt", cloud=False)
board
"""


REPORT = """
import json
import re
from warpviz.live.engine_thread import live_runs
import threading
from warpviz.views.base import registry
pumps = [thread for thread in threading.enumerate() if thread.name == "warpviz-pump"]
thetas = dict(theta=cortex.theta, gate=board.gate.theta, live=board.live.theta)
json.dumps(dict(thetas, status=board.run.status, dropped=board.live.dropped,
    runs=len(live_runs()), views=len(registry._views), pumps=len(pumps)))
"""


def run_cell(lab: Lab, index: int) -> dict[str, Any]:
    """Run one cell again and return the JSON it ends with, empty if it ends with something else."""
    notebook = "window.jupyterapp.shell.currentWidget.content"
    before = lab.cells()[index]["count"]
    lab.page.evaluate(f"i => {{ {notebook}.activeCellIndex = i; }}", index)
    lab.command("notebook:run-cell")
    lab.page.wait_for_function(
        f"""([i, before]) => {{ const c = {notebook}.widgets[i].model;
            const isNew = c.executionCount && c.executionCount !== before;
            return isNew && c.executionState !== 'running'; }}""",
        arg=[index, before],
        timeout=120_000,
    )
    outputs = lab.cells()[index]["outputs"]
    text = "".join(output.get("data", {}).get("text/plain", "") for output in outputs)
    return json.loads(text.strip("'")) if text.startswith("'{") else {}


def test_watch_in_jupyterlab(lab: Lab) -> None:
    """One line: the text flows while other cells run, theta reaches the engine, Stop ends it, a
    re-run replaces it.
    """
    lab.write("watch.ipynb", [WATCH, "import time; time.sleep(1); 'busy'", REPORT])
    lab.open_notebook("watch.ipynb")
    lab.run_all()
    lab.wait_for_prompt(0)
    live, gate = lab.view("Live run"), lab.view("Gate")
    live.wait_for(timeout=120_000)
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.wr-tok').length > 260", timeout=60_000
    )
    expect(live).to_have_attribute("data-status", "running")
    lab.wait_for_prompt(2)
    slider = gate.locator('input[data-trait="theta"]')
    slider.focus()
    for _ in range(10):
        lab.page.keyboard.press("ArrowRight")
    lab.page.wait_for_timeout(500)
    live.locator('[data-name="hold"]').click()
    expect(live).to_have_attribute("data-status", "paused", timeout=5_000)
    live.locator('[data-name="hold"]').click()
    expect(live).to_have_attribute("data-status", "running", timeout=5_000)
    live.locator('[data-name="stop"]').click()
    expect(live).to_have_attribute("data-status", "stopped", timeout=5_000)
    report = run_cell(lab, 2)
    assert report["status"] == "stopped"
    assert report["theta"] == pytest.approx(0.5)
    assert report["gate"] == report["live"] == report["theta"]
    assert report["dropped"] == 0
    run_cell(lab, 0)
    run_cell(lab, 0)
    again = run_cell(lab, 2)
    assert again["runs"] <= 1
    assert again["views"] == 3
    assert again["pumps"] <= 3


BUSY = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.views.run.view import LiveRun
cortex = FabricatedCortex(fabricate(num_streams=10, num_tokens=400), period_s=0.01)
view = LiveRun.follow(cortex, "prompt")
view
"""


def test_a_busy_cell_does_not_hide_the_run(lab: Lab) -> None:
    """Run All with a cell that waits for the run: meanwhile the view fills, flows and stops the
    engine.
    """
    lab.write("busy.ipynb", [BUSY, "view.run.join()\nview.run.status"])
    lab.open_notebook("busy.ipynb")
    lab.run_all()
    lab.wait_for_prompt(0)
    live = lab.view("Live run")
    live.wait_for(timeout=120_000)
    lab.page.wait_for_function(
        "() => document.querySelectorAll('.wr-tok').length > 262", timeout=20_000
    )
    assert lab.cells()[1]["count"] is None or not lab.cells()[1]["outputs"]
    live.locator('[data-name="stop"]').click()
    assert "stopped" in str(lab.wait_for_prompt(1, 20)["outputs"])


CLOSE = """
import json
view.close()
json.dumps(dict(pump=view._pump.alive, follower=view._follower._thread.is_alive()))
"""
BURST = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.views.run.view import LiveRun
source = fabricate(num_streams=150, num_tokens=700)
view = LiveRun.follow(FabricatedCortex(source, period_s=0.00001), "prompt", name="burst")
view
"""


def test_ten_thousand_events_at_once_in_two_pictures_of_one_view(lab: Lab) -> None:
    """A burst arrives whole in both outputs of a view; closing it leaves no thread."""
    cells = [BURST, "view", "view._follower.join(60); len(source.events)", "0"]
    lab.write("twice.ipynb", cells)
    lab.open_notebook("twice.ipynb")
    lab.run_all()
    count = int(lab.wait_for_prompt(2)["outputs"][0]["data"]["text/plain"])
    found = "() => [...document.querySelectorAll('.warpviz')].map(e => e.liveRun?.run.length)"
    lab.page.wait_for_function(
        f"n => ({found})().filter(Boolean).every(c => c === n)", arg=count, timeout=60_000
    )
    assert lab.page.evaluate(found).count(count) >= 1
    assert count > 9_000
    lab.page.evaluate(
        "code => window.jupyterapp.shell.currentWidget.content.widgets[3]"
        ".model.sharedModel.setSource(code)",
        CLOSE,
    )
    assert run_cell(lab, 3) == {"pump": False, "follower": False}
