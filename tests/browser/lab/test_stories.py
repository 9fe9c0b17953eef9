"""The other notebooks, driven as their readers are asked to drive them: by keyboard and by mouse,
to files and back.
"""

import json
import re
from pathlib import Path

from gestures import PATIENCE_MS, ask, chosen, click_a_loop, data_of, drag, export, lasso, slide
from lab_page import Lab, press, says, words
from playwright.sync_api import Page, Request, expect

FOLDER = Path(__file__).parents[3] / "notebooks"
MOST_REPLAY_BYTES = 5_000_000


def opened(lab: Lab, name: str) -> Lab:
    """Open a notebook on a page so tall that everything is drawn, and run it to its end."""
    lab.page.set_viewport_size({"width": 1280, "height": 3600})
    lab.open_notebook(FOLDER / name)
    lab.run_all()
    lab.wait_for_prompt(-1, timeout_s=240)
    return lab


def bare(lab: Lab, path: Path) -> Page:
    """Open a file in a browser of its own that has no network at all."""
    browser = lab.page.context.browser
    assert browser is not None
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000}, offline=True, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("pageerror", lambda error: lab.errors.append(f"{path.name}: {error}"))

    def watch(request: Request) -> None:
        if "://" in request.url[:8] and not request.url.startswith("file:"):
            lab.foreign.append(request.url)

    page.on("request", watch)
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    return page


def test_cloud_and_text_are_one_selection(lab: Lab) -> None:
    """01: Python's ten tokens are on the screen, in their own view only; a lasso comes back to
    Python; k follows the mouse in both linked views.
    """
    opened(lab, "01_kv_cloud.ipynb")
    clouds = lab.page.locator('section.warpviz[aria-label="KV cloud"]')
    cloud, text = clouds.first, lab.view("Context")
    says(clouds.nth(1), r"10 tokens are selected")
    says(cloud, r"0 tokens are selected")
    assert clouds.count() == 3
    says(clouds.last, r"rotated")
    assert len(chosen(text)) == 0
    k = slide(lab.page, cloud, "k", 0.1)
    assert k != 64
    says(cloud, rf"At k = {k:.0f} the cover radius is \d")
    assert data_of(text, "k") == k
    lasso(lab.page, cloud)
    says(cloud, r"\d{3} tokens are selected")
    tokens = chosen(cloud)
    assert chosen(text) == tokens
    assert ask(lab, "[cloud.k, cloud.selection.tolist(), words.selection.tolist()]") == [
        k,
        tokens,
        tokens,
    ]
    text.locator("[data-t='5']").first.click()
    expect(cloud.locator("[data-summary]")).to_contain_text("1 token", timeout=PATIENCE_MS)
    assert chosen(cloud) == chosen(text) == [5]
    rows = export(lab, cloud, "csv").read_text(encoding="utf-8").splitlines()
    facts = json.loads(rows[0].removeprefix("# "))
    assert (facts["model"], facts["k"], facts["policy"]) == ("village", k, "hybrid")
    assert sum(row.endswith(",True") for row in rows) == 1


def test_a_loop_lights_up_in_cloud_and_text(lab: Lab) -> None:
    """02: k reaches the linked cloud; a click on an H1 point selects its cycle everywhere; the
    export reloads.
    """
    opened(lab, "02_persistence.ipynb")
    shape, cloud, text = lab.view("Persistence"), lab.view("KV cloud"), lab.view("Context")
    before = says(shape, r"k = 64: bottleneck \d")
    press(shape, "k", "ArrowLeft", times=32)
    after = says(shape, r"k = 32: bottleneck \d")
    assert before.replace("64", "32") != after
    says(cloud, r"k = 32")
    k = slide(lab.page, shape, "k", 0.12)
    says(shape, rf"k = {k:.0f}: bottleneck \d")
    loop = click_a_loop(lab.page, shape)
    assert len(loop) >= 3
    assert chosen(cloud) == chosen(text) == loop
    lit = text.locator(".wz-chosen").evaluate_all("els => els.map(e => Number(e.dataset.t))")
    assert sorted(set(lit)) == loop
    says(cloud, rf"{len(loop)} tokens are selected")
    assert ask(lab, "[shape.selection.tolist(), cloud.selection.tolist(), shape.k]") == [
        loop,
        loop,
        k,
    ]
    first, second = export(lab, shape, "json"), export(lab, shape, "json")
    assert first != second
    texts = [path.read_text(encoding="utf-8").replace(path.stem, "") for path in (first, second)]
    assert texts[0] == texts[1]
    found = f"warpviz.load({first.name!r}).select(k={k:.0f}, dim=1)[0].bottleneck"
    assert f"bottleneck {ask(lab, found):.3g}" in words(shape)


