"""What every view owes its reader: contrast, targets, one export menu, its words explained."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gestures import press_export
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages.bare import modules
from tests.views.test_exports import MAKERS
from warpviz.views.base.view import View

SVG = "{http://www.w3.org/2000/svg}"
LEAST_TEXT = 4.5  # WCAG 2.2, 1.4.3
LEAST_MARK = 3.0  # WCAG 2.2, 1.4.11
LEAST_TARGET = 24  # pixels; WCAG 2.2, 2.5.8
MARKED = {"circle", "path"}
# Colours of any CSS notation as [r, g, b, a], by drawing one pixel.
COLOURS = """texts => { const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    const c = canvas.getContext("2d", { willReadFrequently: true });
    return texts.map(text => { c.clearRect(0, 0, 1, 1); c.fillStyle = text; c.fillRect(0, 0, 1, 1);
        return [...c.getImageData(0, 0, 1, 1).data]; }); }"""
WORDS = """() => { const view = document.querySelector(".warpviz");
    const ground = el => { for (let at = el; at; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        if (!/, 0\\)$|transparent|\\/ 0\\)$/.test(backgroundColor)) return backgroundColor; }
        return "white"; };
    return [...view.querySelectorAll("*")].filter(el => el.checkVisibility()
        && [...el.childNodes].some(n => n.nodeType === 3 && n.data.trim())
        && !el.closest("[disabled], .wz-hidden, select"))
        .map(el => [el.textContent.trim().slice(0, 40), getComputedStyle(el).color, ground(el),
            parseFloat(getComputedStyle(el).fontSize), el.className]); }"""
SMALL = """least => [...document.querySelectorAll(
        ".warpviz button, .warpviz select, .warpviz input, .warpviz summary")]
    .filter(el => el.checkVisibility() && el.getBoundingClientRect().width
        && !el.closest(".wr-notes, .wz-margin"))
    .filter(el => { const box = el.getBoundingClientRect();
        return box.height < least || box.width < least; })
    .map(el => el.outerHTML.slice(0, 80))"""


def contrast(one: list[float], other: list[float]) -> float:
    """Return the contrast of two colours [r, g, b], 0 to 255."""

    def lightness(colour: list[float]) -> float:
        parts = [v / 255 for v in colour[:3]]
        r, g, b = (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    low, high = sorted([lightness(one), lightness(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.fixture(params=MAKERS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, View]]:
    """Each view in turn."""
    view = MAKERS[request.param](tmp_path / "store")
    yield request.param, view
    view.close()


@pytest.fixture
def themed(
    made: tuple[str, View], browser: Browser, tmp_path: Path
) -> Iterator[Callable[[str, int], Page]]:
    """Return a function that opens the view in a theme and a width."""
    _, view = made
    path = view.to_html(tmp_path / "view.html")
    contexts = []

    def show(scheme: str, width: int = 1280) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            reduced_motion="reduce",
            accept_downloads=True,
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-ready]")
        page.wait_for_timeout(300)
        return page

    yield show
    for context in contexts:
        context.close()


def colours(page: Page, texts: list[str]) -> list[list[float]]:
    """Return CSS colours as the browser paints them."""
    return page.evaluate(COLOURS, texts)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_marks_stand_out(
    themed: Callable[[str, int], Page], tmp_path: Path, scheme: str
) -> None:
    """On the page and in its picture, text has a contrast of 4.5 and 11 pixels or more."""
    page = themed(scheme, 1280)
    words = page.evaluate(WORDS)
    assert words
    inks = colours(page, [word[1] for word in words])
    grounds = colours(page, [word[2] for word in words])
    surface = colours(page, [page.evaluate("getComputedStyle(document.body).backgroundColor")])[0]
    for (text, _, _, size, name), ink, ground in zip(words, inks, grounds, strict=True):
        share = ground[3] / 255
        mixed = [g * share + s * (1 - share) for g, s in zip(ground[:3], surface[:3], strict=True)]
        assert contrast(ink, mixed) >= LEAST_TEXT, (text, name, ink, mixed)
        assert size >= 10.9, (text, name)
    with page.expect_download() as download:
        press_export(page.locator("body"), "svg")
    path = tmp_path / f"{scheme}.svg"
    download.value.save_as(path)
    root = ET.parse(path).getroot()
    drawn = [el for el in root.iter(f"{SVG}text") if "".join(el.itertext()).strip()]
    fills = colours(page, [el.get("fill", "") for el in drawn])
    for el, fill in zip(drawn, fills, strict=True):
        words_drawn = "".join(el.itertext())
        assert contrast(fill, surface) >= LEAST_TEXT, (words_drawn, el.get("fill"))
        assert float(el.get("font-size", "0")) >= 10.8, words_drawn


@pytest.mark.parametrize("width", [1280, 800])
def test_targets_are_large_enough(themed: Callable[[str, int], Page], width: int) -> None:
    """Every button, list and slider is at least 24 pixels high and wide."""
    page = themed("light", width)
    assert page.evaluate(SMALL, LEAST_TARGET) == []
    page.locator(".wz-menu > summary").click()
    assert page.evaluate(SMALL, LEAST_TARGET) == []


def test_export_is_one_menu_and_words_are_explained(
    made: tuple[str, View], themed: Callable[[str, int], Page]
) -> None:
    """One stop of the Tab key each; Escape closes both; every word has its meaning."""
    page = themed("light", 1280)
    entries = page.locator("[data-export]")
    expect(entries.first).to_be_hidden()
    menu = page.locator(".wz-menu > summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(entries).to_have_count(5)
    expect(entries.first).to_be_visible()
    page.keyboard.press("Escape")
    expect(entries.first).to_be_hidden()
    expect(menu).to_be_focused()
    button = page.locator(".wz-tools button[aria-controls]")
    button.click()
    words = page.locator(".wz-help dt").all_inner_texts()
    meanings = page.locator(".wz-help dd").all_inner_texts()
    assert len(words) == len(meanings) >= 5
    assert all(len(meaning) > 15 for meaning in meanings)
    page.keyboard.press("Escape")
    expect(page.locator(".wz-help")).to_be_hidden()
    assert button.get_attribute("aria-expanded") == "false"
    assert made[0]


AXES = {
    "persistence": [
        "birth (distance)",
        "death (distance)",
        "bottleneck distance, H1",
        "k (landmarks)",
    ],
    "gate": ["similarity", "good ones accepted (share)", "bad ones accepted", "threshold"],
    "council": ["step", "bytes held", "streams by state", "tokens per step"],
    "live": ["similarity to the River", "The River\u2019s text", "verdict of the gate"],
}


def test_axes_and_columns_have_names(
    made: tuple[str, View], themed: Callable[[str, int], Page], tmp_path: Path
) -> None:
    """Their quantity, and its unit where it has one, stand in the picture."""
    name, _ = made
    page = themed("light", 1280)
    with page.expect_download() as download:
        press_export(page.locator("body"), "svg")
    path = tmp_path / "axes.svg"
    download.value.save_as(path)
    drawn = {"".join(el.itertext()) for el in ET.parse(path).iter(f"{SVG}text")}
    drawn |= set(page.locator(".warpviz label").all_inner_texts())
    for wanted in AXES.get(name, []):
        assert any(text.startswith(wanted) for text in drawn), wanted


@pytest.mark.parametrize("ground", ["#ffffff", "#15181d", "#111111"])
def test_the_colours_of_marks_stand_out(browser: Browser, ground: str) -> None:
    """Every colour that marks are drawn in has a contrast of 3 on a light and on a dark page."""
    with modules(browser, "base/theme.js", "base/contrast.js") as page:
        page.evaluate("ground => { document.body.style.background = ground; }", ground)
        found = page.evaluate(
            """ground => { const theme = themeOf(document.body);
            return [...Object.entries(theme.palette), ["faint", theme.faint]]
                .map(([name, colour]) =>
                    [name, contrast(channels(colour), channels(ground))]); }""",
            ground,
        )
    low = {name: round(value, 2) for name, value in found if value < LEAST_MARK}
    assert not low
