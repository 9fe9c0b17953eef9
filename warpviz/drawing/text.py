"""Text in pictures: how wide it is, where its lines break, how a count reads.

No font can be measured without a browser. A full-width character is one em wide in every font, any
other is given a generous average.
"""

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import east_asian_width

from warpviz.characters import for_plotly, visible

NARROW_EM = 0.55
PLOTLY_TITLE = 14


def is_wide(character: str) -> bool:
    """Return whether a character is full-width: Chinese, Japanese, Korean, most emoji."""
    return east_asian_width(character) in "WF"


def text_width(text: str, size: float) -> float:
    """Return about how many pixels wide a text of a font size in pixels is."""
    num_wide = 0 if text.isascii() else sum(map(is_wide, text))
    return size * (num_wide + NARROW_EM * (len(text) - num_wide))


def wrap(text: str, *, width: float, size: float) -> list[str]:
    """Return lines of at most `width` pixels at a font size in pixels.

    They break at spaces, next to full-width characters, and inside a word longer than a line.
    """
    lines: list[str] = []
    line = ""
    used = 0.0
    for piece in _pieces(text, width, size):
        wide = text_width(piece, size)
        if line and used + wide > width and not piece.isspace():
            lines.append(line.rstrip())
            line = ""
            used = 0.0
        if line or not piece.isspace():
            line += piece
            used += wide
    return [*lines, line.rstrip()] if line else lines


def _pieces(text: str, width: float, size: float) -> Iterator[str]:
    """Yield what no line break may part."""
    for word in re.findall(r"\s+|\S+", text):
        if any(map(is_wide, word)) or text_width(word, size) > width:
            yield from word
        else:
            yield word


def clip(text: str, *, width: float, size: float) -> str:
    """Return a text cut to `width` pixels at a font size in pixels, with an ellipsis if it is."""
    if text_width(text, size) <= width:
        return text
    room = width - text_width("\u2026", size)
    kept = ""
    for character in text:
        room -= text_width(character, size)
        if room < 0:
            break
        kept += character
    return kept + "\u2026"


def plotly_title(text: str, *, width: float = 650.0) -> dict[str, Any]:
    """Return a plotly title in lines of at most `width` pixels: plotly would cut a longer one."""
    lines = wrap(visible(text), width=width, size=PLOTLY_TITLE)
    return {"text": "<br>".join(map(for_plotly, lines)), "font": {"size": PLOTLY_TITLE}}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 stream", "2,000 streams"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
