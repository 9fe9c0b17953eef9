"""Messages between two processes of one machine: a JSON record and its arrays; no pickles.

A message is a head of fixed size, the record, and the arrays as safetensors. The head holds a mark,
both lengths in bytes, the CRC-32 of what follows, and at last its own: a damaged length would make
the reader wait for bytes that never come.
"""

import json
import struct
from typing import IO, Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from warp_cortex.files.reading import UnreadableFileError, parse_json, unreadable

HEAD = struct.Struct("<4sQQI")
CHECK = struct.Struct("<I")
MARK = b"WRP1"
NAME = "a message between processes"

Arrays = dict[str, NDArray[Any]]


def send(stream: IO[bytes], record: dict[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message; numpy has no bfloat16, which `codec` sends as its bits."""
    text = json.dumps(record).encode()
    blob = (
        save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        if arrays
        else b""
    )
    head = HEAD.pack(MARK, len(text), len(blob), crc32(blob, crc32(text)))
    stream.write(head + CHECK.pack(crc32(head)) + text + blob)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], Arrays] | None:
    """Read one message; None when the other side has ended, even in the middle of a message.

    Raises:
        UnreadableFileError: what came is no message, or a damaged one; nothing behind it can be
            read either.
    """
    head = stream.read(HEAD.size)
    check = stream.read(CHECK.size)
    if len(check) < CHECK.size:
        return None
    mark, size, rest, expected = HEAD.unpack(head)
    if mark != MARK or check != CHECK.pack(crc32(head)):
        raise unreadable(NAME, f"is damaged: it begins with {head[:8]!r}")
    text = stream.read(size)
    blob = stream.read(rest)
    if len(text) < size or len(blob) < rest:
        return None
    if crc32(blob, crc32(text)) != expected:
        raise unreadable(
            NAME, f"is damaged: its {size + rest:,} bytes are not those that were sent"
        )
    return _read(text, blob)


def _read(text: bytes, blob: bytes) -> tuple[dict[str, Any], Arrays]:
    try:
        record = parse_json(text.decode(), NAME)
        arrays = load(blob) if blob else {}
    except UnreadableFileError:
        raise
    except (ValueError, SafetensorError, KeyError) as error:  # KeyError: a dtype numpy lacks
        raise unreadable(NAME, f"cannot be read: {error}") from error
    if not isinstance(record, dict):
        raise unreadable(NAME, "is not a JSON object")
    return record, arrays
