"""The exported page in a browser: it works offline, follows k and policy, runs no model's text."""

import dataclasses
import os
import shutil

import pytest

from tests.topology.shapes import HOSTILE, circle
from warpviz.topology import compare

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def comparison():
    """Three sizes, two policies, hostile tokens."""
    plain = compare(
        circle(80, seed=0, noise=0.05), ks=(8, 16, 32), policies=("farthest", "random"), num_null=2
    )
    texts = tuple(HOSTILE[at % len(HOSTILE)] for at in range(80))
    return dataclasses.replace(plain, token_texts=texts, model=HOSTILE[0])


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium that can reach nothing."""
    from playwright.sync_api import sync_playwright

    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"]
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        pytest.fail(
            "no Chromium on the PATH; `make test` installs Debian's, or set CHROMIUM to one"
        )
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chrome
        chrome.close()


@pytest.fixture
def page(browser, comparison, tmp_path):
    """The page as a file; afterwards: no dialog, no console message, no request but the file."""
    paths = comparison.save(tmp_path)
    tab = browser.new_page()
    said = []
    asked = []
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(paths["html"].as_uri())
    yield tab
    tab.close()
    assert said == []
    assert asked == [paths["html"].as_uri()]


def shown(page):
    """Return the view whose diagrams are visible."""
    return page.eval_on_selector_all(
        "figure[data-view]", "all => all.filter(f => !f.hidden).map(f => f.dataset.view)"
    )


def test_the_page_starts_at_the_largest_k(page, comparison):
    """The first policy's diagrams, its landmarks as text, its rows marked."""
    assert shown(page) == ["farthest/32"]
    texts = page.eval_on_selector_all("#tokens span", "all => all.map(span => span.textContent)")
    marks = comparison.landmarks["farthest"][32].tolist()
    assert [int(text.split(" ")[0]) for text in texts] == marks
    assert page.eval_on_selector_all("tr.on", "all => all.length") == 2


def test_k_follows_the_keyboard_and_the_policy_its_menu(page):
    """Arrow keys and a choice in the menu: diagrams, number and tokens follow at once."""
    page.focus("#k")
    page.keyboard.press("ArrowLeft")
    assert shown(page) == ["farthest/16"]
    assert page.inner_text("#k-now") == "16"
    page.select_option("#policy", "random")
    assert shown(page) == ["random/16"]
    assert page.eval_on_selector_all("#tokens span", "all => all.length") == 16
    page.focus("#k")
    page.keyboard.press("Home")
    assert shown(page) == ["random/8"]


def test_hostile_tokens_make_no_elements(page):
    """No img, no third script; the attack is there to read."""
    assert page.evaluate("document.querySelectorAll('img').length") == 0
    assert page.evaluate("document.scripts.length") == 2
    assert "<img src=x onerror=" in page.inner_text("#tokens")


def test_both_themes_are_readable(browser, comparison, tmp_path):
    """Dark and light: text and ground differ by more than 4.5 to 1."""
    path = comparison.save(tmp_path)["html"].as_uri()
    for scheme in ("dark", "light"):
        tab = browser.new_page(color_scheme=scheme)
        tab.goto(path)
        style = "getComputedStyle(document.body)"
        colours = [tab.evaluate(f"{style}.{name}") for name in ("color", "backgroundColor")]
        tab.close()
        light = sorted(_luminance(colour) for colour in colours)
        assert (light[1] + 0.05) / (light[0] + 0.05) > 4.5


def _luminance(colour):
    """Return the relative luminance of a CSS rgb() colour."""
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_nothing_is_cut_off(page, browser, comparison, tmp_path):
    """All columns of the table are on a page of 1,280 pixels, all words of the picture in it."""
    wide, room = page.evaluate(
        "(() => { const el = document.querySelector('.scroll');"
        " return [el.scrollWidth, el.clientWidth]; })()"
    )
    assert wide <= room
    paths = comparison.save(tmp_path / "whole")
    tab = browser.new_page()
    tab.goto(paths["svg"].as_uri())
    cut = tab.evaluate(
        """() => { const { width, height } = document.documentElement.viewBox.baseVal;
        return [...document.querySelectorAll("text")].filter(el => {
            const box = el.getBoundingClientRect();
            return box.left < -1 || box.right > width + 1 || box.bottom > height + 1; })
            .map(el => el.textContent); }"""
    )
    tab.close()
    assert not cut


def test_the_curves_have_the_room_of_their_picture(page):
    """A bound far above them does not press the measured curves together: they span most of it."""
    spans = page.evaluate(
        """() => [...document.querySelector("figure svg").querySelectorAll("rect")].slice(1)
        .map(frame => { const box = frame.getBoundingClientRect();
            const marks = [...document.querySelector("figure svg").querySelectorAll("circle, path")]
                .filter(el => el.querySelector("title")?.textContent.includes("bottleneck"))
                .map(el => el.getBoundingClientRect())
                .filter(r => r.left >= box.left - 9 && r.right <= box.right + 9)
                .map(r => (box.bottom - (r.top + r.bottom) / 2) / box.height);
            return marks.length ? Math.max(...marks) : 1; })"""
    )
    assert spans
    assert all(0.5 < span < 1 for span in spans if span != 1), spans
