"""Messages between two processes of one machine: a JSON record and its arrays; no pickles.

A message is two lengths in bytes, the record, and the arrays as safetensors.
"""

import json
import struct
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

LENGTHS = struct.Struct("<QQ")

Arrays = dict[str, NDArray[Any]]


def send(stream: IO[bytes], record: dict[str, Any], arrays: Arrays | None = None) -> None:
    """Write one message; numpy has no bfloat16, which `codec` sends as its bits."""
    text = json.dumps(record).encode()
    blob = (
        save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
        if arrays
        else b""
    )
    stream.write(LENGTHS.pack(len(text), len(blob)) + text + blob)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], Arrays] | None:
    """Read one message; None when the other side has ended, even in the middle of a message."""
    head = stream.read(LENGTHS.size)
    if len(head) < LENGTHS.size:
        return None
    size, rest = LENGTHS.unpack(head)
    text = stream.read(size)
    blob = stream.read(rest)
    if len(text) < size or len(blob) < rest:
        return None
    return json.loads(text), (load(blob) if blob else {})
