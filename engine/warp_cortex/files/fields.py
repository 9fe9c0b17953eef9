"""The values of JSON fields, each checked against the type it should have."""

import math
from collections.abc import Callable
from typing import Any

# returns the value of a field, or raises ValueError if it does not fit
Reader = Callable[[Any], Any]


def read_field(kind: Any, value: Any) -> Any:
    """Return the value of a field of the type `kind`, one of `READERS`.

    None is read as NaN where a number belongs, for JSON has none. A truth value is no number.

    Raises:
        ValueError: the value is of another type, or a whole number of more than 64 bits.
    """
    return READERS[kind](value)


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
    dict[str, int]: _dict(_integer),
    dict[str, float]: _dict(_number),
    dict[str, list[float]]: _dict(_list(_number)),
    dict[str, str]: _dict(_exactly(str)),
    dict[str, Any]: _dict(lambda value: value),
}
