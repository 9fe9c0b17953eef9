"""Reading files that a stranger may have made: bounded time and memory, and one kind of error.

Only regular files are opened, so that no pipe or device can block or never end. Sizes are checked
before anything is read, unpacked or allocated; nothing is unpickled.
"""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

MOST_TEXT = 1 << 30  # bytes
MOST_JSON = 1 << 26
MOST_DEPTH = 64  # levels of lists and objects
MOST_DIGITS = 4300  # of a whole number, as Python's own limit, which can be switched off
MOST_VALUES = 1 << 20  # of one JSON text: an empty list takes 64 bytes
MOST_PATH = 90  # characters shown of a path
MOST_REASON = 200

KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class UnreadableFileError(ValueError):
    """A file is not what its name promises; the message is one line that names it."""


def unreadable(path: Path | str, reason: object) -> UnreadableFileError:
    """Return the error for a file, in one line under 300 characters.

    reason: what follows the path, such as "is not JSON". Line breaks and characters that are not
    printed are escaped; the front of a long path and the end of a long reason are left out.
    """
    name = _plain(str(path))
    words = _plain(str(reason))
    name = name if len(name) <= MOST_PATH else f"...{name[3 - MOST_PATH :]}"
    words = words if len(words) <= MOST_REASON else f"{words[: MOST_REASON - 3]}..."
    return UnreadableFileError(f"{name} {words}")


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def open_regular(path: Path | str, *, most_bytes: int) -> int:
    """Return the descriptor of a regular file of at most `most_bytes`, open for reading.

    Raises:
        FileNotFoundError: there is none.
        UnreadableFileError: it is no regular file, too large, or may not be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _check(path, Path(path).stat(), most_bytes)  # opening a device can already do something
        handle = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, f"cannot be read: {error.strerror or error}") from error
    except UnreadableFileError:
        raise
    except ValueError as error:  # a path with a NUL
        raise unreadable(path, f"cannot be read: {error}") from error
    try:
        _check(path, os.fstat(handle), most_bytes)  # it may have been replaced since
    except UnreadableFileError:
        os.close(handle)
        raise
    return handle


def _check(path: Path | str, found: os.stat_result, most_bytes: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        what = next((name for test, name in KINDS if test(found.st_mode)), "something else")
        raise unreadable(path, f"is {what}, not a regular file")
    if found.st_size > most_bytes:
        sizes = f"{found.st_size:,} bytes; at most {most_bytes:,} are read"
        raise unreadable(path, f"is too large: {sizes}")


def read_bytes(path: Path | str, *, most_bytes: int = MOST_TEXT) -> bytes:
    """Return the bytes of a regular file of at most `most_bytes`.

    Raises:
        FileNotFoundError: there is none.
        UnreadableFileError: it is no regular file, too large, or may not be read.
    """
    with os.fdopen(open_regular(path, most_bytes=most_bytes), "rb") as file:
        try:
            data = file.read(most_bytes + 1)
        except OSError as error:
            raise unreadable(path, f"cannot be read: {error.strerror or error}") from error
    if len(data) > most_bytes:  # it grew, or is a file of /proc, which has no size
        raise unreadable(path, f"is too large: at most {most_bytes:,} bytes are read")
    return data


def read_text(path: Path | str, *, most_bytes: int = MOST_TEXT, encoding: str = "utf-8") -> str:
    """Return the text of a regular file; errors as `read_bytes`, or it is not text."""
    data = read_bytes(path, most_bytes=most_bytes)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is 0x{data[error.start]:02x}"
        raise unreadable(path, f"is not UTF-8 text: {found}") from error


def read_json(path: Path | str, *, most_bytes: int = MOST_JSON) -> Any:
    """Return the value of a JSON file; errors as `read_text`, or as `parse_json`."""
    return parse_json(read_text(path, most_bytes=most_bytes), path)


def read_object(path: Path | str, *, most_bytes: int = MOST_JSON) -> dict[str, Any]:
    """Return the object of a JSON file; errors as `read_json`, or it is another value."""
    found = read_json(path, most_bytes=most_bytes)
    if not isinstance(found, dict):
        raise unreadable(path, "is not a JSON object")
    return found


def parse_json(text: str, path: Path | str, *, where: str = "") -> Any:
    """Return the value of a JSON text of the file at `path`; `where` is added to its name.

    Raises:
        UnreadableFileError: not JSON, nested too deeply, too many values, or a whole number of too
            many digits.
    """
    name = f"{path}{where}"
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise unreadable(name, f"holds more than {MOST_VALUES:,} values")
    try:
        value = json.loads(text, parse_int=_whole_number)
    except RecursionError as error:
        raise unreadable(name, _too_deep()) from error
    except ValueError as error:
        raise unreadable(name, f"is not JSON: {error}") from error
    if text.count("[") + text.count("{") > MOST_DEPTH and _is_deep(value):
        raise unreadable(name, _too_deep())
    return value


def _too_deep() -> str:
    return f"is not JSON of at most {MOST_DEPTH} levels of lists and objects"


def _is_deep(value: Any) -> bool:
    """Return whether lists and objects are nested too deeply; one level at a time, no recursion."""
    level = [value]
    for _ in range(MOST_DEPTH):
        lists = [item for item in level if isinstance(item, list)]
        objects = [item for item in level if isinstance(item, dict)]
        if not lists and not objects:
            return False
        level = [child for item in lists for child in item]
        level += [child for item in objects for child in item.values()]
    return any(isinstance(item, (list, dict)) for item in level)


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        msg = f"a whole number of {len(digits):,} digits"
        raise ValueError(msg)
    return int(digits)
