"""The other notebooks, driven as their readers are asked to drive them."""

import re
from pathlib import Path

from lab_page import Lab, press, says, words
from playwright.sync_api import expect

FOLDER = Path(__file__).parents[2] / "notebooks"
PATIENCE_MS = 60_000


def opened(lab: Lab, name: str) -> Lab:
    """Open a notebook on a page so tall that everything is drawn, and run it to its end."""
    lab.page.set_viewport_size({"width": 1280, "height": 3600})
    lab.open_notebook(FOLDER / name)
    lab.run_all()
    lab.wait_for_prompt(-1, timeout_s=240)
    return lab


def test_what_python_selects_is_marked_in_cloud_and_text(lab: Lab) -> None:
    """01: the ten tokens that a cell selects are selected on the screen, and the text shows the same ones."""
    opened(lab, "01_kv_cloud.ipynb")
    clouds = lab.page.locator('section.warpviz[aria-label="KV cloud"]')
    says(clouds.first, r"10 tokens are selected")
    assert clouds.count() == 2
    says(clouds.last, r"rotated")


def test_k_moves_the_diagrams_and_their_linked_cloud(lab: Lab) -> None:
    """02: k in the persistence view reaches the cloud in another cell, and the bottleneck distance follows."""
    opened(lab, "02_persistence.ipynb")
    shape, cloud = lab.view("Persistence"), lab.view("KV cloud")
    before = says(shape, r"k = 64: bottleneck \d")
    press(shape, "k", "ArrowLeft", times=32)
    after = says(shape, r"k = 32: bottleneck \d")
    assert before.replace("64", "32") != after
    says(cloud, r"k = 32")


def test_a_replay_is_played_stepped_and_scrubbed(lab: Lab) -> None:
    """03: the saved run goes to its beginning, steps, jumps to its end, and needs no engine for it."""
    opened(lab, "03_live_run.ipynb")
    replay = lab.view("Live run")
    time = replay.locator(".wr-time")
    replay.locator("canvas.wr-timeline").focus()
    lab.page.keyboard.press("Home")
    expect(time).to_have_text(re.compile(r"beat 0 /"), timeout=PATIENCE_MS)
    lab.page.keyboard.press("ArrowRight")
    expect(time).to_have_text(re.compile(r"beat 1 /"), timeout=PATIENCE_MS)
    lab.page.keyboard.press("End")
    expect(time).to_have_text(re.compile(r"beat (\d+) / \1"), timeout=PATIENCE_MS)
    says(replay, r"[1-9]\d* streams")
    assert (lab.server.root / "replay.html").stat().st_size < 5_000_000


def test_theta_and_scorer_decide_again(lab: Lab) -> None:
    """04: at theta 1 nothing passes, at -1 everything does, and another scorer has its own similarities."""
    opened(lab, "04_gate.ipynb")
    tuner = lab.page.locator('section.warpviz[aria-label="Gate"]').nth(0)
    if tuner.locator("[data-summary]").count() == 0:
        tuner = lab.view("Gate")
    press(tuner, "theta", "End")
    says(tuner, r"theta 1.00 under centred: accepted 0")
    press(tuner, "theta", "Home")
    says(tuner, r"theta [\u2212-]1.00 under centred: accepted [1-9]\d*, rejected 0")
    judged = words(tuner)
    tuner.get_by_role("radio", name="raw").click()
    expect(tuner.locator("[data-summary]")).not_to_have_text(judged, timeout=PATIENCE_MS)
    says(tuner, r"under raw")


def test_a_random_model_is_drawn_like_any_other(lab: Lab) -> None:
    """05: the view of a model that was handed over names it."""
    opened(lab, "05_bring_your_own_model.ipynb")
    says(lab.view("KV cloud"), r"random Llama")
    assert "cover radius" in says(lab.view("KV cloud"), r"k = 32")
