"""The binary wire: numpy arrays as contiguous little-endian buffers, the rest as strict JSON.

A dtype outside `DTYPES` is an error, never a silent cast: the browser would read garbage.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPES = ("float32", "uint8", "uint16", "uint32", "int32")

Array = NDArray[Any]
Header = dict[str, Any]


def float32(values: Any) -> NDArray[np.float32]:
    """Return numbers, or a torch tensor on the CPU, as a contiguous float32 array."""
    return np.ascontiguousarray(np.asarray(values, dtype=np.float32))


def uint32(values: Any) -> NDArray[np.uint32]:
    """Return non-negative whole numbers as a contiguous uint32 array.

    Raises:
        ValueError: a value is negative, fractional or too large.
    """
    array = np.asarray(values)
    if array.size and (
        array.min() < 0 or array.max() > np.iinfo(np.uint32).max or np.any(array != np.floor(array))
    ):
        span = f"{array.min()} to {array.max()}"
        msg = f"expected whole numbers in [0, 2**32), got values from {span}"
        raise ValueError(msg)
    return np.ascontiguousarray(array.astype(np.uint32))


def pack(arrays: Mapping[str, Array]) -> tuple[list[Header], list[memoryview]]:
    """Return one header {name, dtype, shape} and one buffer per array, in the same order.

    Raises:
        TypeError: something is not an array of a known dtype.
    """
    headers = []
    buffers = []
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray) or array.dtype.name not in DTYPES:
            found = array.dtype.name if isinstance(array, np.ndarray) else type(array).__name__
            msg = f"array {name!r} is {found}; the wire carries {', '.join(DTYPES)}"
            raise TypeError(msg)
        plain = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
        headers.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape)})
        buffers.append(plain.reshape(-1).view(np.uint8).data)
    return headers, buffers


def unpack(headers: Sequence[Header], buffers: Sequence[Any]) -> dict[str, Array]:
    """Return the arrays that `pack` wrote.

    Raises:
        ValueError: a header and its buffer disagree, or the dtype is unknown.
    """
    arrays = {}
    for header, buffer in zip(headers, buffers, strict=True):
        dtype = header["dtype"]
        shape = tuple(header["shape"])
        if dtype not in DTYPES:
            accepted = ", ".join(DTYPES)
            msg = f"array {header['name']!r} has dtype {dtype!r}; the wire carries {accepted}"
            raise ValueError(msg)
        flat = np.frombuffer(buffer, dtype=np.dtype(dtype).newbyteorder("<"))
        if flat.size != math.prod(shape):
            msg = f"array {header['name']!r} of shape {shape} came with {flat.size} values"
            raise ValueError(msg)
        arrays[header["name"]] = flat.reshape(shape).astype(dtype)
    return arrays


def pack_text(arrays: Mapping[str, Array]) -> list[Header]:
    """Return the headers with their buffers as base64 text, for a page that has no kernel."""
    headers, buffers = pack(arrays)
    coded = (base64.b64encode(buffer).decode("ascii") for buffer in buffers)
    return [{**header, "base64": text} for header, text in zip(headers, coded, strict=True)]


def clean(value: Any) -> Any:
    """Return JSON-ready data: lone surrogates become U+FFFD, non-finite numbers become None.

    UTF-8 refuses the former and strict JSON the latter, and a refused message would be lost
    silently. Numpy's numbers and arrays become Python's.
    """
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {clean(str(key)): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return clean(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
