"""A small SVG writer: vector text, escaped, no library."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from warpviz.views.base import wire

# Okabe and Ito's colours, told apart with every common colour vision.
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
GREY = "#8A8F98"
INK = "#1B1F24"
RAMP = ("#2a1a5e", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#e3d834")
CAPTION_LINE = 14
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"


def ramp(value: float) -> str:
    """Return a colour for a value in [0, 1], dark to light, even in lightness."""
    return RAMP[min(int(max(0.0, value) * len(RAMP)), len(RAMP) - 1)]


def counted(number: int, noun: str) -> str:
    """Return "1 stream", "2 streams"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def visible(text: str) -> str:
    """Return text in which control characters show as pictures and direction marks as their code
    points.
    """
    return str(wire.clean(text)).translate(VISIBLE)


# Characters that would be invisible or turn the text around: C0 shows as pictures, the rest by code
# point.
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)}
_CODES = (
    0x7F,
    *range(0x80, 0xA0),
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    0xFEFF,
    0xFFFE,
    0xFFFF,
)
VISIBLE = _PICTURES | {code: f"<U+{code:04X}>" for code in _CODES}


class Svg:
    """A picture being drawn, `width` x `height` in pixels."""

    def __init__(
        self, width: float, height: float, *, title: str, provenance: Mapping[str, Any]
    ) -> None:
        from warpviz.views.base.export import dumps

        self.width = width
        self.height = height
        self._parts = [
            f"<title>{escape(visible(title))}</title>",
            f"<metadata>{escape(dumps(provenance))}</metadata>",
            f'<rect width="{_n(width)}" height="{_n(height)}" fill="#ffffff"/>',
        ]

    def add(self, tag: str, **attributes: Any) -> None:
        """Add an element; underscores in names become hyphens, numbers are rounded."""
        self._parts.append(f"<{tag} {_attributes(attributes)}/>")

    def circle(self, x: float, y: float, r: float, **style: Any) -> None:
        """Add a circle."""
        self.add("circle", cx=x, cy=y, r=r, **style)

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: Any) -> None:
        """Add a line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": GREY, **style})

    def path(
        self, points: Sequence[tuple[float, float]], *, closed: bool = False, **style: Any
    ) -> None:
        """Add a polyline or polygon."""
        if points:
            steps = " L".join(f"{_n(x)} {_n(y)}" for x, y in points)
            self.add("path", d=f"M{steps}{'Z' if closed else ''}", **{"fill": "none", **style})

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Add one line of text, as text."""
        look = {"font_family": FONT, "font_size": 12, "fill": INK, **style}
        self._parts.append(
            f'<text x="{_n(x)}" y="{_n(y)}" {_attributes(look)}>{escape(visible(text))}</text>'
        )

    def caption(self, x: float, y: float, text: str, *, most: int) -> None:
        """Add a small text of lines of at most `most` characters, its last line at y."""
        lines = wrap(visible(text), most)
        for number, line in enumerate(lines):
            self.text(
                x, y - CAPTION_LINE * (len(lines) - 1 - number), line, font_size=11, fill=GREY
            )

    def finish(self) -> str:
        """Return the document."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(self.width)}" height="{_n(self.height)}" '
        head += f'viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img">'
        return "\n".join([head, *self._parts, "</svg>\n"])


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attributes(attributes: Mapping[str, Any]) -> str:
    return " ".join(
        f"{name.replace('_', '-')}={quoteattr(_value(value))}" for name, value in attributes.items()
    )


def _value(value: Any) -> str:
    return _n(value) if isinstance(value, (int, float)) else str(value)
