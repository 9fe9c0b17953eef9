"""Hidden and hostile characters: one table for terminal, markup, plotly and page."""

import re
import unicodedata
from html import unescape
from importlib import resources
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpviz.characters import (
    HIDDEN,
    for_csv,
    for_markup,
    for_plotly,
    for_terminal,
    one_line,
    visible,
)

JOINED = {
    "Persian": "می\u200cروم",
    "Hindi": "क्\u200dष",
    "emoji": "👩\u200d🚀",
    "heart": "❤\ufe0f",
    "Mongolian": "ᠠ\u180b",
    "Arabic number sign": "\u0600",
}
SMUGGLED = {
    "tags": "\U000e006f\U000e0062",
    "zero-width space": "\u200b",
    "Arabic letter mark": "\u061c",
    "invisible operators": "\u2060\u2061\u2062\u2063\u2064",
    "deprecated": "\u206a\u206f",
    "Mongolian vowel separator": "\u180e",
    "soft hyphen": "\u00ad",
    "variation selectors": "\U000e0100\U000e01ef",
    "annotation": "\ufff9\ufffa\ufffb",
    "direction": "\u200e\u200f\u202a\u202e\u2066\u2069",
    "byte order mark": "\ufeff",
    "C1 control": "\x80\x9f",
    "surrogate": "\ud800",
}


@pytest.mark.parametrize("text", JOINED.values(), ids=JOINED)
def test_what_a_script_needs_is_left_alone(text: str) -> None:
    """Joiners and variation selectors stay everywhere: without them words and emoji fall apart."""
    assert visible(text) == for_terminal(text) == one_line(text) == text
    assert for_markup(text) == for_plotly(text) == text


@pytest.mark.parametrize("text", SMUGGLED.values(), ids=SMUGGLED)
def test_hidden_characters_are_shown_by_code_point(text: str) -> None:
    """A word that a model reads and its reader would not see is there to see."""
    assert visible(text) == "".join(f"<U+{ord(char):04X}>" for char in text)
    assert unescape(for_markup(text)) == for_terminal(text) == visible(text)


def test_controls_are_shown_as_pictures() -> None:
    """C0 controls and delete have Unicode pictures; a terminal keeps line breaks and tabs."""
    assert visible("\x1b[2J\x07\x7f a\n\tb") == "␛[2J␇␡ a␊␉b"
    assert for_terminal("a\n\tb\r") == "a\n\tb␍"
    assert one_line("a\n\t b") == "a b"


def test_ordinary_text_is_left_alone() -> None:
    """Letters of any script, accents, emoji and spaces stay."""
    text = "Grüße, naïve 漢字 שלום \u00a0\u3000 e\u0301 🙂"
    assert visible(text) == text


def test_the_table_holds_every_invisible_character_this_python_knows() -> None:
    """Controls, formats, separators: all but the joiners and the number signs, which are drawn."""
    drawn = {"\u06dd", "\u070f", "\u08e2", "\u0890", "\u0891", "\U000110bd", "\U000110cd"}
    drawn |= {chr(code) for code in range(0x600, 0x606)}
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    found = {
        char for char in map(chr, range(0x110000)) if unicodedata.category(char) in hidden
    } - drawn
    assert {char for char in found if visible(char) == char} == {"\u200c", "\u200d"}


def test_the_ranges_are_sorted_and_apart() -> None:
    """Each range begins after the end of the one before."""
    ends = [code for pair in HIDDEN for code in pair]
    assert ends == sorted(ends)
    assert all(last < first for (_, last), (first, _) in pairwise(HIDDEN))


def test_the_browser_has_the_same_table() -> None:
    """The ranges in `static/base/text.js` are those of Python."""
    script = (resources.files("warpviz") / "static" / "base" / "text.js").read_text("utf-8")
    table = re.search(r"const HIDDEN = \[(.*?)\n\];", script, re.DOTALL)
    assert table is not None
    pairs = re.findall(r"\[(0x[0-9a-f]+), (0x[0-9a-f]+)\]", table[1])
    assert tuple((int(first, 16), int(last, 16)) for first, last in pairs) == HIDDEN


@given(st.text(alphabet=st.characters(), max_size=50))
def test_any_text_can_be_written_and_steers_nothing(text: str) -> None:
    """UTF-8 encodes it, nothing hidden is left, twice changes nothing, markup has no brackets."""
    shown = for_terminal(text)
    shown.encode("utf-8")
    assert all(
        ord(char) >= 32 and not 127 <= ord(char) < 160 for char in shown if char not in "\n\t"
    )
    assert for_terminal(shown) == shown
    assert "\n" not in one_line(text)
    assert not set("<>\"'") & set(for_markup(text))


def test_plotly_reads_back_what_was_written() -> None:
    """Plotly decodes &, < and > and no other: quotes stay, tags and hidden characters do not."""
    given = "<b>\"a\" & 'b'</b>\u202e"
    assert for_plotly(given) == "&lt;b&gt;\"a\" &amp; 'b'&lt;/b&gt;&lt;U+202E&gt;"


def test_no_cell_of_a_table_begins_like_a_formula() -> None:
    """Text gets an apostrophe; numbers, and other text, stay as they are."""
    for text in ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"):
        assert for_csv(text) == f"'{text}"
    for value in ("a=1", "", " -", 1, -1.5, None, True):
        assert for_csv(value) is value
