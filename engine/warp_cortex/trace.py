"""The record of a run: typed events, a recorder, and their JSON Lines + npz form.

The trace is the interface between the engine and every viewer, and the file users share. It holds no clock
reading unless a run is concurrent, so a cooperative run with the same seed writes the same bytes.
Only the standard library and numpy are imported here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened at River step `step`: the number of visible tokens in the River's text so far."""

    type: ClassVar[str] = "event"
    step: int
    time_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart(Event):
    """The header of a run: what was run on what, with which settings."""

    type: ClassVar[str] = "run"
    model: str
    checksum: str
    prompt: str
    prompt_tokens: list[str]
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Event):
    """The River wrote one visible token."""

    type: ClassVar[str] = "token"
    id: int
    text: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Event):
    """The Synapse published snapshot `version`: `landmarks` are sorted positions of the River's visible tokens."""

    type: ClassVar[str] = "publish"
    version: int
    policy: str
    landmarks: list[int]
    ranking: list[int]
    radius: float
    shared_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn(Event):
    """The Router opened a stream for `task`; `trigger` is the character span that fired in the River's text."""

    type: ClassVar[str] = "spawn"
    stream: int
    task: str
    kind: str
    trigger: tuple[int, int]
    version: int
    focus: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamToken(Event):
    """A stream thought one token."""

    type: ClassVar[str] = "stream_token"
    stream: int
    id: int
    text: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought(Event):
    """A stream finished its thought; `vector` names the row of the npz array `thoughts`."""

    type: ClassVar[str] = "thought"
    stream: int
    text: str
    num_tokens: int
    reason: str
    vector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision(Event):
    """The Gate judged a thought; `similarities` holds every scorer's value, so theta can be re-decided later."""

    type: ClassVar[str] = "gate"
    stream: int
    accepted: bool
    similarity: float
    threshold: float
    scorer: str
    similarities: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject(Event):
    """An accepted thought entered the River's cache at virtual `positions`."""

    type: ClassVar[str] = "inject"
    injection: int
    stream: int
    text: str
    positions: list[int]
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Event):
    """An injected thought was taken out of the River's cache again."""

    type: ClassVar[str] = "revoke"
    injection: int
    rebuilt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence(Event):
    """KL (nats) between the River's next-token distributions with and without an injection, per visible token."""

    type: ClassVar[str] = "influence"
    injection: int
    first_position: int
    kl: list[float]
    attention_mass: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Event):
    """Bytes actually held, by owner."""

    type: ClassVar[str] = "memory"
    weights: int
    river_kv: int
    shared_kv: int
    private_kv: int
    num_streams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Event):
    """Something failed; `stream` is None when it was the River. The run goes on unless it was."""

    type: ClassVar[str] = "error"
    stream: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Event):
    """An agent closed: a stream, or the River when `stream` is None."""

    type: ClassVar[str] = "finish"
    stream: int | None
    reason: str


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (RunStart, Token, Publish, Spawn, StreamToken, Thought, GateDecision, Inject, Revoke, Influence, Memory,
                Failure, Finish)
}  # fmt: skip


def to_record(event: Event) -> dict[str, Any]:
    """Return the event as a JSON-ready dict with its type first; `time_s` is left out when it is None."""
    record = {"type": event.type, **asdict(event)}
    if record["time_s"] is None:
        del record["time_s"]
    return record


def from_record(record: Mapping[str, Any]) -> Event:
    """Return the event a record describes.

    Raises:
        ValueError: the record's type is unknown or its fields do not fit.
    """
    kind = record.get("type")
    cls = EVENT_TYPES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        msg = f"unknown event type {kind!r}; known: {', '.join(sorted(EVENT_TYPES))}"
        raise ValueError(msg)
    known = {f.name for f in fields(cls)}
    values = {name: value for name, value in record.items() if name != "type"}
    if extra := sorted(set(values) - known):
        msg = f"event {kind!r} has unknown fields {extra}; known: {sorted(known)}"
        raise ValueError(msg)
    if isinstance(values.get("trigger"), list):
        values["trigger"] = tuple(values["trigger"])
    try:
        return cls(**values)
    except TypeError as error:
        msg = f"event {kind!r} is incomplete: {error}"
        raise ValueError(msg) from error


@dataclass(slots=True)
class Trace:
    """A run's events in order, and its large arrays.

    Arrays (all optional; T visible tokens, F finished thoughts, C hidden size, D head size):
        keys: float16 [L, H_kv, T, D], keys with their rotation undone; layers as in `layers`.
        values: float16 [L, H_kv, T, D]. hidden: float16 [T, C], middle-layer states of the River.
        attention: float32 [T], attention mass received. thoughts: float32 [F, C], pooled middle-layer states.
        layers: int64 [L], the model layers the arrays were taken from.
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
        """Return the events as JSON Lines, the schema version on the first line."""
        head = json.dumps({"type": "trace", "schema": SCHEMA_VERSION})
        lines = [json.dumps(to_record(event), ensure_ascii=True, sort_keys=False) for event in self.events]
        return "\n".join([head, *lines]) + "\n"

    def save(self, folder: Path | str) -> Path:
        """Write `trace.jsonl` and, if there are arrays, `trace.npz` into `folder`; return the folder."""
        path = Path(folder)
        path.mkdir(parents=True, exist_ok=True)
        (path / "trace.jsonl").write_text(self.dumps(), encoding="utf-8")
        if self.arrays:
            np.savez(path / "trace.npz", **{name: self.arrays[name] for name in sorted(self.arrays)})
        return path


def load_trace(folder: Path | str) -> Trace:
    """Read what `Trace.save` wrote: a folder, or the path of its `trace.jsonl`.

    A last line cut short by a crash is dropped; everything before it is kept.

    Raises:
        ValueError: not a trace, or of another schema version.
    """
    path = Path(folder)
    path = path / "trace.jsonl" if path.is_dir() else path
    lines = path.read_text(encoding="utf-8").splitlines()
    records = list(_records(lines, path))
    if not records or records[0].get("type") != "trace" or records[0].get("schema") != SCHEMA_VERSION:
        found = records[0] if records else "an empty file"
        msg = f"{path} is not a trace of schema {SCHEMA_VERSION}: it begins with {str(found)[:80]}"
        raise ValueError(msg)
    trace = Trace(events=[from_record(record) for record in records[1:]])
    arrays = path.with_suffix(".npz")
    if arrays.exists():
        with np.load(arrays, allow_pickle=False) as stored:
            trace.arrays = {name: stored[name] for name in stored.files}
    return trace


def _records(lines: list[str], path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            if number == len(lines):
                return
            msg = f"{path}:{number} is not JSON: {error}"
            raise ValueError(msg) from error
        if not isinstance(record, dict):
            msg = f"{path}:{number} is not a JSON object"
            raise ValueError(msg)  # noqa: TRY004 - a malformed file is a value error to its reader
        yield record
