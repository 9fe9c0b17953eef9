"""LiveRun, GateTuner and CouncilMonitor as pages without a kernel, in a real browser."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gestures import press_export
from playwright.sync_api import Browser, Page, expect
from warp_cortex import Spawn, StreamToken, area

from tests.views.fabricated import HOSTILE, fabricate, labels_of
from warpviz.live import regate
from warpviz.live.timeline import Timeline
from warpviz.views.compose import compose
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.run.view import LiveRun

LIVE = "document.querySelector('.warpviz').liveRun"
GATE = "document.querySelector('.warpviz').gateTuner"
Open = Callable[..., Page]


def test_the_browser_folds_a_run_as_python_does(show: Open) -> None:
    """Two routes, one answer: text, counts, phases, beats and theta agree at every cursor tried."""
    trace = fabricate(num_streams=12, num_tokens=150)
    page, line = show(LiveRun(trace)), Timeline(trace.events)
    cursors = [0, 1, 2, *range(5, len(trace.events), 37), len(trace.events)]
    found = page.evaluate(
        f"""cursors => {{ const run = {LIVE}.run; return cursors.map(c => ({{
            counts: run.counts(c), beat: run.beatOf(c), theta: run.theta(c),
            landmarks: run.landmarks(c),
            text: Array.from({{length: run.numTokens(c)}}, (_, i) => run.token(i)).join(""),
            phases: run.order.map(l => l.phase(c)),
            thoughts: run.order.map(l => l.tokens.slice(0, l.count(c)).join("")),
        }})); }}""",
        cursors,
    )
    for cursor, seen in zip(cursors, found, strict=True):
        state = line.at(cursor)
        assert seen["text"] == line.text(cursor)
        assert (seen["beat"], seen["theta"], tuple(seen["landmarks"])) == (
            state.beat,
            state.theta,
            state.landmarks,
        )
        counts = {
            "spawned": state.counts.spawned,
            "alive": len(state.active),
            "accepted": state.counts.accepted,
            "rejected": state.counts.rejected,
            "injected": state.counts.injected,
            "revoked": 0,
            "failed": 0,
        }
        assert seen["counts"] == counts
        assert seen["phases"] == [str(card.phase(cursor)) for card in line.cards.values()]
        assert seen["thoughts"] == [
            "".join(card.tokens[: card.num_tokens(cursor)]) for card in line.cards.values()
        ]


def test_the_browser_decides_as_python_does(show: Open) -> None:
    """Counts, precision, recall, false accepts and area agree at every theta, ties with a
    similarity included.
    """
    traces = [fabricate(seed=s, num_streams=60, num_tokens=60) for s in range(3)]
    view = GateTuner(traces, labels=[labels_of(t) for t in traces])
    thoughts, labels = list(view.thoughts), view.labels
    page = show(view)
    values = regate.similarities(thoughts, "centred")
    thetas = [-1.0, -0.3, 0.0, 0.31, 0.45, *map(float, values[:10]), 1.0]
    found = page.evaluate(f"thetas => thetas.map(t => {GATE}.gate.outcome(t))", thetas)
    for theta, seen in zip(thetas, found, strict=True):
        want = regate.outcome(values, labels, theta)
        assert (seen["accepted"], seen["rejected"]) == (want.num_accepted, want.num_rejected)
        for name, value in (
            ("precision", want.precision),
            ("recall", want.recall),
            ("fpr", want.false_positive_rate),
        ):
            assert seen[name] == pytest.approx(value), (theta, name)
    curve = regate.roc(values, labels)
    assert curve is not None
    assert page.evaluate(f"{GATE}.gate.auc") == pytest.approx(area(curve), abs=1e-6)


def test_hostile_text_shows_as_text(show: Open) -> None:
    """No string of the model becomes an element, runs, or vanishes; controls and direction marks
    are visible.
    """
    trace = fabricate(num_streams=len(HOSTILE), num_tokens=200, hostile=True)
    for view in (LiveRun(trace), GateTuner(trace), CouncilMonitor(trace)):
        page = show(view)
        page.wait_for_timeout(300)
        assert page.evaluate("window.pwned") is None
        assert page.locator("img, iframe").count() == 0
        assert page.locator("script").count() == 2
    text = show(LiveRun(trace)).locator(".warpviz").inner_text()
    assert "<img src=x onerror=alert(1)>" in text
    for shown in ("\u241b[31m", "<U+202E>", "\ufffd", "\u2400"):
        assert shown in text, shown


def test_the_keyboard_plays_steps_and_jumps(show: Open) -> None:
    """Space plays and pauses; arrows step a beat, with shift to the next event; Home and End are
    the ends.
    """
    page = show(LiveRun(fabricate(num_streams=6, num_tokens=120)), motion="no-preference")

    def beat() -> int:
        return page.evaluate(f"{LIVE}.playhead.beat")

    page.locator(".wr-timeline").focus()
    page.keyboard.press("Home")
    assert (beat(), page.evaluate(f"{LIVE}.playhead.playing")) == (0, False)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    assert beat() == 3
    page.keyboard.press("ArrowLeft")
    assert beat() == 2
    page.keyboard.press("Shift+ArrowRight")
    assert beat() == page.evaluate(
        f"[...{LIVE}.run.drama.keys()].sort((a, b) => a - b).find(b => b > 2)"
    )
    page.keyboard.press("Space")
    here = beat()
    page.wait_for_function(f"() => {LIVE}.playhead.beat > {here + 2}")
    page.keyboard.press("Space")
    assert page.evaluate(f"{LIVE}.playhead.playing") is False
    page.keyboard.press("End")
    assert beat() == page.evaluate(f"{LIVE}.run.lastBeat")


def test_scrubbing_shows_the_past_exactly(show: Open) -> None:
    """Wherever one drags the timeline to, the text in the page is the River's text at that
    moment.
    """
    trace = fabricate(num_streams=6, num_tokens=120)
    page, line = show(LiveRun(trace)), Timeline(trace.events)
    box = page.locator(".wr-timeline").bounding_box()
    assert box is not None
    for share in (0.9, 0.2, 0.55, 0.1):
        page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 20, steps=4)
        page.mouse.up()
        page.wait_for_timeout(60)
        cursor = page.evaluate(f"{LIVE}.playhead.cursor")
        shown = page.evaluate(
            "[...document.querySelectorAll('.wr-tok')].map(e => e.textContent).join('')"
        )
        assert shown == line.text(cursor)
        cards = page.evaluate(f"{LIVE}.cards.slots.filter(Boolean).map(l => l.stream)")
        assert set(line.at(cursor).active) <= set(cards)
        assert cards == sorted([*line.at(cursor).active, *line.at(cursor).closed])[-6:]


def test_motion_flies_and_lands(show: Open) -> None:
    """Stepping over a spawn launches a flight that ends by itself; with reduced motion nothing
    flies.
    """
    for motion, most in (("no-preference", 1), ("reduce", 0)):
        page = show(LiveRun(fabricate(num_streams=4, num_tokens=80), autoplay=False), motion=motion)
        spawn = page.evaluate(f"{LIVE}.run.marks.find(m => m.kind === 'spawn').beat")
        page.evaluate(f"() => {{ {LIVE}.playhead.seek({spawn - 1}); {LIVE}.playhead.step(1); }}")
        assert page.evaluate(f"{LIVE}.flights.list.length") == most
        page.evaluate(f"{LIVE}.wake()")
        page.wait_for_function(f"() => !{LIVE}.flights.busy")


def test_a_crowd_is_folded_into_a_few_cards(show: Open) -> None:
    """A hundred streams make at most six cards; all others are counted and drawn as dots."""
    page = show(LiveRun(fabricate(num_streams=100, num_tokens=300)))
    page.evaluate(f"() => {{ {LIVE}.playhead.seek(80); {LIVE}.wake(); }}")
    alive = page.evaluate(f"{LIVE}.run.counts({LIVE}.playhead.cursor).alive")
    assert alive > 40
    assert page.locator(".wr-card").count() == 5
    assert page.evaluate(f"{LIVE}.cards.crowd.length") >= alive - 5
    expect(page.locator(".wr-crowd-text")).to_contain_text("more streams")
    assert page.evaluate("document.querySelectorAll('.warpviz *').length") < 2500


def test_a_long_thought_keeps_its_last_words_on_its_card(show: Open) -> None:
    """Of thousands of tokens a card holds a few hundred at most, and wherever one looks, those up
    to that moment.
    """
    trace = fabricate(num_streams=0, num_tokens=1)
    trace.append(
        Spawn(step=1, stream=0, task="t", kind="task", trigger=(0, 7), version=1, focus=[])
    )
    for at in range(3000):
        trace.append(StreamToken(step=1, stream=0, id=0, text=f" {at}", position=at))
    page = show(LiveRun(trace))
    words = "[...document.querySelectorAll('.wr-word')].map(e => Number(e.textContent))"
    for at in (3000, 2950, 2960, 1500, 1400, 30, 3000):
        page.evaluate(
            f"() => {{ {LIVE}.playhead.seek({LIVE}.run.lastBeat - 3000 + {at}); {LIVE}.wake(); }}"
        )
        last = page.evaluate(f"{LIVE}.run.order[0].count({LIVE}.playhead.cursor)")
        shown = page.evaluate(words)
        assert shown == list(range(last))[-len(shown) :]
        assert min(last, 60) <= len(shown) <= 320


def test_pictures_and_tables_leave_the_page_without_a_kernel(show: Open) -> None:
    """SVG holds the text as text, CSV a row per stream, PNG is a picture, HTML is the page."""
    page = show(LiveRun(fabricate(num_streams=6, num_tokens=120), autoplay=False))
    files = {}
    for kind in ("svg", "csv", "png", "json", "html"):
        with page.expect_download() as waiting:
            press_export(page.locator("body"), kind)
        files[kind] = Path(waiting.value.path()).read_bytes()
    svg = files["svg"].decode()
    written = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    assert "[TASK:" in written
    assert svg.count("<text") > 40
    assert len(files["csv"].decode().strip().splitlines()) == 8
    assert len(json.loads(files["json"])["rows"]) == 6
    assert files["png"].startswith(b"\x89PNG")
    assert b"warpviz-data" in files["html"]


def test_theta_by_mouse_and_keyboard_moves_every_linked_view(
    show: Open, tmp_path: Path, browser: Browser
) -> None:
    """On one page, dragging theta in the gate moves the live view's line; arrow keys move it by a
    hundredth.
    """
    trace = fabricate(num_streams=20, num_tokens=120)
    views: list[Any] = [GateTuner(trace), LiveRun(trace)]
    board = compose(views, sync=["theta"])
    path = board.to_html(tmp_path / "board.html")
    board.close()
    page = browser.new_page(viewport={"width": 1280, "height": 1300}, reduced_motion="reduce")
    page.goto(path.as_uri())
    page.wait_for_function("() => document.body.dataset.ready === 'true'")
    page.wait_for_timeout(300)
    canvas = page.locator(".wt-canvas")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 40, steps=5)
    page.mouse.up()
    theta = page.evaluate(f"{GATE}.theta")
    assert theta == page.evaluate(
        "document.querySelectorAll('.warpviz')[1].liveRun.store.get('theta')"
    )
    canvas.focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate(f"{GATE}.theta") == pytest.approx(theta + 0.01)
    page.wait_for_timeout(100)
    accepted = page.evaluate(f"{GATE}.gate.outcome({GATE}.theta).accepted")
    assert page.locator('[data-fact="accepted"] b').inner_text() == str(accepted)
    page.close()


def test_the_council_says_whose_figures_are_whose(show: Open) -> None:
    """The paper's table is captioned as the paper's; this run's line says it is another machine."""
    page = show(CouncilMonitor(fabricate(num_streams=30, num_tokens=100)))
    page.locator(".wz-details > summary").click()
    captions = page.locator(".wm-paper caption").all_inner_texts()
    assert "RTX 4090" in captions[0]
    assert "not like for like" in captions[1]
    assert "2.22 GB" in page.locator(".wm-paper").inner_text()
    page.get_by_role("radio", name="all bytes").click()


def test_the_council_s_bars_hold_the_peak(show: Open) -> None:
    """However many samples share a bar, the greatest of them is drawn, in order, and the last
    is.
    """
    page = show(CouncilMonitor(fabricate(num_streams=120, num_tokens=300)))
    count, drawn = page.evaluate(
        "() => { const v = document.querySelector('.warpviz').council.samples;"
        " const shown = (_, peak) => v.shown((i) => (i === peak ? 1 : 0));"
        " return [v.count, Array.from({ length: v.count }, shown)]; }"
    )
    assert count > 241
    for peak, bars in enumerate(drawn):
        assert peak in bars
        assert bars == sorted(set(bars))
        assert bars[-1] == count - 1
        assert len(bars) <= 241


def test_a_page_written_while_the_engine_works_is_not_live(show: Open) -> None:
    """It holds what had come so far, and offers no button for an engine that is not there."""
    trace = fabricate(num_streams=6, num_tokens=120)
    view = LiveRun()
    view.take(trace.events[:200], "running")
    page = show(view)
    expect(page.locator(".wz-meta")).to_contain_text("unfinished, no kernel")
    assert not page.locator("[data-name=stop], [data-name=hold]").first.is_visible()
    assert page.evaluate(f"{LIVE}.run.length") == 200
