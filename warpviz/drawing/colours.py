"""Colours that people with every common colour vision can distinguish, and marker shapes."""

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
