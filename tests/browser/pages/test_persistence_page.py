"""PersistenceCompare as a page: where H0 is born, and what a bound that says nothing may take."""

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from gestures import press_export
from playwright.sync_api import Page, expect

from tests.views import clouds
from warpviz.topology.persistence.store import DiagramStore
from warpviz.views.persistence.view import PersistenceCompare

SVG = "{http://www.w3.org/2000/svg}"
Open = Callable[..., Page]


def picture(page: Page, folder: Path) -> ET.Element:
    """Return the page's SVG."""
    with page.expect_download() as download:
        press_export(page.locator("body"), "svg")
    path = folder / "persistence.svg"
    download.value.save_as(path)
    return ET.parse(path).getroot()


def view(folder: Path, dim: int) -> PersistenceCompare:
    """Return a comparison of a made-up cloud with its landmarks."""
    store = DiagramStore(root=folder / "store")
    return PersistenceCompare(clouds.made_up(90), k=24, dim=dim, num_null=4, store=store)


def test_components_are_born_at_zero(show: Open, tmp_path: Path) -> None:
    """All bars of H0, of the whole and of the landmarks, stand over one birth, which is 0."""
    made = view(tmp_path, 0)
    page = show(made)
    root = picture(page, tmp_path)
    whole = {el.get("cx") for el in root.iter(f"{SVG}circle") if el.get("r") == "3.4"}
    assert len(whole) == 1
    (birth,) = map(float, whole)
    zeros = [el for el in root.iter(f"{SVG}text") if "".join(el.itertext()) == "0"]
    assert any(float(el.get("x", "-1")) == pytest.approx(birth) for el in zeros)
    marks = [
        sum(float(pair.split()[0]) for pair in el.get("d", "")[1:-1].split("L")) / 4
        for el in root.iter(f"{SVG}path")
        if el.get("d", "").endswith("Z") and el.get("d", "").count("L") == 3
    ]
    diamonds = [x for x in marks if x == pytest.approx(birth, abs=0.1)]
    assert len(diamonds) >= 24 - 5
    expect(page.locator("[data-summary]")).to_contain_text("H0")


def test_a_bound_above_every_bar_is_a_number_only(show: Open, tmp_path: Path) -> None:
    """Neither the diagram nor the curve gives its room to 2r; the distance is compared with random
    landmarks first.
    """
    made = view(tmp_path, 1)
    page = show(made)
    names = page.locator(".wz-facts .wz-fact-name").all_inner_texts()
    assert names[:2] == ["bottleneck", "random landmarks"]
    assert names.index("bound 2r") > names.index("Wasserstein")
    expect(page.locator(".wz-facts")).to_contain_text("random landmarks")
    drawn = ["".join(el.itertext()) for el in picture(page, tmp_path).iter(f"{SVG}text")]
    assert not any("2r" in text for text in drawn if "bound" not in text)
    assert "2r bound" not in drawn
