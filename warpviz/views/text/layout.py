"""Where tokens stand in a picture of a text: wrapped lines, each run in its own direction."""

import unicodedata
from collections.abc import Iterator, Sequence

from warpviz.characters import visible
from warpviz.drawing.text import text_width

WIDTH = 760
LINE = 20
SIZE = 13
MARGIN = 16
LEFT_TO_RIGHT = "L"
RIGHT_TO_LEFT = "R"
Spot = tuple[int, float, float, str]  # token, x, y, text


def layout(tokens: Sequence[str]) -> list[Spot]:
    """Return (token, x, y, text) of every visible piece, in lines no wider than the picture.

    A line break in a token ends the line, and a piece longer than a line goes on in the next.
    """
    spots: list[Spot] = []
    x = float(MARGIN)
    y = 24.0
    for token, whole in enumerate(tokens):
        for number, part in enumerate(whole.split("\n")):
            for piece, text in enumerate(_cut(visible(part))):
                wide = text_width(text, SIZE)
                if (number and not piece) or x + wide > WIDTH - MARGIN:
                    x = float(MARGIN)
                    y = y + LINE
                if text:
                    spots.append((token, x, y, text))
                    x += wide
    return spots


def in_reading_order(spots: Sequence[Spot]) -> list[Spot]:
    """Return the pieces with the places from which a reader reads them.

    Pieces of a run from right to left, on one line, are mirrored in their room: the first one
    stands at the right, and a piece's leading space at its right.
    """
    placed = list(spots)
    directions = [_direction(text) for *_, text in spots]
    first = 0
    while first < len(spots):
        last = first
        if directions[first] == RIGHT_TO_LEFT:
            for at in range(first, len(spots)):
                if directions[at] == LEFT_TO_RIGHT or spots[at][2] != spots[first][2]:
                    break
                last = at if directions[at] == RIGHT_TO_LEFT else last
            room = spots[first][1] + spots[last][1] + text_width(spots[last][3], SIZE)
            for at in range(first, last + 1):
                token, x, y, text = spots[at]
                body = text.lstrip()
                turned = body + text[: len(text) - len(body)]
                placed[at] = (token, room - x - text_width(text, SIZE), y, turned)
        first = last + 1
    return placed


def _direction(text: str) -> str:
    """Return the direction of a text's first letter, "" without a letter."""
    for character in text:
        if character.isalpha():
            strong = unicodedata.bidirectional(character)
            return RIGHT_TO_LEFT if strong in {"R", "AL"} else LEFT_TO_RIGHT
    return ""


def _cut(text: str) -> Iterator[str]:
    """Yield a text in pieces that fit a line; an empty text is one piece."""
    room = WIDTH - 2 * MARGIN
    piece = ""
    for character in text:
        if text_width(piece + character, SIZE) > room:
            yield piece
            piece = ""
        piece += character
    yield piece
