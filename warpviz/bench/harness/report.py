"""A report of several tables, each on disk as JSON and markdown as soon as it is measured."""

import json
import math
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from warp_cortex import write_files

from warpviz.bench.harness.machine import sentence

Row = Mapping[str, Any]
WHOLE_FROM = 1000  # larger numbers are shown without decimals


class _Rows(list[dict[str, Any]]):
    """A list of rows that calls `on_change` after every append."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        super().__init__()
        self._on_change = on_change

    def append(self, row: dict[str, Any]) -> None:
        """Add a row."""
        super().append(row)
        self._on_change()

    def extend(self, rows: Iterable[dict[str, Any]]) -> None:
        """Add rows as they are measured."""
        for row in rows:
            self.append(row)


class Report:
    """Sections that run one after another inside a time budget.

    The files are complete at any moment. A section that fails is recorded with its error.
    """

    def __init__(
        self,
        name: str,
        out: Path,
        provenance: dict[str, Any],
        *,
        minutes: float,
        quiet: bool = False,
    ) -> None:
        self.name = name
        self.out = out
        self.minutes = minutes
        self.quiet = quiet
        self.provenance = provenance
        self.sections: list[dict[str, Any]] = []
        self._start = time.monotonic()
        out.mkdir(parents=True, exist_ok=True)

    @property
    def seconds_left(self) -> float:
        """Seconds left of the budget; negative once it is spent."""
        return self.minutes * 60 - (time.monotonic() - self._start)

    def section(
        self, title: str, note: str, measure: Callable[[list[dict[str, Any]]], None]
    ) -> bool:
        """Let `measure` append to a list of rows; return whether it finished.

        Each row is on disk as soon as it is appended, and rows stay if `measure` fails. Once the
        budget is spent, the next row is the last. Ctrl-C is passed on.
        """
        start = time.monotonic()
        record: dict[str, Any] = {
            "title": title,
            "note": note,
            "rows": _Rows(lambda: self._row_done(record, start)),
        }
        self.sections.append(record)
        if self.seconds_left <= 0:
            record["failed"] = f"not run: the budget of {self.minutes:g} minutes was spent"
        else:
            try:
                measure(record["rows"])
            except TimeoutError as error:  # the budget is spent: no failure to trace back
                record["failed"] = str(error)
            except Exception as error:  # noqa: BLE001 -- a section's failure must not end the others
                record["failed"] = f"{type(error).__name__}: {error}"
                record["where"] = traceback.format_exc()[-3000:]
            except KeyboardInterrupt:
                record["failed"] = "interrupted"
                self._close(record, start)
                raise
        self._close(record, start)
        if not self.quiet:
            sys.stdout.write(f"\n{markdown(record)}\n")
            sys.stdout.flush()
        return "failed" not in record

    def _close(self, record: dict[str, Any], start: float) -> None:
        record["seconds"] = round(time.monotonic() - start, 1)
        self.flush()

    def _row_done(self, record: dict[str, Any], start: float) -> None:
        self._close(record, start)
        if self.seconds_left < 0:
            msg = f"the budget of {self.minutes:g} minutes is spent"
            raise TimeoutError(msg)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of all sections."""
        return [row for section in self.sections for row in section["rows"]]

    def record(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {"bench": self.name, "provenance": self.provenance, "sections": self.sections}

    def flush(self) -> None:
        """Write the sections so far as JSON and markdown, both or neither."""
        pages = [
            f"# {self.name}\n",
            f"{sentence(self.provenance)}\n",
            *map(markdown, self.sections),
        ]
        texts = {"json": to_json(self.record(), indent=1), "md": "\n".join(pages)}
        write_files(
            {
                self.out / f"{self.name}.{ending}": f"{text}\n".encode()
                for ending, text in texts.items()
            }
        )


def to_json(record: Any, *, indent: int | None = None) -> str:
    """Return a record as JSON; infinity and NaN, which JSON lacks, become null."""
    return json.dumps(_finite(record), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def ended(record: Mapping[str, Any], *, as_json: bool) -> int:
    """Print the record if it is wanted as JSON; return 1 if a table could not be finished."""
    if as_json:
        sys.stdout.write(to_json(record) + "\n")
    return int(any("failed" in section for section in record["sections"]))


def markdown(section: Mapping[str, Any]) -> str:
    """Return one section as a heading, a note and a table."""
    lines = [f"## {section['title']}", "", section["note"], ""]
    if section["rows"]:
        lines += table(section["rows"])
    if "failed" in section:
        lines += [
            "",
            f"**Ended early:** {section['failed']}",
            *section.get("where", "").splitlines()[-6:],
        ]
    return "\n".join([*lines, "", f"({section['seconds']} s)"])


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as a markdown table over the union of their columns."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    body = ["| " + " | ".join(_cell(row.get(column)) for column in columns) + " |" for row in rows]
    return ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns), *body]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < WHOLE_FROM else f"{value:,.0f}"
    return (
        f"{value:,}"
        if isinstance(value, int) and not isinstance(value, bool)
        else str(value).replace("|", "/")
    )
