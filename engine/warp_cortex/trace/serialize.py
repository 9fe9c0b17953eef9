"""Events as JSON-ready records and back; every value is checked: a trace may come from anyone."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from warp_cortex.files.fields import read_field
from warp_cortex.trace.events import EVENT_TYPES, Event


def to_record(event: Event) -> dict[str, Any]:
    """Return the event as a JSON-ready dict with its type first.

    `time_s` or `threads` of None, and a `why` or `labels` that are empty, are left out.
    JSON has no NaN and no infinity: such numbers become None, and `from_record` reads None as NaN
    where a number belongs. numpy scalars become plain numbers.
    """
    values = {each.name: _plain(getattr(event, each.name)) for each in fields(event)}
    record = {"type": event.type, **values}
    for name in ("time_s", "threads", "why", "labels"):
        if record.get(name, "something") in (None, "", {}):
            del record[name]
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
            values[name] = read_field(known[name], value)
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
