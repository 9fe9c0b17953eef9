"""Colours that people with every common colour vision can distinguish, and marker shapes."""

import re
from functools import cache

# Okabe and Ito, "Color Universal Design" (2008).
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
YELLOW = "#F0E442"
GREY = "#8A8F98"
INK = "#1B1F24"
LINEAR = 0.04045  # below it sRGB is linear (IEC 61966-2-1)
RAMP = ("#2a1a5e", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#e3d834")

# The series of a chart: each has its own colour and its own shape, so that neither is needed.
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, "#000000")
SHAPES = ("circle", "square", "triangle", "diamond", "cross", "ring")


def ramp(value: float) -> str:
    """Return a colour for a value in [0, 1], dark to light, even in lightness."""
    return RAMP[min(int(max(0.0, value) * len(RAMP)), len(RAMP) - 1)]


def series(index: int) -> tuple[str, str]:
    """Return the colour and the shape of the series at `index`; 42 of them differ."""
    return SERIES[index % len(SERIES)], SHAPES[index % len(SHAPES)]


@cache
def legible(colour: str, *, least: float = 4.5) -> str:
    """Return a colour for text on white: as given, or darkened until its contrast is `least`.

    colour: "#rrggbb"; other notations are returned as they are. Source: WCAG 2.2, 1.4.3.
    """
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        return colour
    own = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    ink = [int(INK[at : at + 2], 16) for at in (1, 3, 5)]
    for step in range(21):
        mixed = [round(v + (dark - v) * step / 20) for v, dark in zip(own, ink, strict=True)]
        if 1.05 / (_lightness(mixed) + 0.05) >= least:
            break
    return "#" + "".join(f"{v:02x}" for v in mixed) if step else colour


def _lightness(channels: list[int]) -> float:
    parts = [v / 255 for v in channels]
    r, g, b = (v / 12.92 if v <= LINEAR else ((v + 0.055) / 1.055) ** 2.4 for v in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
