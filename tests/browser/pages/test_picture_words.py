"""A picture of a run holds every word that its reader sees, in the face and place of the page."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from gestures import press_export
from playwright.sync_api import Page

from tests.views.fabricated import HOSTILE, fabricate
from warpviz.views.run.view import LiveRun

SVG = "{http://www.w3.org/2000/svg}"
LIVE = "document.querySelector('.warpviz').liveRun"
Open = Callable[..., Page]
SEEN = """() => { const { river } = document.querySelector('.warpviz').liveRun;
    const frame = river.scroller.getBoundingClientRect();
    return river.spans.filter(span => span.textContent.trim() && [...span.getClientRects()]
        .filter(box => box.width > 0)
        .every(box => box.top >= frame.top && box.bottom <= frame.bottom))
        .map(span => span.textContent.trim()); }"""


def drawn(page: Page, folder: Path) -> list[tuple[str, float, float, str]]:
    """Return the texts of the page's SVG: words, place, and face."""
    with page.expect_download() as download:
        press_export(page.locator("body"), "svg")
    path = folder / "live.svg"
    download.value.save_as(path)
    return [
        (
            "".join(el.itertext()),
            float(el.get("x", "0")),
            float(el.get("y", "0")),
            el.get("font-family", ""),
        )
        for el in ET.parse(path).iter(f"{SVG}text")
    ]


@pytest.mark.parametrize("width", [1280, 800, 560])
@pytest.mark.parametrize("hostile", [False, True])
def test_no_word_of_the_text_is_cut_or_lost(
    show: Open, tmp_path: Path, width: int, hostile: bool
) -> None:
    """Narrow words, words whose leading space has wrapped and words over two lines stand whole."""
    trace = fabricate(num_streams=4, num_tokens=120, hostile=hostile)
    for event in trace.events:
        if event.type == "token" and event.position % 3 == 0:
            object.__setattr__(event, "text", " illicit, still, it fill\u2019d")
    page = show(LiveRun(trace), width=width)
    seen = page.evaluate(SEEN)
    assert len(seen) > 20
    assert any("illicit, still, it fill\u2019d" in word for word in seen)
    texts = drawn(page, tmp_path)
    squeezed = re.sub(r"\s", "", "".join(text for text, *_ in texts))
    for word in seen:
        assert re.sub(r"\s", "", word) in squeezed, word
    assert "\u2026" not in "".join(text for text, *_, face in texts if "Georgia" in face)
    assert hostile or not any(odd in squeezed for odd in HOSTILE)


def test_words_stand_in_the_picture_where_they_stand_on_the_page(
    show: Open, tmp_path: Path
) -> None:
    """Left edges agree to a pixel, in the face of the page, whether or not a space has wrapped."""
    page = show(LiveRun(fabricate(num_streams=3, num_tokens=100)))
    places = page.evaluate(
        """() => { const { river, frame } = document.querySelector('.warpviz').liveRun;
        const { left } = frame.body.getBoundingClientRect();
        const box = river.scroller.getBoundingClientRect();
        return river.spans.filter(span => /\\S/.test(span.textContent)).map(span => {
            const text = span.firstChild; const range = document.createRange();
            const from = text.data.length - text.data.trimStart().length;
            range.setStart(text, from); range.setEnd(text, text.data.trimEnd().length);
            const [own] = [...range.getClientRects()].filter(r => r.width);
            return [text.data.trim(), own.left - left,
                own.top > box.top && own.bottom < box.bottom];
        }).filter(([, , seen]) => seen).map(([word, x]) => [word, x]); }"""
    )
    words = {(text, round(x)) for text, x, _, face in drawn(page, tmp_path) if "Georgia" in face}
    assert len(places) > 30
    for word, x in places:
        assert {(word, round(x) + d) for d in (-1, 0, 1)} & words, word
