"""The record of a run: a recorder, and its JSON Lines + npz form.

The trace is the interface between the engine and every viewer, and the file users share. It holds
no clock reading unless a run is concurrent, so a cooperative run with the same seed writes the same
bytes. Only the standard library and numpy are imported here.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warp_cortex.trace.events import (
    EVENT_TYPES,
    Event,
    Failure,
    Finish,
    GateDecision,
    Influence,
    Inject,
    Memory,
    Publish,
    Revoke,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Token,
)
from warp_cortex.trace.serialize import from_record, to_record

__all__ = [
    "EVENT_TYPES",
    "SCHEMA_VERSION",
    "Event",
    "Failure",
    "Finish",
    "GateDecision",
    "Influence",
    "Inject",
    "Memory",
    "Publish",
    "Revoke",
    "RunStart",
    "Spawn",
    "StreamToken",
    "Thought",
    "Token",
    "Trace",
    "from_record",
    "load_trace",
    "to_record",
]

SCHEMA_VERSION = 1
# what zipfile and numpy raise on damaged or hostile bytes: a size that cannot be allocated, a
# packing nobody knows, ...
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    TypeError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


@dataclass(slots=True)
class Trace:
    """A run's events in order, and its large arrays.

    Arrays (all optional; T visible tokens, F finished thoughts, C hidden size, D head size):
        keys: float16 [L, H_kv, T, D], keys with their rotation undone; layers as in `layers`.
        values: float16 [L, H_kv, T, D]. hidden: float16 [T, C], middle-layer states of the River.
        attention: float32 [T], attention mass received. thoughts: float32 [F, C], pooled
        middle-layer states. layers: int64 [L], the model layers the arrays were taken from.
        positions: int64 [T], those of the T tokens.
    """

    events: list[Event] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def append(self, event: Event) -> Event:
        """Record one event and hand it back."""
        self.events.append(event)
        return event

    def of(self, cls: type[Event]) -> list[Any]:
        """Return the events of one class, in order."""
        return [event for event in self.events if isinstance(event, cls)]

    def replay(self) -> Iterator[Event]:
        """Yield the events in the order they happened."""
        yield from tuple(self.events)

    def dumps(self) -> str:
        """Return the events as JSON Lines, the schema version on the first line; pure ASCII, valid
        JSON throughout.
        """
        records = [{"type": "trace", "schema": SCHEMA_VERSION}, *map(to_record, self.events)]
        return "".join(
            json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n" for record in records
        )

    def save(self, folder: Path | str) -> Path:
        """Write `trace.jsonl` and, if there are arrays, `trace.npz` into `folder`; return the
        folder.

        Each file is replaced in one step, so an interruption leaves the old one or the new one,
        never half of it.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        arrays = path / "trace.npz"
        if self.arrays:
            partial = path / "trace.partial.npz"
            np.savez(
                partial,
                allow_pickle=False,
                **{name: self.arrays[name] for name in sorted(self.arrays)},
            )
            partial.replace(arrays)
        else:
            arrays.unlink(missing_ok=True)  # another run's arrays would be read as this one's
        partial = path / "trace.partial.jsonl"
        partial.write_text(self.dumps(), encoding="ascii", newline="\n")
        partial.replace(path / "trace.jsonl")
        return path


def load_trace(folder: Path | str) -> Trace:
    """Read what `Trace.save` wrote: a folder, or the path of its `trace.jsonl`.

    A last line cut short by a crash is dropped; everything before it is kept. Nothing is unpickled.

    Raises:
        FileNotFoundError: there is no trace.
        ValueError: not a trace, or of another schema version; the message names file and line.
    """
    path = Path(folder)
    path = path / "trace.jsonl" if path.is_dir() else path
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        msg = f"{path} is not a trace: it is not text ({error.reason} at byte {error.start})"
        raise ValueError(msg) from error
    records = _records(lines, path)
    head = next(records, (1, {}))[1]
    if head.get("type") != "trace" or head.get("schema") != SCHEMA_VERSION:
        msg = f"{path} is not a trace of schema {SCHEMA_VERSION}: it begins with {lines[0][:80]!r}"
        raise ValueError(msg)
    return Trace(
        events=[_event(record, path, number) for number, record in records], arrays=_arrays(path)
    )


def _records(lines: list[str], path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number == len(lines):  # no line end: the writer was interrupted
                return
            msg = f"{path}:{number} is not JSON: {error}"
            raise ValueError(msg) from error
        if not isinstance(record, dict):
            msg = f"{path}:{number} is not a JSON object"
            raise ValueError(msg)  # noqa: TRY004 - the file is wrong, not the caller's type
        yield number, record


def _event(record: dict[str, Any], path: Path, number: int) -> Event:
    try:
        return from_record(record)
    except ValueError as error:
        msg = f"{path}:{number}: {error}"
        raise ValueError(msg) from error


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays = path.with_suffix(".npz")
    if not arrays.exists():
        return {}
    with arrays.open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as stored:
                found = {name: stored[name] for name in stored.files}
        except UNREADABLE as error:
            msg = f"{arrays} does not hold a trace's arrays: {error}"
            raise ValueError(msg) from error
    for name, array in found.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            msg = f"{arrays} does not hold a trace's arrays: {name!r:.80} is no array of numbers"
            raise ValueError(msg)
    return found
