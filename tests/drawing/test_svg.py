"""The SVG writer: escaped text, short numbers, marks, axes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topology.shapes import HOSTILE, parsed
from warpviz.characters import visible
from warpviz.drawing.axes import Axes, ticks
from warpviz.drawing.colours import SHAPES, series
from warpviz.drawing.markup import number, tag
from warpviz.drawing.svg import CAPTION_LINE, CAPTION_SIZE, Svg
from warpviz.drawing.text import text_width

SPACE = "{http://www.w3.org/2000/svg}"


def picture(*, title: str = "t", metadata: str = "") -> Svg:
    """Return an empty picture."""
    return Svg(100, 100, title=title, metadata=metadata)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_as_text(text: str) -> None:
    """In elements and in attributes, the parsed text is exactly the visible form."""
    pen = picture(title=text, metadata=text)
    pen.text(1, 2, text)
    pen.add("g", data_name=text, hint=text)
    root = parsed(pen.finish())
    assert [element.tag.removeprefix(SPACE) for element in root.iter()] == [
        "svg", "title", "metadata", "rect", "text", "g", "title",
    ]  # fmt: skip
    assert [element.text for element in root.iter() if element.text and element.text.strip()] == [
        visible(text)
    ] * 4
    assert root[-1].get("data-name") == visible(text)


def test_the_same_calls_give_the_same_bytes() -> None:
    """Nothing depends on time, chance or the order of sets."""
    assert picture().finish() == picture().finish()


def test_numbers_are_short() -> None:
    """Two decimals at most, no trailing zeros, no negative zero."""
    values = (1.0, 1.5, 1.004, -0.001, -2.346, 100.0, 100)
    assert [number(value) for value in values] == ["1", "1.5", "1", "0", "-2.35", "100", "100"]


def test_attributes_leave_out_what_is_none() -> None:
    """None writes no attribute; underscores become hyphens, and a last one is dropped."""
    assert tag("a", class_="b", data_x=1.25, hidden=None) == '<a class="b" data-x="1.25"></a>'


@pytest.mark.parametrize("shape", SHAPES)
def test_every_marker_is_drawn_with_its_hint(shape: str) -> None:
    """Each shape is one element with a title."""
    pen = picture()
    pen.marker(shape, 1, 2, size=3, colour="#000", hint="a < b")
    assert parsed(pen.finish())[-1][0].text == "a < b"


def test_nothing_to_draw_is_no_element() -> None:
    """A path, lines or dots of no points add nothing."""
    pen = picture()
    empty = pen.finish()
    pen.path([])
    pen.lines([], stroke="#000")
    pen.dots([], size=2, colour="#000")
    assert pen.finish() == empty


def test_many_series_still_have_looks() -> None:
    """Colours and shapes repeat at different periods: 42 series are all different."""
    assert len({series(index) for index in range(42)}) == 42


def test_a_long_caption_stands_in_lines_that_end_at_y() -> None:
    """No line is wider than the width given, and the last one stands at y."""
    pen = picture()
    pen.caption(0, 90, "word " * 20, width=180)
    lines = list(parsed(pen.finish()).iter(f"{SPACE}text"))
    assert [float(line.get("y", 0)) for line in lines] == [
        90 - CAPTION_LINE * row for row in reversed(range(len(lines)))
    ]
    assert len(lines) > 1
    assert all(text_width(line.text or "", CAPTION_SIZE) <= 180 for line in lines)


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_and_inside(low: float, span: float) -> None:
    """About five ticks, all within the range, evenly spaced."""
    found = ticks(low, low + span)
    assert 1 <= len(found) <= 7
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)


def test_ticks_by_hand() -> None:
    """0 to 1 in fifths, 0 to 10 in twos."""
    assert ticks(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(0, 10) == [0, 2, 4, 6, 8, 10]


def test_axes_map_corners() -> None:
    """The data range's corners are the box's corners; y points up."""
    axes = Axes(left=10, top=20, width=100, height=50, x=(0, 1), y=(0, 2))
    assert axes.at(0, 0) == (10, 70)
    assert axes.at(1, 2) == (110, 20)
