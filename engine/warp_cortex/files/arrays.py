"""Reading an npz that a stranger may have made, without trusting a size that it claims.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, and APPNOTE.TXT of
PKWARE for zip files. numpy's own reader unpacks whatever the file asks for.
"""

import math
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from warp_cortex.files.reading import UnreadableFileError, open_regular, unreadable

MOST_ARRAYS_BYTES = (1 << 31) - 1  # larger files have another end record
MOST_GROWTH = 1 << 26  # bytes that unpacking may add to the file's size
MOST_INDEX = 1 << 20  # bytes of the list of members
MOST_HEADER = 1 << 12
BLOCK = 1 << 20
NUMBERS = "fiu"  # numpy's kinds: float, signed and unsigned whole numbers
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1
END = struct.Struct("<4s4H2LH")  # signature, 4 counts, size and place of the index, comment
END_MARK = b"PK\x05\x06"
LOCATOR_BYTES = 20
LOCATOR_MARK = b"PK\x06\x07"
MAGIC = b"\x93NUMPY"
HEADER = re.compile(
    rb"\{'descr': '([<>|=][a-zA-Z]\d{1,4})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:\d{1,15}, ?){0,31}(?:\d{1,15})?)\), ?\}\s*"
)
NAME = re.compile(r"[^/\\\x00-\x1f]{1,120}\.npy")
# what zipfile and numpy raise on damaged bytes
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_arrays(
    path: Path | str,
    *,
    refusal: str = "is damaged",
    kinds: str = NUMBERS,
    most_bytes: int = MOST_ARRAYS_BYTES,
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz, stored or deflated, by name; nothing is unpickled.

    refusal: what an error says of the file, before the reason. kinds: numpy's letters of the kinds
    of dtype that are accepted. Together the arrays have at most 64 MiB more than the file.

    Raises:
        FileNotFoundError: there is no file.
        UnreadableFileError: it is no regular file, too large, damaged, or packed in another way.
    """
    try:
        with os.fdopen(open_regular(path, most_bytes=most_bytes), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            _check_end(file, size)
            with zipfile.ZipFile(file) as archive:
                members = _members(archive, size)
                return {name: _array(archive, info, kinds) for name, info in members.items()}
    except (UnreadableFileError, FileNotFoundError):
        raise
    except DAMAGED as error:
        why = str(error) or type(error).__name__
        raise unreadable(path, f"{refusal}: {why}") from error


def _check_end(file: IO[bytes], size: int) -> None:
    """Raise a ValueError unless the end record is a plain one with an index of bounded size."""
    if size < END.size:
        msg = f"it has {size} bytes"
        raise ValueError(msg)
    tail = min(size, END.size + LOCATOR_BYTES)
    file.seek(size - tail)
    last = file.read(tail)
    mark, *_, index_bytes, _, comment = END.unpack(last[-END.size :])
    if mark != END_MARK or comment:
        msg = "its end is missing"
        raise ValueError(msg)
    if last.startswith(LOCATOR_MARK) or index_bytes > MOST_INDEX:
        msg = "its list of members is too large"
        raise ValueError(msg)
    file.seek(0)


def _members(archive: zipfile.ZipFile, size: int) -> Mapping[str, zipfile.ZipInfo]:
    """Return the members by the names of their arrays; raise a ValueError for a hostile packing."""
    infos = archive.infolist()
    members = {info.filename.removesuffix(".npy"): info for info in infos}
    for info in infos:
        if not NAME.fullmatch(info.filename):
            msg = f"its member {info.filename!r:.60} is not the name of an array"
            raise ValueError(msg)
        if info.compress_type not in PACKINGS or info.flag_bits & ENCRYPTED:
            msg = f"{info.filename!r:.60} is encrypted, or neither stored nor deflated"
            raise ValueError(msg)
    if len(members) != len(infos):
        msg = "two members have one name"
        raise ValueError(msg)
    unpacked = sum(info.file_size for info in infos)
    if unpacked > size + MOST_GROWTH:
        msg = f"its {size:,} bytes would become {unpacked:,}"
        raise ValueError(msg)
    return members


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, kinds: str) -> NDArray[Any]:
    name = info.filename.removesuffix(".npy")
    with archive.open(info) as member:
        dtype, shape, is_fortran, header_bytes = _header(member, name)
        if dtype.kind not in kinds:
            msg = f"{name!r:.60} is no array of {'numbers' if kinds == NUMBERS else 'that kind'}"
            raise ValueError(msg)
        if math.prod(shape) * dtype.itemsize != info.file_size - header_bytes:
            msg = f"{name!r:.60} has {info.file_size - header_bytes:,} bytes for shape {shape}"
            raise ValueError(msg)
        array = np.empty(shape[::-1] if is_fortran else shape, dtype)
        flat = array.reshape(-1).view(np.uint8) if array.nbytes else np.empty(0, np.uint8)
        target = memoryview(flat.data)
        done = 0
        while block := member.read(BLOCK):
            target[done : done + len(block)] = block
            done += len(block)
    if done != flat.nbytes:
        msg = f"{name!r:.60} ends after {done:,} of {flat.nbytes:,} bytes"
        raise ValueError(msg)
    return array.T if is_fortran else array


def _header(member: IO[bytes], name: str) -> tuple[np.dtype[Any], tuple[int, ...], bool, int]:
    """Return dtype, shape, whether the order is Fortran's, and the header's size in bytes."""
    head = member.read(8)
    width = 2 if head[6:7] == b"\x01" else 4
    length = int.from_bytes(member.read(width), "little")
    if not head.startswith(MAGIC) or length > MOST_HEADER:
        msg = f"{name!r:.60} is no numpy array"
        raise ValueError(msg)
    found = HEADER.fullmatch(member.read(length))
    if found is None:
        msg = f"{name!r:.60} is no plain array: objects, records and others are not read"
        raise ValueError(msg)
    shape = tuple(int(number) for number in found[3].split(b",") if number.strip())
    return np.dtype(found[1].decode()), shape, found[2] == b"True", 8 + width + length
