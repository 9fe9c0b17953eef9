"""Events as JSON-ready records and back; every value is checked: a trace may come from anyone."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from warp_cortex.trace.events import EVENT_TYPES, Event

# returns the value of a field, or raises ValueError if it does not fit
Reader = Callable[[Any], Any]


def to_record(event: Event) -> dict[str, Any]:
    """Return the event as a JSON-ready dict with its type first.

    A `time_s` of None and a `why` without words are left out.
    JSON has no NaN and no infinity: such numbers become None, and `from_record` reads None as NaN
    where a number belongs. numpy scalars become plain numbers.
    """
    record = {"type": event.type, **_plain(asdict(event))}
    if record["time_s"] is None:
        del record["time_s"]
    if not record.get("why", "words"):
        del record["why"]
    return record


def from_record(record: Mapping[str, Any]) -> Event:
    """Return the event a record describes.

    Raises:
        ValueError: the record's type is unknown, or a field does not fit; the message names it.
    """
    kind = record.get("type")
    cls = EVENT_TYPES.get(kind) if isinstance(kind, str) else None
    if cls is None:
        msg = f"unknown event type {kind!r:.80}; known: {', '.join(sorted(EVENT_TYPES))}"
        raise ValueError(msg)
    known = {field.name: field.type for field in fields(cls)}
    values = {name: value for name, value in record.items() if name != "type"}
    if extra := sorted(set(values) - set(known)):
        msg = f"event {kind!r} has unknown fields {extra}; known: {sorted(known)}"
        raise ValueError(msg)
    for name, value in values.items():
        try:
            values[name] = READERS[known[name]](value)
        except ValueError:
            msg = f"event {kind!r}: {name} must be {known[name]}, got {value!r:.80}"
            raise ValueError(msg) from None
    try:
        return cls(**values)
    except TypeError as error:
        msg = f"event {kind!r} is incomplete: {error}"
        raise ValueError(msg) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _exactly(*types: type) -> Reader:
    def read(value: Any) -> Any:
        if type(value) not in types:  # bool is a subclass of int
            raise ValueError
        return value

    return read


def _integer(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:  # 64 bits: the limit of arrays
        raise ValueError
    return value


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if type(value) not in (int, float):
        raise ValueError
    try:
        return float(value)
    except OverflowError:
        raise ValueError from None


def _optional(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _list(read: Reader) -> Reader:
    return lambda value: [read(item) for item in _exactly(list, tuple)(value)]


def _dict(read: Reader) -> Reader:
    return lambda value: {
        _exactly(str)(key): read(item) for key, item in _exactly(dict)(value).items()
    }


def _span(value: Any) -> tuple[int, int]:
    first, last = _list(_integer)(value)
    return first, last


READERS: dict[Any, Reader] = {
    int: _integer,
    bool: _exactly(bool),
    str: _exactly(str),
    float: _number,
    int | None: _optional(_integer),
    float | None: _optional(_number),
    list[int]: _list(_integer),
    list[str]: _list(_exactly(str)),
    list[float]: _list(_number),
    tuple[int, int]: _span,
    dict[str, float]: _dict(_number),
    dict[str, list[float]]: _dict(_list(_number)),
    dict[str, str]: _dict(_exactly(str)),
    dict[str, Any]: _dict(lambda value: value),
}
