"""Ways to damage a file, chosen by a seed: the same seed gives the same file."""

import json
import random
import re
import zipfile
from io import BytesIO
from typing import Any

WORDS = (
    "null", "true", "-1", "0", "1e999", "NaN", "1" * 400, '"x"', '"\\ud800"', '"=1+1"', "[]", "{}",
    "[" * 90 + "]" * 90, "9223372036854775807", "0.1", '{"a":1}',
)  # fmt: skip
VALUE = re.compile(rb'-?\d+(?:\.\d+)?|"(?:[^"\\]|\\.)*"|true|false|null')


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes of a file, damaged in one of many ways."""
    ways = [_flip, _cut, _insert, _double, _swap]
    if data.startswith(b"PK"):
        ways += [_member, _member, _header, _pack]
    elif data[:1] in (b"{", b"["):
        ways += [_value, _value, _value, _key]
    return rng.choice(ways)(data, rng)


def _flip(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 4, 32))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data))]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 8, 300))) + data[at:]


def _double(data: bytes, rng: random.Random) -> bytes:
    first, last = sorted((rng.randrange(len(data)), rng.randrange(len(data))))
    return data[:last] + data[first:]


def _swap(data: bytes, rng: random.Random) -> bytes:
    places = sorted(rng.randrange(len(data)) for _ in range(3))
    first, second, third = places
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def _value(data: bytes, rng: random.Random) -> bytes:
    """Replace a JSON value, or the name of a field, by a value of any other kind."""
    found = rng.choice(list(VALUE.finditer(data)))
    return data[: found.start()] + rng.choice(WORDS).encode() + data[found.end() :]


def _key(data: bytes, rng: random.Random) -> bytes:
    """Remove a field of a JSON object, or of the first line of JSON Lines."""
    first, _, rest = data.partition(b"\n") if not data.startswith(b"{\n") else (data, b"", b"")
    try:
        record: Any = json.loads(first)
    except ValueError:
        return _value(data, rng)
    if isinstance(record, dict) and record:
        del record[rng.choice(sorted(record))]
    return json.dumps(record).encode() + b"\n" + rest


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: dict[str, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _member(data: bytes, rng: random.Random) -> bytes:
    """Remove, rename, exchange or damage one member; the archive around it is whole."""
    members = _members(data)
    name = rng.choice(sorted(members))
    other = rng.choice(sorted(members))
    way = rng.randrange(4)
    if way == 0:
        del members[name]
    elif way == 1:
        members[rng.choice(("../x.npy", "x", "x" * 200, name + "\n.npy"))] = members.pop(name)
    elif way == 2:
        members[name] = members[other]
    else:
        members[name] = _flip(members[name], rng)
    return _packed(members)


def _header(data: bytes, rng: random.Random) -> bytes:
    """Let an array claim another shape, kind or order; its bytes stay."""
    members = _members(data)
    name = rng.choice(sorted(members))
    change = rng.choice((
        (rb"'<f", b"'>f"), (rb"'<f4'", b"'|O8'"), (rb"'<i8'", b"'<f8'"), (rb"False", b"True "),
        (rb"\(\d", b"(9"), (rb"\(", b"(("), (rb"\(\d+, ?", b"("), (rb"'descr'", b"'descX'"),
    ))  # fmt: skip
    members[name] = re.sub(change[0], change[1], members[name], count=1)
    return _packed(members)


def _pack(data: bytes, rng: random.Random) -> bytes:
    """Pack the members in another way, with a bomb among them now and then."""
    members = _members(data)
    if rng.random() < 0.2:
        members[rng.choice(sorted(members))] = bytes(100 * 2**20)
    packing = rng.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    return _packed(members, packing)
