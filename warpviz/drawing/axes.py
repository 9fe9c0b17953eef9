"""A scaled pair of axes in an SVG picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from warpviz.drawing.colours import GREY
from warpviz.drawing.markup import number
from warpviz.drawing.svg import Svg


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

    def draw(
        self,
        pen: Svg,
        *,
        title: str,
        x_label: str,
        y_label: str,
        x_ticks: Sequence[float] | None = None,
    ) -> None:
        """Draw the box, ticks, labels and title."""
        right = self.left + self.width
        bottom = self.top + self.height
        middle = self.top + self.height / 2
        pen.add(
            "rect",
            x=self.left,
            y=self.top,
            width=self.width,
            height=self.height,
            fill="none",
            stroke=GREY,
        )
        pen.text(self.left, self.top - 10, title, font_size=13, font_weight="bold")
        pen.text(self.left + self.width / 2, bottom + 34, x_label, text_anchor="middle")
        turn = f"rotate(-90 {number(self.left - 44)} {number(middle)})"
        pen.text(self.left - 44, middle, y_label, text_anchor="middle", transform=turn)
        for value in ticks(*self.x) if x_ticks is None else x_ticks:
            x, _ = self.at(value, self.y[0])
            pen.text(x, bottom + 16, f"{value:g}", text_anchor="middle", font_size=11)
        for value in ticks(*self.y):
            _, y = self.at(self.x[0], value)
            pen.text(self.left - 6, y + 4, f"{value:g}", text_anchor="end", font_size=11)
            pen.line(self.left, y, right, y, stroke_opacity=0.25)


def ticks(low: float, high: float, *, wanted: int = 5) -> list[float]:
    """Return about `wanted` round values in [low, high]."""
    raw = (high - low) / wanted
    unit = 10.0 ** np.floor(np.log10(raw))
    step = float(next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw))
    first = int(np.ceil(low / step - 1e-9))
    return [round(at * step, 12) for at in range(first, int(np.floor(high / step + 1e-9)) + 1)]
