"""SVG and HTML from strings: escaped text, rounded numbers, a scaled pair of axes. No library, no
browser.

Same input, same bytes: nothing here depends on time, order of sets or locale.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Any

import numpy as np

# Okabe and Ito (2008): distinct under every common colour vision; each policy also has its own
# marker.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("circle", "square", "triangle", "diamond", "cross", "ring")
CORNERS: dict[str, list[tuple[float, float]]] = {
    "square": [(-1, -1), (1, -1), (1, 1), (-1, 1)],
    "triangle": [(0, -1.2), (1.1, 0.9), (-1.1, 0.9)],
    "diamond": [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
    "cross": [(-1, -1), (1, 1), (0, 0), (-1, 1), (1, -1), (0, 0)],
}
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
INK = "#24292f"
FAINT = "#8c959f"
STYLE: dict[str, Any] = {"fill": INK, "font_size": 12}


def visible(text: str) -> str:
    """Return text in which control, direction and surrogate characters show as their code
    points.
    """
    return "".join(
        f"<U+{ord(char):04X}>" if unicodedata.category(char) in HIDDEN else char for char in text
    )


def shown(text: str) -> str:
    """Return hostile text made visible and escaped for markup, quotes included."""
    return escape(visible(text), quote=True)


def plotted(text: str) -> str:
    """Return hostile text as plotly shows it: it undoes the names of &, < and >, but not those of
    quotes.
    """
    return escape(visible(text), quote=False)


def headline(text: str, *, most: int = 84) -> dict[str, Any]:
    """Return a plotly title of lines of at most `most` characters: plotly itself cuts a long one at
    the edge.
    """
    return {
        "text": "<br>".join(plotted(line) for line in wrap(visible(text), most)),
        "font": {"size": 14},
    }


def number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def tag(name: str, *children: str, **attributes: Any) -> str:
    """Return one element; children are markup already, attribute values are escaped, `_` in names
    becomes `-`.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            text = number(value) if isinstance(value, float) else str(value)
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{shown(text)}"')
    return f"<{' '.join(parts)}>{''.join(children)}</{name}>"


def text_at(x: float, y: float, text: str, **attributes: Any) -> str:
    """Return one line of SVG text, as text."""
    return tag("text", shown(text), x=float(x), y=float(y), **(STYLE | attributes))


def line(points: Iterable[tuple[float, float]], **attributes: Any) -> str:
    """Return an open polyline through pixel `points`."""
    path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return tag("polyline", points=path, **{"fill": "none", **attributes})


def dots(points: Iterable[tuple[float, float]], *, size: float, colour: str) -> str:
    """Return many small discs as one path, a few bytes each."""
    path = "".join(f"M{number(x)} {number(y)}h0" for x, y in points)
    return tag(
        "path",
        d=path or "M0 0",
        stroke=colour,
        stroke_width=float(size),
        stroke_linecap="round",
        fill="none",
    )


def marker(shape: str, x: float, y: float, *, size: float, colour: str, title: str) -> str:
    """Return one mark with a tooltip: circle, square, triangle, diamond, cross or ring."""
    hint = tag("title", shown(title))
    if shape in {"circle", "ring"}:
        fill = colour if shape == "circle" else "none"
        return tag(
            "circle",
            hint,
            cx=float(x),
            cy=float(y),
            r=float(size),
            fill=fill,
            stroke=colour,
            stroke_width=1.5,
        )
    path = " ".join(f"{number(x + dx * size)},{number(y + dy * size)}" for dx, dy in CORNERS[shape])
    return tag("polygon", hint, points=path, fill=colour, stroke=colour, stroke_width=1.0)


def look(index: int) -> tuple[str, str]:
    """Return the colour and marker of the policy at `index`."""
    return COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """A plot area: pixel box `left, top, width, height`, and the data ranges of x and y."""

    left: float
    top: float
    width: float
    height: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a data point."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * self.width, self.top + self.height - up * self.height

    def frame(
        self, *, title: str, x_label: str, y_label: str, x_ticks: Sequence[float] | None = None
    ) -> str:
        """Return the box, ticks and labels."""
        bottom = self.top + self.height
        middle = self.top + self.height / 2
        parts = [
            tag(
                "rect",
                x=float(self.left),
                y=float(self.top),
                width=float(self.width),
                height=float(self.height),
                fill="none",
                stroke=FAINT,
            ),
            text_at(self.left, self.top - 10, title, font_size=13, font_weight="bold"),
            text_at(self.left + self.width / 2, bottom + 34, x_label, text_anchor="middle"),
            text_at(
                self.left - 44,
                middle,
                y_label,
                text_anchor="middle",
                transform=f"rotate(-90 {number(self.left - 44)} {number(middle)})",
            ),
        ]
        at = {
            value: self.at(value, self.y[0])[0]
            for value in (ticks(*self.x) if x_ticks is None else x_ticks)
        }
        parts += [
            text_at(x, bottom + 16, f"{v:g}", text_anchor="middle", font_size=11)
            for v, x in at.items()
        ]
        for value in ticks(*self.y):
            y = self.at(self.x[0], value)[1]
            parts.append(
                text_at(self.left - 6, y + 4, f"{value:g}", text_anchor="end", font_size=11)
            )
            parts.append(
                line(
                    [(self.left, y), (self.left + self.width, y)], stroke=FAINT, stroke_opacity=0.25
                )
            )
        return "".join(parts)


def ticks(low: float, high: float, *, wanted: int = 5) -> list[float]:
    """Return about `wanted` round values in [low, high]."""
    raw = (high - low) / wanted
    unit = 10.0 ** np.floor(np.log10(raw))
    step = float(next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw))
    first = int(np.ceil(low / step - 1e-9))
    return [round(at * step, 12) for at in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def svg(width: float, height: float, *, title: str, body: Sequence[str]) -> str:
    """Return a whole SVG document on white, with a title for screen readers."""
    ground = tag("rect", width=float(width), height=float(height), fill="#ffffff")
    return tag(
        "svg",
        tag("title", shown(title)),
        ground,
        *body,
        xmlns="http://www.w3.org/2000/svg",
        role="img",
        width=number(width),
        height=number(height),
        viewBox=f"0 0 {number(width)} {number(height)}",
        font_family="system-ui, -apple-system, 'Segoe UI', sans-serif",
    )
