"""Did that thought matter? The word that is shaded, the words changed most, the text without it."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from warp_cortex import (
    Cortex,
    CortexConfig,
    Influence,
    Inject,
    Prism,
    RiverConfig,
    RunStart,
    Spawn,
    Token,
    Trace,
    written_without,
)

import warpviz
from warpviz.live.engine_thread import EngineThread
from warpviz.views.run.view import LiveRun

LIVE = "document.querySelector('.warpviz').liveRun"
Open = Callable[..., Page]
SHADED = """() => [...document.querySelectorAll('.wr-tint')]
    .map(el => [el.textContent, Number(el.style.getPropertyValue('--kl'))])
    .sort((a, b) => b[1] - a[1])"""


def told(words: list[str], *, kl: list[float], prompt: int = 2) -> Trace:
    """Return a run that writes words, with one thought after the prompt and what it changed."""
    trace = Trace()
    start = RunStart(
        step=0,
        model="made up",
        checksum="",
        prompt="".join(words[:prompt]),
        prompt_tokens=words[:prompt],
        seed=0,
        config={},
        versions={},
    )
    trace.append(start)
    trace.append(
        Spawn(step=prompt, stream=1, task="where", kind="task", trigger=(0, 1), version=0, focus=[])
    )
    trace.append(
        Inject(
            step=prompt, injection=1, stream=1, text=" [Ref: x]", positions=[prompt], anchor="next"
        )
    )
    for at, text in enumerate(words[prompt:], start=prompt):
        trace.append(Token(step=at + 1, id=1, text=text, position=at))
    trace.append(
        Influence(
            step=len(words),
            injection=1,
            first_position=prompt,
            kl=kl,
            attention_mass=[0.0] * len(kl),
        )
    )
    return trace


def test_the_shaded_word_is_the_one_whose_prediction_moved(show: Open) -> None:
    """A divergence measured after a token shades the next word, and no other."""
    words = ["Once", " more", " Tobin", " went", " to", " the", " bakery", " again"]
    page = show(LiveRun(told(words, kl=[0.0, 0.0, 0.0, 2.0, 0.0, 0.0])))
    assert page.evaluate(SHADED) == [[" bakery", 0.55]]
    expect(page.locator(".wr-chip")).to_have_text("bakery2")
    expect(page.locator(".wr-legend")).to_contain_text("2 nats")


def test_what_is_predicted_after_the_last_word_shades_nothing(show: Open) -> None:
    """The last divergence is of a word that was never written."""
    page = show(LiveRun(told(["Once", " more", " again"], kl=[1.5])))
    assert page.evaluate(SHADED) == []
    expect(page.locator(".wr-effect")).to_contain_text("it did not matter")


@pytest.fixture(scope="module")
def ran() -> Iterator[EngineThread]:
    """The bundled model's run of the sample, measured, with its engine."""
    with Prism.load("village") as prism:
        settings = CortexConfig(river=RiverConfig(max_tokens=60, temperature=0.0))
        run = EngineThread(Cortex(prism, settings), warpviz.sample(), name="effect").start()
        assert run.join(120)
        yield run


def test_in_a_real_run_the_shaded_word_is_where_the_texts_part(
    show: Open, ran: EngineThread
) -> None:
    """Two routes, one answer: greedy texts with and without the thought part at the first word
    whose prediction moved; the words it brought are shaded, and none before them.
    """
    (entered,) = ran.trace.of(Inject)
    since = [event.text for event in ran.trace.of(Token) if event.step > entered.step]
    without = written_without(ran.cortex, entered.injection)
    parted = next(i for i, (a, b) in enumerate(zip(since, without, strict=True)) if a != b)
    page = show(LiveRun(ran.trace))
    moved = page.evaluate(
        f"""() => [...{LIVE}.run.influence(Infinity).tint].filter(([, kl]) => kl >= 0.01)
        .map(([index]) => index).sort((a, b) => a - b)"""
    )
    assert moved[0] == entered.step + parted
    assert [word for word, _ in page.evaluate(SHADED)[:3]] == [" went", " Tobin", " bakery"]


def test_the_text_without_the_thought_stands_below_the_river(show: Open, ran: EngineThread) -> None:
    """Asked for, it is written again by the engine, shown with the words that differ, and kept in
    the page.
    """
    view = LiveRun(ran)
    assert ran.join(10)
    assert view._follower is not None
    assert view._follower.join(10)
    text = view.without(1)
    assert text == "".join(written_without(ran.cortex, 1))
    page = show(view)
    strip = page.locator(".wr-rewritten")
    expect(strip.locator("p").nth(0).locator("mark").first).to_have_text(" Tobin")
    expect(strip.locator("p").nth(1)).to_contain_text("without")
    assert strip.locator("p").nth(1).locator("mark").first.inner_text() != " Tobin"


def test_a_word_pointed_at_or_focused_is_outlined_in_the_text(
    show: Open, ran: EngineThread
) -> None:
    """The list of changed words is in reach of pointer and keyboard."""
    page = show(LiveRun(ran.trace))
    chip = page.locator(".wr-chip").first
    chip.focus()
    expect(page.locator(".wr-pointed")).to_have_text(" went")
    chip.blur()
    expect(page.locator(".wr-pointed")).to_have_count(0)
    chip.hover()
    expect(page.locator(".wr-pointed")).to_have_count(1)


def test_a_trace_without_an_engine_says_so() -> None:
    """What cannot be written again is refused in one line."""
    view = LiveRun(told(["a", " b", " c"], kl=[0.5]))
    with pytest.raises(ValueError, match="no engine holds this run: it was read from a trace"):
        view.without(1)
    view.close()


def test_the_page_asks_the_engine_for_the_text(ran: EngineThread) -> None:
    """The button's message is answered in a thread of the view's own."""
    view = LiveRun(ran)
    assert view._follower is not None
    assert view._follower.join(10)
    view.receive({"op": "without", "injection": 1}, [])
    assert view._rewriter.wait(60)
    assert view.state().data["without"]["1"]["tokens"] == written_without(ran.cortex, 1)
    view.receive({"op": "without", "injection": 9}, [])
    assert view._rewriter.wait(60)
    assert view.notice == "ValueError: no injection 9 is in the cache; there are: 1"
    view.close()


@pytest.mark.parametrize("width", [1280, 800])
def test_gate_and_timeline_are_in_sight_below_the_text(
    show: Open, ran: EngineThread, width: int
) -> None:
    """In a window of 900 pixels, under a notebook's bars, all of a run is seen at once: columns
    with their heads, the strip, the gate and the timeline.
    """
    page = show(LiveRun(ran.trace), width=width)
    root = page.locator(".warpviz").bounding_box()
    line = page.locator(".wr-timeline").bounding_box()
    assert root is not None
    assert line is not None
    assert line["y"] + line["height"] - root["y"] < 640
    assert page.locator(".wr-heads span").all_inner_texts() == [
        "The River\u2019s text",
        "accepted thoughts",
        "Streams: task and thought",
        "verdict of the gate",
    ]
