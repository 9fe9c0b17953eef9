"""CouncilMonitor as a page: what one more agent costs comes first."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from gestures import press_export
from playwright.sync_api import Page

from tests.views.fabricated import fabricate
from warpviz.views.council.view import CouncilMonitor

Open = Callable[..., Page]


def test_the_council_leads_with_bytes_per_agent_against_a_copy_each(
    show: Open, tmp_path: Path
) -> None:
    """The first line is what one more agent costs; both numbers are the engine's, and the owners of
    the bytes are named in the picture.
    """
    view = CouncilMonitor(fabricate(num_streams=60, num_tokens=100))
    busiest = view.council.busiest
    assert busiest is not None
    own = busiest.private_kv_bytes / busiest.thinking
    times = (own + busiest.river_kv_bytes) / own
    page = show(view)
    with page.expect_download() as waiting:
        press_export(page.locator("body"), "svg")
    svg = Path(waiting.value.path()).read_text(encoding="utf-8")
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    (line,) = [text for text in drawn if text.startswith("One more agent costs")]
    assert float(line.split(", ")[1].split(" times")[0]) == pytest.approx(times, rel=0.06)
    for owner in ("River", "shared landmarks", "private to streams", "step", "tokens per step"):
        assert owner in drawn, owner


def test_the_headline_fits_a_narrow_view(show: Open) -> None:
    """In a column of a dashboard it takes two lines; nothing of it is cut off."""
    page = show(CouncilMonitor(fabricate(num_streams=60, num_tokens=100)), width=430)
    with page.expect_download() as waiting:
        press_export(page.locator("body"), "svg")
    svg = Path(waiting.value.path()).read_text(encoding="utf-8")
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert any(re.fullmatch(r"One more agent costs [^,]*", text) for text in drawn)
    cut = page.evaluate(
        """svg => { const box = document.createElement("div"); box.innerHTML = svg;
        document.body.append(box);
        const { right } = box.firstElementChild.getBoundingClientRect();
        return [...box.querySelectorAll("g:first-of-type text")]
            .filter(el => el.getBoundingClientRect().right > right + 1)
            .map(el => el.textContent); }""",
        svg,
    )
    assert not cut
