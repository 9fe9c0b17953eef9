"""Checks of settings: each returns the value, or raises one line that says what is accepted."""

from collections.abc import Iterable
from dataclasses import fields
from difflib import get_close_matches
from string import Formatter
from typing import Any


def choice(name: str, value: str, known: tuple[str, ...]) -> str:
    """Return `value` if it is known; otherwise raise a ValueError that suggests the nearest."""
    if not isinstance(value, str):
        msg = f"{name} must be one of {', '.join(known)}, got {value!r}"
        raise TypeError(msg)
    if value in known:
        return value
    near = get_close_matches(value, known, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    msg = f"{name} {value!r} is unknown; accepted: {', '.join(known)}{hint}"
    raise ValueError(msg)


def several(name: str, values: Iterable[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return `values` as a tuple if each is known; one text alone counts as one value."""
    listed = (values,) if isinstance(values, str) else tuple(values)
    return tuple(dict.fromkeys(choice(name, value, known) for value in listed))


def texts(name: str, values: Iterable[str]) -> tuple[str, ...]:
    """Return `values` as a tuple of non-empty texts; one text alone counts as one value."""
    listed = (values,) if isinstance(values, str) else tuple(values)
    for value in listed:
        if not isinstance(value, str) or not value:
            msg = f"{name} must hold non-empty texts, got {value!r:.60}"
            raise TypeError(msg) if not isinstance(value, str) else ValueError(msg)
    return listed


def plain(value: Any) -> Any:
    """Return Python's own value for a scalar of numpy or torch; any other value as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


class Settings:
    """A frozen dataclass of settings; numbers of numpy or torch become Python's own."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Replace such numbers; a subclass calls this before it checks its values."""
        for each in fields(self):  # type: ignore[arg-type] # a subclass is a dataclass
            object.__setattr__(self, each.name, plain(getattr(self, each.name)))


def whole(name: str, value: int, *, least: int, most: int | None = None) -> int:
    """Return `value` if it is a whole number >= least, and <= most if given; otherwise raise."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, int):
        msg = f"{name} must be a whole number, got {value!r}"
        raise TypeError(msg)
    if value < least:
        msg = f"{name} must be at least {least}, got {value}"
        raise ValueError(msg)
    if most is not None and value > most:
        msg = f"{name} must be at most {most}, got {value}"
        raise ValueError(msg)
    return value


def within(name: str, value: float, low: float, high: float) -> float:
    """Return `value` if low <= value <= high; NaN and everything outside raise."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        msg = f"{name} must be a number, got {value!r}"
        raise TypeError(msg)
    if not low <= value <= high:
        msg = f"{name} must be between {low:g} and {high:g}, got {value!r}"
        raise ValueError(msg)
    return value


def template(name: str, value: str, *, slot: str) -> str:
    """Return `value` if it is a format string whose only field is a plain `slot`; else raise."""
    if not isinstance(value, str):
        msg = f"{name} must be text with {{{slot}}} in it, got {value!r}"
        raise TypeError(msg)
    try:
        found = {tuple(parts) for _, *parts in Formatter().parse(value) if parts[0] is not None}
    except ValueError:
        found = set()
    if found != {(slot, "", None)}:  # name, format, conversion
        msg = (
            f"{name} must contain {{{slot}}} and no other "
            f"braces (write {{{{ for one), got {value!r}"
        )
        raise ValueError(msg)
    return value
