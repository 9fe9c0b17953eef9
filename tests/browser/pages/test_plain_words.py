"""What pages say where there is nothing, little or too much to say: no null, no axis of 1e-10, no
code for a label.
"""

import csv
from collections.abc import Callable
from pathlib import Path

from gestures import press_export
from playwright.sync_api import Page, expect

from tests.views.clouds import made_up
from tests.views.fabricated import fabricate, labels_of
from warpviz.views.base.data_source import source_of_arrays
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.persistence.view import PersistenceCompare
from warpviz.views.text.view import Note, TokenText

Open = Callable[..., Page]


def exported(page: Page, kind: str) -> str:
    """Press an export button of the page's view and return the file as text."""
    with page.expect_download() as waiting:
        press_export(page.locator("body"), kind)
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_a_note_of_no_stream_names_none(show: Open) -> None:
    """What a note does not know it does not say; what it knows it does."""
    notes = [Note(token=3, text="mine"), Note(token=9, text="its", stream=4, similarity=0.5)]
    page = show(TokenText(made_up(60), notes=notes))
    expect(page.locator(".wz-note-facts").nth(0)).to_have_text("")
    expect(page.locator(".wz-note-facts").nth(1)).to_have_text("stream 4 \u00b7 similarity 0.5")


def test_labels_leave_a_page_as_python_writes_them(show: Open) -> None:
    """True and false in the CSV of a page, as in that of the kernel, and nothing where nobody has
    said.
    """
    trace = fabricate(num_streams=8, num_tokens=60)
    labels = labels_of(trace)
    labels.pop(0)
    page = show(GateTuner(trace, labels=labels))
    rows = csv.DictReader(exported(page, "csv").splitlines()[1:])
    found = {int(row["stream"]): row["label"] for row in rows}
    assert found == {
        stream: {True: "true", False: "false"}[label] for stream, label in labels.items()
    } | {0: ""}


def test_where_nothing_has_been_measured_no_axis_pretends(show: Open) -> None:
    """Empty diagrams and rates have plain axes, and no complex is said to be a witness complex that
    is none.
    """
    shape = PersistenceCompare(source_of_arrays(made_up(4).points()), k=2)
    shape.wait()
    page = show(shape)
    expect(page.locator(".wz-facts")).not_to_contain_text("witness")
    assert "e-" not in "".join(page.locator("body").evaluate(TEXTS, exported(page, "svg")))
    page = show(CouncilMonitor())
    assert "e-" not in "".join(page.locator("body").evaluate(TEXTS, exported(page, "svg")))


def test_a_picture_of_a_long_text_says_that_it_is_its_beginning(show: Open) -> None:
    """Only so many tokens are drawn in a page's SVG too."""
    page = show(TokenText(made_up(4100), k=20).wait())
    assert "showing the first 4,000 of 4,100 tokens" in exported(page, "svg")


# The numbers of an SVG's axes: its short texts.
TEXTS = """(_, svg) => {
  const drawing = new DOMParser().parseFromString(svg, "image/svg+xml");
  const texts = Array.from(drawing.querySelectorAll("text"), (e) => e.textContent);
  return texts.filter((text) => /^[\\d.,e+-]+$/.test(text));
}"""
