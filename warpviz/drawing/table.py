"""A table in plain text. On a narrow terminal it has several parts; no cell is ever cut."""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading and one cell per row."""

    heading: str
    cells: tuple[str, ...]
    is_text: bool = False  # text is aligned to the left, numbers to the right

    @property
    def width(self) -> int:
        """Characters of the longest cell or of the heading."""
        return max(map(len, (self.heading, *self.cells)))

    def lines(self) -> list[str]:
        """Return the heading and the cells, padded to one width."""
        align = str.ljust if self.is_text else str.rjust
        return [align(cell, self.width) for cell in (self.heading, *self.cells)]


def parts(
    keys: Sequence[Column], values: Sequence[Column], *, width: int
) -> list[tuple[str, list[str]]]:
    """Return the table as parts of a heading and its lines, each at most `width` characters wide.

    `keys` come first in every part, so that its rows can be identified. A part holds as many of the
    `values` as fit, and at least one: where even that is wider than `width`, so is the part.
    """
    found: list[list[Column]] = []
    for column in values:
        if found and _width([*keys, *found[-1], column]) <= width:
            found[-1].append(column)
        else:
            found.append([column])
    return [_part([*keys, *chosen]) for chosen in found]


def _width(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _part(columns: Sequence[Column]) -> tuple[str, list[str]]:
    heading, *lines = (
        GAP.join(cells).rstrip() for cells in zip(*map(Column.lines, columns), strict=True)
    )
    return heading, lines
