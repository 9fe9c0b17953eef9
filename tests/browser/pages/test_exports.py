"""Every export of every view by its button, over hostile strings, in a browser without kernel and
network.
"""

import json
import struct
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from gestures import press_export
from playwright.sync_api import Browser, Page, expect

from tests.views.test_exports import MAKERS, REQUIRED, facts_in_csv, strict
from warpviz.characters import visible
from warpviz.views.base import wire
from warpviz.views.base.view import View

SVG = "{http://www.w3.org/2000/svg}"
KINDS = ("svg", "png", "csv", "json", "html")
# What each view has of the hostile strings in what it draws or lists; the council draws bytes only.
SEEN = {"cloud": "csv", "room": "csv", "text": "svg", "live": "csv", "gate": "csv"}


@pytest.fixture(params=MAKERS)
def shown(
    request: pytest.FixtureRequest, browser: Browser, tmp_path: Path
) -> Iterator[tuple[str, Page, View]]:
    """A view's name, its page opened from disk without a network, and the view; nothing may go
    wrong on the page.
    """
    view = MAKERS[request.param](tmp_path / "store")
    path = view.to_html(tmp_path / "view.html")
    context = browser.new_context(
        viewport={"width": 1280, "height": 1000},
        offline=True,
        reduced_motion="reduce",
        accept_downloads=True,
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on(
        "console", lambda message: wrong.append(message.text) if message.type == "error" else None
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("file:", "blob:", "data:")) else wrong.append(asked.url)
        ),
    )
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready]")
    page.wait_for_timeout(300)
    yield request.param, page, view
    context.close()
    view.close()
    assert not wrong, wrong


def pressed(page: Page, kind: str, folder: Path) -> Path:
    """Press an export button and return the downloaded file."""
    with page.expect_download() as waiting:
        press_export(page.locator("body"), kind)
    path = folder / f"button.{kind}"
    waiting.value.save_as(path)
    return path


def test_every_button_of_every_view(shown: tuple[str, Page, View], tmp_path: Path) -> None:
    """SVG is XML with its words as text, PNG a picture, CSV and JSON a table with provenance, HTML
    the page again.
    """
    name, page, view = shown
    files = {kind: pressed(page, kind, tmp_path) for kind in KINDS}
    root = ET.fromstring(files["svg"].read_text(encoding="utf-8"))
    words = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert len(words) > 4
    assert not [
        e for e in root.iter() if e.tag in (f"{SVG}script", f"{SVG}image", f"{SVG}foreignObject")
    ]
    assert strict(root.findtext(f"{SVG}metadata") or "").keys() >= REQUIRED
    width, height = struct.unpack(">II", files["png"].read_bytes()[16:24])
    assert width >= 1280
    assert height >= 300
    facts, frame = facts_in_csv(files["csv"])
    saved = strict(files["json"].read_text(encoding="utf-8"))
    assert facts == saved["provenance"]
    assert facts == json.loads(json.dumps(view.provenance))
    assert len(frame) == len(saved["rows"]) > 0
    assert saved["summary"]
    held = {"svg": " ".join(words), "csv": files["csv"].read_text(encoding="utf-8")}
    if name in SEEN:
        assert "onerror=" in held[SEEN[name]]
    assert "\x1b" not in held["svg"]
    assert "\u202e" not in held["svg"]


def test_no_string_becomes_an_element(shown: tuple[str, Page, View], tmp_path: Path) -> None:
    """No image, frame or further script is on the page, nothing ran, and the page saved from the
    page opens again.
    """
    _, page, _ = shown
    again = pressed(page, "html", tmp_path)
    for _ in range(2):
        assert page.evaluate("window.pwned") is None
        assert page.locator("img, iframe, object, embed, link").count() == 0
        assert page.locator("script").count() == 2
        expect(page.locator("section.warpviz [data-summary]")).not_to_be_empty()
        assert page.locator("section.warpviz [role=alert]").is_hidden()
        page.goto(again.as_uri())
        page.wait_for_selector("body[data-ready]")


@pytest.mark.parametrize("shown", ["text", "live", "gate"], indirect=True)
def test_tokens_show_as_text(shown: tuple[str, Page, View]) -> None:
    """Where a view lists strings on the page, a hostile one is there letter by letter, hidden
    characters visible.
    """
    _, page, _ = shown
    said = page.locator("section.warpviz").inner_text()
    assert "<img src=x" in said
    for text in ("</script><script>", "\x1b[31m", "\u202e", "\ud800"):
        assert visible(wire.clean(text)) in said, text


@pytest.mark.slow
def test_a_png_by_method_is_a_picture(shown: tuple[str, Page, View], tmp_path: Path) -> None:
    """`to_png` draws the still form of each view, in three dimensions too, with the Chromium of
    this machine.
    """
    _, _, view = shown
    data = view.to_png(tmp_path / "method.png", scale=1.0).read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 600
    assert height >= 400
    assert len(data) > 8_000
