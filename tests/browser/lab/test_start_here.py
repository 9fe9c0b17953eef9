"""The first notebook, driven as a user drives it."""

import re
from pathlib import Path

import pytest
from gestures import press_export
from lab_page import Lab, press, says
from playwright.sync_api import expect
from warp_cortex import GateDecision, Inject, RunStart, Spawn, is_fetched, load_trace

ROOT = Path(__file__).parents[3]
PATIENCE_MS = 120_000


@pytest.fixture
def opened(lab: Lab) -> Lab:
    """00_start_here after Run All, on a page so tall that everything is drawn at once."""
    lab.page.set_viewport_size({"width": 1280, "height": 3600})
    lab.open_notebook(ROOT / "notebooks" / "00_start_here.ipynb")
    lab.command("application:toggle-left-area")
    lab.run_all()
    lab.wait_for_prompt(-1, timeout_s=420)
    return lab


@pytest.mark.timeout(900)
def test_the_story(opened: Lab) -> None:
    """The run ends with streams judged; k moves cloud and persistence; theta decides again; exports
    are files. On SmolLM2 at least one thought passes a theta that nobody set, and one does not.
    """
    run, gate = opened.view("Live run"), opened.view("Gate")
    expect(run).to_contain_text("done", timeout=PATIENCE_MS)
    says(run, r"[1-9]\d* streams?")
    cloud, shape = opened.view("KV cloud"), opened.view("Persistence")
    says(cloud, r"At k = 32 the cover radius is \d")
    before = says(shape, r"k = 32: bottleneck \d")
    press(cloud, "k", "ArrowRight", times=8)
    says(cloud, r"At k = 40 the cover radius is \d")
    assert says(shape, r"k = 40: bottleneck \d").replace("40", "32") != before
    trace = load_trace(opened.server.root / "my_first_run")
    verdicts = [event.accepted for event in trace.of(GateDecision)]
    if is_fetched("smollm2"):
        assert "smollm2" in trace.of(RunStart)[0].model.lower()
        assert len(trace.of(Spawn)) >= 3
        assert {True, False} <= set(verdicts)
        assert trace.of(Inject)
    judged = says(gate, f"accepted {sum(verdicts)}, rejected {verdicts.count(False)}, changed 0")
    press(gate, "theta", "End")
    expect(gate.locator("[data-summary]")).not_to_have_text(judged, timeout=PATIENCE_MS)
    press_export(cloud, "svg")
    expect(cloud.locator(".wz-status")).to_contain_text("Saved", timeout=PATIENCE_MS)
    assert (opened.server.root / "kv-cloud.svg").read_text(encoding="utf-8").startswith("<svg")
    assert (opened.server.root / "my_first_run" / "trace.jsonl").is_file()
    assert (opened.server.root / "my_first_run.html").stat().st_size < 5_000_000


LONG = """
import warpviz
from warp_cortex import Cortex, CortexConfig, Prism, RiverConfig
cortex = Cortex(Prism.load("village"), CortexConfig(river=RiverConfig(max_tokens=900)))
council = warpviz.watch(cortex, warpviz.sample(), cloud=False)
council
"""


def test_stop_ends_a_run_at_its_next_step(lab: Lab) -> None:
    """The Stop button ends a long run early; the kernel is idle, the trace is whole, and nothing
    runs on.
    """
    lab.write(
        "long.ipynb",
        [LONG, "council.wait(60)\nlen(cortex.trace.events), cortex.trace.events[-1].type"],
    )
    lab.open_notebook("long.ipynb")
    lab.run_all()
    stop = lab.view("Live run").locator("[data-name=stop]")
    stop.click(timeout=PATIENCE_MS)
    outcome = lab.wait_for_prompt(1)["outputs"][0]["data"]["text/plain"]
    assert int(re.findall(r"\d+", outcome)[0]) < 900 * 4
    expect(lab.view("Live run")).to_contain_text("stopped", timeout=PATIENCE_MS)
    expect(stop).to_be_hidden()
