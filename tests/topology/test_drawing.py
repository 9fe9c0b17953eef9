"""The small SVG writer: escaping, numbers, ticks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topology.shapes import HOSTILE, parsed
from warpviz.topology.drawing import (
    MARKERS,
    Axes,
    look,
    marker,
    number,
    plotted,
    shown,
    svg,
    tag,
    text_at,
    ticks,
    visible,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_as_text(text):
    """In content and in attributes: parsed back, it is exactly the visible form, and no element
    appeared.
    """
    root = parsed(svg(10, 10, title=text, body=[text_at(1, 2, text), tag("g", data_name=text)]))
    assert [element.text for element in root if element.tag.endswith(("title", "text"))] == [
        visible(text)
    ] * 2
    assert root[-1].get("data-name") == visible(text)
    assert len(list(root.iter())) == 5


@given(st.text())
def test_shown_text_can_always_be_written(text):
    """Whatever the characters, surrogates included: UTF-8 encodes it, and no bracket or quote is
    left.
    """
    found = shown(text)
    assert found.encode("utf-8").decode("utf-8") == found
    assert not set("<>\"'") & set(found)


def test_ordinary_text_is_left_alone():
    """Letters of any script, accents and emoji stay; newlines and direction marks show."""
    assert visible("Grüße 漢字 🙂") == "Grüße 漢字 🙂"
    assert visible("a\nb\u202ec") == "a<U+000A>b<U+202E>c"


def test_numbers_are_short():
    """Two decimals at most, no trailing zeros, no negative zero."""
    values = (1.0, 1.5, 1.004, -0.001, -2.346, 100.0)
    assert [number(value) for value in values] == ["1", "1.5", "1", "0", "-2.35", "100"]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_and_inside(low, span):
    """About five ticks, all within the range, evenly spaced."""
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 7
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)


def test_ticks_by_hand():
    """0 to 1 in fifths, 0 to 10 in twos."""
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]


def test_axes_map_corners():
    """The data range's corners are the box's corners; y points up."""
    axes = Axes(left=10, top=20, width=100, height=50, x=(0, 1), y=(0, 2))
    assert axes.at(0, 0) == (10, 70)
    assert axes.at(1, 2) == (110, 20)


@pytest.mark.parametrize("shape", MARKERS)
def test_every_marker_is_drawn_with_its_hint(shape):
    """Each shape is one element with a title."""
    element = parsed(marker(shape, 1, 2, size=3, colour="#000", title="a < b"))
    assert element[0].text == "a < b"


def test_many_policies_still_have_looks():
    """Colours and markers repeat at different periods: 42 policies are all different."""
    assert len({look(index) for index in range(42)}) == 42


def test_plotly_reads_back_what_was_written():
    """Plotly undoes the names of &, < and > and no other: quotes stay, tags and hidden characters
    do not.
    """
    assert plotted("<b>\"a\" & 'b'</b>\u202e") == "&lt;b&gt;\"a\" &amp; 'b'&lt;/b&gt;&lt;U+202E&gt;"
