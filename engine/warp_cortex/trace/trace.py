"""The record of a run: a recorder, and its JSON Lines + npz form.

The trace is the interface between the engine and every viewer, and the file users share. It holds
no clock reading unless a run is concurrent, so a cooperative run with the same seed writes the same
bytes. Only the standard library and numpy are imported here.
"""

import hashlib
import io
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warp_cortex.files.arrays import read_arrays
from warp_cortex.files.atomic import write_files
from warp_cortex.files.reading import UnreadableFileError, parse_json, read_bytes, unreadable
from warp_cortex.trace.events import (
    EVENT_TYPES,
    Calibration,
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
    "Calibration",
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
EVENTS_FILE = "trace.jsonl"
# a member of the npz: the SHA-256 of the events it belongs to, uint8 [32]
DIGEST = "events_sha256"
MOVING_S = 0.05  # how long another process may take to move a trace's two files
# the axes of each array, as `Trace` names them
AXES = {
    "keys": ("L", "H_kv", "T", "D"),
    "values": ("L", "H_kv", "T", "D"),
    "hidden": ("W", "C"),
    "attention": ("T",),
    "thoughts": ("F", "C"),
    "layers": ("L",),
    "positions": ("T",),
}


@dataclass(slots=True)
class Trace:
    """A run's events in order, and its large arrays.

    Arrays (all optional; T visible tokens whose entries are held, W all visible tokens, F finished
    thoughts, C hidden size, D head size):
        keys: float16 [L, H_kv, T, D], keys with their rotation undone; layers as in `layers`.
        values: float16 [L, H_kv, T, D]. hidden: float16 [W, C], middle-layer states of the River.
        attention: float32 [T], attention mass received. thoughts: float32 [F, C], pooled
        middle-layer states. layers: int64 [L], the model layers the arrays were taken from.
        positions: int64 [T], those of the T tokens.
    """

    events: list[Event] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def append(self, event: Event) -> Event:
        """Record one event and return it."""
        self.events.append(event)
        return event

    def of(self, cls: type[Event]) -> list[Any]:
        """Return the events of one class, in order."""
        return [event for event in self.events if isinstance(event, cls)]

    @property
    def has_ended(self) -> bool:
        """Whether the River of every run in it has ended; a killed process leaves one open."""
        is_open = False
        for event in self.events:
            if isinstance(event, RunStart):
                is_open = True
            elif isinstance(event, Finish) and event.stream is None:
                is_open = False
        return not is_open

    def replay(self) -> Iterator[Event]:
        """Yield the events in the order they happened."""
        yield from tuple(self.events)

    def dumps(self) -> str:
        """Return the events as JSON Lines in ASCII; the first line holds the schema version."""
        return b"".join([HEAD, *map(line_of, self.events)]).decode("ascii")

    def save(self, folder: Path | str) -> Path:
        """Write `trace.jsonl` and, with arrays, `trace.npz` into `folder`; return the folder.

        A failure leaves the files of an older trace as they were (see `write_files`). The npz holds
        the digest of its trace.jsonl, so that `load_trace` never reads one run's arrays as
        another's.
        """
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        events = self.dumps().encode("ascii")
        arrays = packed(self.arrays, hashlib.sha256(events).digest()) if self.arrays else None
        write_files({path / "trace.npz": arrays, path / EVENTS_FILE: events})
        return path


def line_of(event: Event) -> bytes:
    """Return an event as one line of JSON in ASCII, with its end."""
    return _line(to_record(event))


def packed(arrays: Mapping[str, NDArray[Any]], digest: bytes) -> bytes:
    """Return the npz of a trace's arrays, with the SHA-256 of the events they belong to."""
    return _npz({**arrays, DIGEST: np.frombuffer(digest, dtype=np.uint8)})


def _line(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, ensure_ascii=True, allow_nan=False) + "\n").encode("ascii")


HEAD = _line({"type": "trace", "schema": SCHEMA_VERSION})  # the first line of every trace


