"""Text in pictures: full-width characters take one em, no line is wider than it may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpviz.drawing.text import clip, counted, plotly_title, text_width, wrap

TEXTS = st.text(alphabet=st.sampled_from("ab .漢字か\u200c👩"), max_size=80)


def test_full_width_characters_are_one_em_wide() -> None:
    """Chinese, Japanese, Korean, full-width Latin and emoji; Latin letters are narrower."""
    for text in ("漢", "か", "한", "\uff21", "🙂"):
        assert text_width(text, 13) == 13
    assert text_width("abcd", 10) == pytest.approx(22)
    assert text_width("a漢", 10) == pytest.approx(15.5)


@given(TEXTS, st.integers(20, 200))
def test_no_line_is_too_wide_and_no_character_is_lost(text: str, width: int) -> None:
    """Lines fit the width; together they are the text, but for the spaces at which it broke."""
    lines = wrap(text, width=width, size=10)
    assert all(text_width(line, 10) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_lines_break_at_spaces_beside_wide_characters_and_in_long_words() -> None:
    """By hand, at ten narrow characters a line."""
    assert wrap("the mill and the key", width=55, size=10) == ["the mill", "and the", "key"]
    assert wrap("鍵は箱の中にあります", width=55, size=10) == ["鍵は箱の中", "にあります"]
    assert wrap("a" * 25, width=55, size=10) == ["a" * 10, "a" * 10, "a" * 5]
    assert wrap("", width=55, size=10) == []


@given(TEXTS, st.integers(12, 200))
def test_a_clipped_text_fits_and_says_that_it_goes_on(text: str, width: int) -> None:
    """What fits is left alone; what does not ends with an ellipsis inside the width."""
    short = clip(text, width=width, size=10)
    assert text_width(short, 10) <= width
    assert short == text or (short.endswith("\u2026") and text.startswith(short[:-1]))


def test_a_long_plotly_title_stands_in_lines() -> None:
    """Plotly cuts a long title: it gets lines, escaped, with hidden characters shown."""
    title = plotly_title("word " * 60, width=300)["text"].split("<br>")
    assert all(text_width(line, 14) <= 300 for line in title)
    assert " ".join(title).split() == ["word"] * 60
    assert plotly_title("<b>\u202e")["text"] == "&lt;b&gt;&lt;U+202E&gt;"


def test_a_count_agrees_with_its_noun() -> None:
    """One of it is singular, none and many are plural."""
    assert counted(1, "stream") == "1 stream"
    assert counted(0, "stream") == "0 streams"
    assert counted(2000, "stream") == "2,000 streams"
