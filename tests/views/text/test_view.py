"""The text: tokens in order, landmarks that follow k, notes at their token, escaped everywhere."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from warp_cortex import Context, GateDecision, Inject, Revoke, Trace

from tests.engine.tiny import build_prism
from tests.views.clouds import HOSTILE, made_up, words
from tests.views.leaks import num_pumps
from warpviz.characters import visible
from warpviz.drawing.text import text_width
from warpviz.views.text.layout import MARGIN, SIZE, WIDTH, in_reading_order, layout
from warpviz.views.text.view import Note, TokenText, notes_of


@pytest.fixture
def text():
    """A text of 120 hostile tokens with one note; afterwards nothing of it is alive."""
    notes = [Note(token=40, text=" [Ref: <b>bold</b> \ud800]", stream=2, similarity=0.61)]
    view = TokenText(made_up(120, hostile=True), notes=notes, k=20).wait()
    yield view
    view.close()
    assert num_pumps() == 0


def test_the_state_holds_text_notes_and_ranking(text: TokenText) -> None:
    """Tokens in order, the notes, and everything needed to follow k without the kernel."""
    state = text.state()
    assert state.data["tokens"] == words(120, hostile=True)
    assert state.data["notes"][0]["token"] == 40
    assert {
        "order",
        "radii",
        "chain_start",
        "chain_pick",
        "chain_distance",
        "received",
        "kind",
    } <= set(state.arrays)


def test_landmarks_follow_k(text: TokenText) -> None:
    """The landmarks are the first k of one ranking: a smaller set is part of a larger one."""
    few = set(text.landmarks.tolist())
    text.k = 50
    many = set(text.landmarks.tolist())
    assert len(few) == 20
    assert len(many) == 50
    assert few < many
    assert "50 of them landmarks" in text.summary()


def test_notes_come_from_a_trace() -> None:
    """An injected thought stands at the token written last; similarity comes from the gate, a
    revocation is marked.
    """
    trace = Trace()
    trace.append(
        GateDecision(
            step=30,
            stream=1,
            accepted=True,
            similarity=0.7,
            threshold=0.5,
            scorer="raw",
            similarities={"raw": 0.7},
        )
    )
    trace.append(
        Inject(step=31, injection=5, stream=1, text=" [Ref: key]", positions=[31], anchor="next")
    )
    trace.append(
        Inject(step=0, injection=6, stream=2, text=" [Ref: first]", positions=[0], anchor="next")
    )
    trace.append(Revoke(step=40, injection=5, rebuilt_tokens=9))
    assert notes_of(trace) == [
        Note(token=30, text=" [Ref: key]", stream=1, similarity=0.7, revoked=True),
        Note(token=0, text=" [Ref: first]", stream=2),
    ]


def test_the_table_has_one_row_per_token(text: TokenText) -> None:
    """Text, landmark and selection line up with the tokens."""
    text.selection = np.array([2, 4])
    frame = text.to_table()
    assert frame["text"].str.cat() == "".join(words(120, hostile=True))
    assert frame["token"][frame["selected"]].tolist() == [2, 4]
    assert frame["landmark"].sum() == 20
    assert len(text.to_figure().data[0].x) == 120


def test_the_svg_holds_every_visible_character_once(text: TokenText) -> None:
    """The SVG parses although the text is hostile, and its pieces in order are the text with hidden
    marks shown.
    """
    root = ET.fromstring(text.to_svg())
    pieces = [el.text for el in root.findall("{http://www.w3.org/2000/svg}text")]
    assert "".join(pieces) == visible("".join(words(120, hostile=True)).replace("\n", ""))
    assert visible(HOSTILE[1]) in pieces
    assert len(root.findall("{http://www.w3.org/2000/svg}line")) == 20


def test_a_picture_of_a_long_text_says_that_it_is_its_beginning() -> None:
    """Only so many tokens are drawn, and the picture says of how many."""
    with TokenText(made_up(1600), k=20) as long:
        assert "showing the first 1,500 of 1,600 tokens" in long.to_svg()
    with TokenText(made_up(100), k=20) as short:
        assert "showing" not in short.to_svg()


@given(st.lists(st.text(max_size=30) | st.integers(0, 400).map("x".__mul__), max_size=40))
def test_the_layout_stays_inside_the_page(tokens: list[str]) -> None:
    """Pieces never start left of the margin, lines only go down, and no piece is lost."""
    spots = layout(tokens)
    assert all(x >= MARGIN for _, x, _, _ in spots)
    assert all(one[2] <= two[2] for one, two in pairwise(spots))
    assert "".join(piece for *_, piece in spots) == visible("".join(tokens).replace("\n", ""))
    assert all(x + text_width(piece, SIZE) <= WIDTH - MARGIN for _, x, _, piece in spots)


def test_extending_appends_and_notes_can_be_replaced(text: TokenText) -> None:
    """New tokens are at the end with their kinds; new notes replace the old ones."""
    text.extend([" more"], kinds=["injected"])
    text.set_notes([Note(token=1, text="x"), Note(token=2, text="y")])
    state = text.state()
    assert state.data["tokens"][-1] == " more"
    assert state.data["kind_names"] == ["text", "injected"]
    assert state.arrays["kind"][-1] == 1
    assert len(state.data["notes"]) == 2


def test_a_run_from_right_to_left_begins_at_its_right() -> None:
    """Hebrew pieces are mirrored in their room, their leading spaces at the right; Latin ones and
    other lines stay.
    """
    tokens = [
        "one",
        " \u05e9\u05dc",
        "\u05d5\u05dd",
        " 12",
        " \u05e2\u05d5",
        " two",
        "\n",
        "\u05d0",
    ]
    spots = layout(tokens)
    placed = in_reading_order(spots)
    x = {token: place for token, place, *_ in placed}
    before = {token: place for token, place, *_ in spots}
    assert x[1] > x[2] > x[3] > x[4] == pytest.approx(before[1])
    assert [x[at] for at in (0, 5, 7)] == pytest.approx([before[at] for at in (0, 5, 7)])
    assert x[1] + text_width(tokens[1], SIZE) == pytest.approx(before[5])
    assert {token: text for token, *_, text in placed}[1] == "\u05e9\u05dc "
    latin = layout(["plain", " text", " (12)"])
    assert in_reading_order(latin) == latin


def test_special_tokens_have_a_name_and_a_kind() -> None:
    """A begin token and a role mark add no text: the view names them, the context's text stays."""
    with build_prism("llama") as prism:
        context = Context(prism)
        context.read([1, *prism.encode("hello there"), 2])
        assert context.text == "hello there"
        last = context.num_tokens - 1
        assert context.labels == {0: "<bos>", last: "<eos>"}
        view = TokenText(context, k=4).wait()
        data = view.state().data
        assert (data["tokens"][0], data["tokens"][last]) == ("<bos>", "<eos>")
        assert view.to_table().kind[[0, last]].tolist() == ["special", "special"]
        assert "&lt;bos&gt;" in view.to_svg()
        view.close()