def load_trace(folder: Path | str) -> Trace:
    """Read what `Trace.save` or a `Recording` wrote: a folder, or the path of its `trace.jsonl`.

    A last line cut short by a crash is dropped; everything before it is kept. Arrays that belong to
    other events (a copy of one file only, a save that a crash cut short) are dropped with a
    warning, and a run that has not ended, or never did, is read with one. Nothing is unpickled.

    Raises:
        FileNotFoundError: there is no trace.
        UnreadableFileError: not a trace, or of another schema version; the message names file and
            line.
    """
    path = Path(folder)
    path = path / EVENTS_FILE if path.is_dir() else path
    data, arrays = _pair(path)
    records = _records(data, path)
    head = next(records, (1, {}))[1]
    if head.get("type") != "trace" or head.get("schema") != SCHEMA_VERSION:
        begin = data[:80].partition(b"\n")[0].decode(errors="replace")
        raise unreadable(
            path, f"is not a trace of schema {SCHEMA_VERSION}: it begins with {begin!r}"
        )
    trace = Trace([_event(record, path, number) for number, record in records], arrays)
    if not trace.has_ended:
        held = "its arrays" if arrays else "no arrays"
        msg = f"{path} holds a run without its end: {len(trace.events)} events and {held}"
        warnings.warn(msg, stacklevel=2)
    return trace


def _pair(path: Path) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """Return the bytes of the events, and the arrays that belong to them."""
    for is_last in (False, False, True):
        data = read_bytes(path)
        if b"\r\n" in data:  # version control may change line ends
            data = data.replace(b"\r\n", b"\n")
        arrays = _arrays_of(path, data)
        if arrays is not None:
            return data, arrays
        if not is_last:  # a run may be putting its files there at this moment
            time.sleep(MOVING_S)
    name = path.with_suffix(".npz")
    msg = f"{name} belongs to other events than those of {path.name}; they are left out"
    warnings.warn(msg, stacklevel=3)
    return data, {}


def _records(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        if not line.strip():
            continue
        try:
            record = parse_json(line.decode("utf-8"), path, where=f":{number}")
        except UnicodeDecodeError as error:
            where = f"{error.reason} in line {number}"
            raise unreadable(path, f"is not a trace: it is not text ({where})") from error
        except UnreadableFileError:
            if not line.endswith(b"\n"):  # the writer was interrupted
                return
            raise
        if not isinstance(record, dict):
            line_name = f"{path}:{number}"
            raise unreadable(line_name, "is not a JSON object")
        yield number, record


def _event(record: dict[str, Any], path: Path, number: int) -> Event:
    try:
        return from_record(record)
    except ValueError as error:
        line_name = f"{path}:{number}:"
        raise unreadable(line_name, error) from error


def _arrays_of(path: Path, events: bytes) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of the events, {} if there are none; None if they are of other events."""
    arrays = path.with_suffix(".npz")
    if not arrays.exists():
        return {}
    found = read_arrays(arrays, refusal="does not hold a trace's arrays")
    digest = found.pop(DIGEST, None)  # traces of version 0.1 have none
    if digest is not None and not np.array_equal(digest, _digest(events)):
        return None
    if wrong := _misfit(found):
        raise unreadable(arrays, f"does not hold a trace's arrays: {wrong}")
    return found


def _misfit(arrays: dict[str, NDArray[Any]]) -> str | None:
    """Return in what the arrays' shapes disagree, with `Trace` or with each other; None if not."""
    sizes: dict[str, tuple[str, int]] = {}
    for name, axes in AXES.items():
        if name not in arrays:
            continue
        shape = arrays[name].shape
        if len(shape) != len(axes):
            return f"{name} must have the axes {', '.join(axes)}, got shape {shape}"
        for axis, size in zip(axes, shape, strict=True):
            other, expected = sizes.setdefault(axis, (name, size))
            if size != expected:
                return f"{name} has {size} on axis {axis}, {other} has {expected}"
    return None


def _npz(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the arrays as an npz, sorted by name: the same arrays give the same bytes."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return out.getvalue()


def _digest(events: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(hashlib.sha256(events).digest(), dtype=np.uint8)
