"""The plain table of a terminal: as many parts as the width asks for, and no cell cut."""

import pytest

from warpviz.drawing.table import Column, parts

KEYS = [Column("k", ("8", "16")), Column("policy", ("hybrid", "random"), is_text=True)]
VALUES = [Column("radius", ("1.5", "10.25")), Column("bound", ("3.0", "20.5"))]


def test_a_wide_terminal_has_one_part() -> None:
    """Numbers are aligned to the right, text to the left, two spaces between columns."""
    assert parts(KEYS, VALUES, width=80) == [
        (" k  policy  radius  bound", [" 8  hybrid     1.5    3.0", "16  random   10.25   20.5"])
    ]


@pytest.mark.parametrize("width", [24, 10, 1])
def test_each_part_repeats_the_keys(width: int) -> None:
    """A part has at least one number in a row, even where the terminal is too narrow for it."""
    assert parts(KEYS, VALUES, width=width) == [
        (" k  policy  radius", [" 8  hybrid     1.5", "16  random   10.25"]),
        (" k  policy  bound", [" 8  hybrid    3.0", "16  random   20.5"]),
    ]
