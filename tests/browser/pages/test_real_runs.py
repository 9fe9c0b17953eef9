"""Runs of real models as pages: calibrated gates, questions, special tokens, other scripts."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from warp_cortex import RunStart, Trace

from tests.views.calibrated import measured
from tests.views.fabricated import fabricate
from warpviz.live.strangers import accepted_share, axis_of, null_of
from warpviz.live.timeline import Timeline
from warpviz.views.base.data_source import source_of_arrays
from warpviz.views.gate.view import GateTuner
from warpviz.views.run.view import LiveRun
from warpviz.views.text.view import TokenText

LIVE = "document.querySelector('.warpviz').liveRun"
GATE = "document.querySelector('.warpviz').gateTuner"
Open = Callable[..., Page]


def test_the_browser_reads_strangers_as_python_does(show: Open) -> None:
    """Theta before the first judgement, the axis of a likelihood, why a thought was none, and the
    share of strangers that a theta accepts.
    """
    trace = measured(fabricate(num_streams=7, num_tokens=90))
    line = Timeline(trace.events)
    null = null_of(trace.events)
    page = show(LiveRun(trace))
    cursors = [0, 1, 2, len(trace.events)]
    thetas = page.evaluate(f"cursors => cursors.map(c => {LIVE}.run.theta(c))", cursors)
    assert thetas == [line.theta(cursor) for cursor in cursors]
    domain = page.evaluate(f"{LIVE}.axis.domain")
    values = [card.similarity for card in line.cards.values()]
    assert domain == pytest.approx(axis_of("likelihood", [*values, *null["likelihood"]]))
    page.evaluate(f"{LIVE}.playhead.seek(Infinity); {LIVE}.repaint()")
    expect(page.locator("[data-stream='1'] .wr-verdict")).to_contain_text("repeats its task")
    title = page.locator("[data-stream='1'] .wr-task").get_attribute("title")
    assert title is not None
    assert "uncertain: entropy 4.03 nats" in title
    page = show(GateTuner(trace))
    share = accepted_share(null, "likelihood", 0.05)
    assert share is not None
    percent = int(share * 100 + 0.5)
    words = f"0.050 accepts {percent} % of strangers"
    expect(page.locator("output").first).to_have_text(words)
    expect(page.locator("[data-fact='strangers accepted'] b")).to_have_text(f"{percent} %")
    assert page.evaluate(f"{GATE}.scale().domain") == pytest.approx(domain)


def test_the_box_to_ask_needs_an_engine(show: Open) -> None:
    """A replay has no box; a page of a run that was at work has one that takes nothing."""
    page = show(LiveRun(fabricate(num_streams=2, num_tokens=30)))
    expect(page.locator(".wr-ask")).to_be_hidden()
    view = LiveRun()
    view.take(fabricate(num_streams=2, num_tokens=30).events, "running")
    page = show(view)
    expect(page.get_by_label("Ask the council")).to_be_disabled()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_disabled()
    page.evaluate(f"{LIVE}.store.live = true; {LIVE}.store.send = m => {{ window.sent = m; }}")
    page.evaluate(f"{LIVE}.repaint()")
    page.get_by_label("Ask the council").fill("  when is it open? ")
    page.get_by_label("Ask the council").press("Enter")
    assert page.evaluate("window.sent") == {"op": "ask", "text": "when is it open?"}
    expect(page.get_by_label("Ask the council")).to_have_value("")


def test_a_hebrew_word_begins_at_its_right(show: Open) -> None:
    """The first token of a run from right to left stands right of the second; Latin as before; a
    special token has its name.
    """
    words = ["\u05e9\u05dc", "\u05d5\u05dd", " \u05e2\u05d5", "\u05dc\u05dd"]
    start = RunStart(
        step=0,
        model="m",
        checksum="0",
        prompt="a",
        prompt_tokens=["", *words, " one", " two"],
        seed=0,
        config={},
        versions={},
        labels={"0": "<bos>"},
    )
    texts = source_of_arrays(np.eye(7, 4, dtype=np.float32), tokens=["x", *words, " one", " two"])
    for view, mark in ((LiveRun(Trace([start])), ".wr-tok"), (TokenText(texts, k=2), ".wz-t")):
        page = show(view)
        spots = page.locator(mark)
        expect(spots).to_have_count(7)
        x = [spots.nth(at).bounding_box() for at in range(7)]
        places = [box["x"] for box in x if box is not None]
        assert places[1] > places[2] > places[3] > places[4] > places[0]
        assert places[6] > places[5] > places[1]
        if mark == ".wr-tok":
            expect(spots.first).to_have_text("<bos>")
            expect(spots.first).to_have_class(re.compile("wr-special"))