def test_a_replay_is_played_stepped_scrubbed_and_taken_away(lab: Lab) -> None:
    """03: keys and mouse move the replay, Play plays it, and its file plays and links in a browser
    without network.
    """
    opened(lab, "03_live_run.ipynb")
    replay = lab.view("Live run")
    time, line = replay.locator(".wr-time"), replay.locator("canvas.wr-timeline")
    line.focus()
    lab.page.keyboard.press("Home")
    expect(time).to_have_text(re.compile(r"step 0 of"), timeout=PATIENCE_MS)
    lab.page.keyboard.press("ArrowRight")
    expect(time).to_have_text(re.compile(r"step 1 of"), timeout=PATIENCE_MS)
    drag(lab.page, line, 0.2, 0.5)
    middle = int(re.findall(r"step (\d+)", time.inner_text())[0])
    assert 80 < middle < 160
    written = replay.evaluate("e => e.liveRun.run.numTokens(e.liveRun.playhead.cursor)")
    shown = "".join(replay.locator(".wr-tok").all_text_contents())
    wrote = "(e.text for e in cortex.trace.events if e.type == 'token')"
    tokens = ask(lab, f"[*cortex.trace.events[0].prompt_tokens, *{wrote}]")
    labels = ask(lab, "cortex.trace.events[0].labels")  # special tokens are shown by name
    named = [labels.get(str(at), token) for at, token in enumerate(tokens)]
    assert shown == "".join(named[:written])
    replay.get_by_role("button", name="Play").click()
    last = "[...document.querySelectorAll('section.warpviz')].at(-1)"
    plays = f"beat => {last}.liveRun.playhead.beat > beat"
    lab.page.wait_for_function(plays, arg=middle + 3)
    line.focus()
    lab.page.keyboard.press("End")
    expect(time).to_have_text(re.compile(r"step (\d+) of \1"), timeout=PATIENCE_MS)
    says(replay, r"[1-9]\d* streams")
    path = lab.server.root / "replay.html"
    assert path.stat().st_size < MOST_REPLAY_BYTES
    page = bare(lab, path)
    away = page.locator("section.warpviz")
    assert away.evaluate("e => e.liveRun.run.length") == replay.evaluate(
        "e => e.liveRun.run.length"
    )
    expect(away.locator(".wr-cloud")).to_be_visible()
    assert away.evaluate("e => e.liveRun.cloud.size") == len(tokens)
    away.get_by_role("button", name="Play").click()
    page.wait_for_function("() => document.querySelector('.warpviz').liveRun.playhead.beat > 3")
    page.context.close()


def test_theta_scorer_and_true_labels(lab: Lab) -> None:
    """04: theta by key, mouse and button decides again; labels give precision and recall; raw
    separates worse.
    """
    opened(lab, "04_gate.ipynb")
    gates = lab.page.locator('section.warpviz[aria-label="Gate"]')
    tuner = next(
        gate
        for gate in gates.all()
        if "labels" not in gate.inner_text() and data_of(gate, "theta") == 0.5
    )
    press(tuner, "theta", "End")
    says(tuner, r"theta 1.00 under centred: accepted 0")
    press(tuner, "theta", "Home")
    says(tuner, r"theta [\u2212-]1.00 under centred: accepted [1-9]\d*, rejected 0")
    judged = words(tuner)
    tuner.get_by_role("radio", name="raw").click()
    expect(tuner.locator("[data-summary]")).not_to_have_text(judged, timeout=PATIENCE_MS)
    says(tuner, r"under raw")
    counts = ask(lab, "[len(known.thoughts), sum(map(bool, known.labels))]")
    known = next(
        gate
        for gate in gates.all()
        if gate.evaluate("e => e.gateTuner.judged.thoughts.length") == counts[0]
    )
    assert counts[0] > 200 < 3 * counts[1]
    best = known.evaluate("e => e.gateTuner.gate.auc")
    known.get_by_role("button", name="Best").click()
    drag(lab.page, known.locator(".wt-canvas"), 0.5, 0.7, height=0.2)
    theta = data_of(known, "theta")
    lab.page.wait_for_timeout(500)
    python = ask(
        lab, "(lambda o: [known.theta, o.num_accepted, o.precision, o.recall])(known.outcome())"
    )
    outcome = "({ gateTuner: { theta, gate } }) => ({ theta, ...gate.outcome(theta) })"
    seen = [known.evaluate(outcome)[name] for name in ("theta", "accepted", "precision", "recall")]
    assert [round(value, 6) for value in python] == [round(value, 6) for value in seen]
    assert python[0] == theta
    known.get_by_role("radio", name="raw").click()
    assert known.evaluate("e => e.gateTuner.gate.auc") < best
    assert (
        json.loads(export(lab, known, "json").read_text(encoding="utf-8"))["provenance"]["scorer"]
        == "raw"
    )


def test_a_random_model_is_drawn_like_any_other(lab: Lab) -> None:
    """05: the view of a model that was handed over names it, follows k by mouse, and turns to
    3-D.
    """
    opened(lab, "05_bring_your_own_model.ipynb")
    cloud = lab.view("KV cloud")
    says(cloud, r"random Llama")
    assert "cover radius" in says(cloud, r"k = 32")
    k = slide(lab.page, cloud, "k", 0.3)
    says(lab.view("Persistence"), rf"k = {k:.0f}: bottleneck \d")
    cloud.get_by_role("radio", name="3-D").click()
    assert data_of(cloud, "dims") == 3
    picture = export(lab, cloud, "svg").read_text(encoding="utf-8")
    assert "random Llama" in picture
    assert "<text" in picture
