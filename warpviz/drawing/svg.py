"""A small SVG writer: vector text, no library. The same calls give the same bytes."""

from collections.abc import Iterable, Sequence
from typing import Any

from warpviz.characters import for_markup, visible
from warpviz.drawing.colours import GREY, INK, legible
from warpviz.drawing.markup import attributes, number, tag
from warpviz.drawing.text import wrap

Point = tuple[float, float]
FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
CAPTION_SIZE = 11
CAPTION_LINE = 14
CORNERS: dict[str, list[Point]] = {
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "triangle": [(0, -1.2), (1.1, 0.9), (-1.1, 0.9)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "cross": [(-1, -1), (1, 1), (0, 0), (-1, 1), (1, -1), (0, 0)],
}


class Svg:
    """A picture being drawn, `width` x `height` in pixels, on white.

    `title` is read by screen readers; `metadata` is text that is not shown, provenance for one.
    """

    def __init__(self, width: float, height: float, *, title: str, metadata: str = "") -> None:
        self.width = width
        self.height = height
        self._parts = [tag("title", for_markup(title))]
        if metadata:
            self._parts.append(tag("metadata", for_markup(metadata)))
        self.add("rect", width=width, height=height, fill="#ffffff")

    def add(self, name: str, *, hint: str | None = None, **style: Any) -> None:
        """Add an element; a `hint` is shown while the pointer is on it."""
        inside = None if hint is None else tag("title", for_markup(hint))
        head = f"<{name}{attributes(style)}"
        self._parts.append(f"{head}/>" if inside is None else f"{head}>{inside}</{name}>")

    def circle(self, x: float, y: float, r: float, **style: Any) -> None:
        """Add a circle."""
        self.add("circle", cx=x, cy=y, r=r, **style)

    def line(self, x1: float, y1: float, x2: float, y2: float, **style: Any) -> None:
        """Add a line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **{"stroke": GREY, **style})

    def path(self, points: Sequence[Point], *, closed: bool = False, **style: Any) -> None:
        """Add a polyline or a polygon; of no points, nothing."""
        if points:
            steps = " L".join(f"{number(x)} {number(y)}" for x, y in points)
            self.add("path", d=f"M{steps}{'Z' if closed else ''}", **{"fill": "none", **style})

    def lines(self, pairs: Iterable[tuple[Point, Point]], **style: Any) -> None:
        """Add many separate lines as one element; of none, nothing."""
        steps = "".join(
            f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}" for (x1, y1), (x2, y2) in pairs
        )
        if steps:
            self.add("path", d=steps, fill="none", **style)

    def dots(self, points: Iterable[Point], *, size: float, colour: str) -> None:
        """Add many small discs as one element, a few bytes each; of none, nothing."""
        steps = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
        if steps:
            self.add(
                "path",
                d=steps,
                fill="none",
                stroke=colour,
                stroke_width=size,
                stroke_linecap="round",
            )

    def marker(
        self, shape: str, x: float, y: float, *, size: float, colour: str, hint: str
    ) -> None:
        """Add one mark with a hint; `shape` is one of `colours.SHAPES`."""
        if shape in {"circle", "ring"}:
            fill = colour if shape == "circle" else "none"
            self.circle(x, y, size, fill=fill, stroke=colour, stroke_width=1.5, hint=hint)
        else:
            corners = [(x + dx * size, y + dy * size) for dx, dy in CORNERS[shape]]
            look = {"fill": colour, "stroke": colour, "stroke_width": 1, "hint": hint}
            self.path(corners, closed=True, **look)

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Add one line of text, as text."""
        look = {"x": x, "y": y, "font_size": 12, "fill": INK, **style}
        look["fill"] = legible(look["fill"])
        self._parts.append(tag("text", for_markup(text), **look))

    def caption(self, x: float, y: float, text: str, *, width: float) -> None:
        """Add a small text of lines of at most `width` pixels, its last line at y."""
        lines = wrap(visible(text), width=width, size=CAPTION_SIZE)
        top = y - CAPTION_LINE * (len(lines) - 1)
        for row, line in enumerate(lines):
            self.text(x, top + CAPTION_LINE * row, line, font_size=CAPTION_SIZE, fill=GREY)

    def finish(self) -> str:
        """Return the document."""
        head = {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": self.width,
            "height": self.height,
            "viewBox": f"0 0 {number(self.width)} {number(self.height)}",
            "role": "img",
            "font_family": FONT,
        }
        return "\n".join([f"<svg{attributes(head)}>", *self._parts, "</svg>\n"])
