"""What pages say where there is nothing, little or too much to say: no null, no axis of 1e-10, no code for a label."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.viz.clouds import made_up
from warpviz.views.token_text import Note, TokenText

Open = Callable[..., Page]


def exported(page: Page, kind: str) -> str:
    """Press an export button of the page's view and return the file as text."""
    with page.expect_download() as waiting:
        page.locator(f'[data-export="{kind}"]').click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_a_note_of_no_stream_names_none(show: Open) -> None:
    """What a note does not know it does not say; what it knows it does."""
    notes = [Note(token=3, text="mine"), Note(token=9, text="its", stream=4, similarity=0.5)]
    page = show(TokenText(made_up(60), notes=notes))
    expect(page.locator(".wz-note-facts").nth(0)).to_have_text("")
    expect(page.locator(".wz-note-facts").nth(1)).to_have_text("stream 4 \u00b7 similarity 0.5")
