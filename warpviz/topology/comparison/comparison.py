"""A comparison that can be saved and loaded again."""

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from warp_cortex import read_arrays, read_field, read_object, unreadable

from warpviz.topology.comparison.export import save_comparison
from warpviz.topology.comparison.results import PLAIN, SCHEMA, Results, Row

MOST_DIM = 2
# the values of fields that have no type of `read_field`
HEADS = (int, str, type(None))
PAIR = 2  # birth and death
# a named array, and what it must be
Shape = tuple[int | None, ...]


class Comparison(Results):
    """Landmarks against the whole context, as `compare` measures them and `save` writes them."""

    __slots__ = ()

    def save(self, folder: Path | str) -> dict[str, Path]:
        """Write comparison.json, .csv, .html, .svg and comparison_points.npz; return the paths."""
        return save_comparison(self, Path(folder))


def from_record(record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Comparison:
    """Return the comparison that a JSON record and its arrays describe.

    Raises:
        ValueError: another schema, something is missing, of another type or shape, or rows, marks
            and arrays do not belong together.
    """
    if record.get("schema") != SCHEMA:
        msg = f"is not a comparison of schema {SCHEMA!r}: found {record.get('schema')!r:.60}"
        raise ValueError(msg)
    try:
        plain = _plain(record)
        rows = tuple(_row(row) for row in _field(record, "rows", list))
        dims = range(plain["max_dim"] + 1)
        marks: dict[str, dict[int, NDArray[Any]]] = {}
        bars: dict[str, dict[int, dict[int, NDArray[Any]]]] = {}
        for mark in _field(record, "landmarks", list):
            policy = _field(mark, "policy", str)
            k = _field(mark, "k", int)
            name = f"landmarks_{policy}_{k}"
            marks.setdefault(policy, {})[k] = _indices(arrays, name, plain["tokens"])
            bars.setdefault(policy, {})[k] = {
                dim: _bars(arrays, f"bars_{policy}_{k}_h{dim}") for dim in dims
            }
        found = Comparison(
            **plain,
            rows=rows,
            points=_numbers(arrays, "points", "f", (None, None)),
            used=_indices(arrays, "used", plain["tokens"]),
            landmarks=marks,
            full={dim: _bars(arrays, f"full_h{dim}") for dim in dims},
            diagrams=bars,
            notes=tuple(_field(record, "notes", list[str])),
            token_texts=tuple(_field(record, "token_texts", list[str])),
        )
    except KeyError as error:
        msg = f"is no comparison: it is incomplete: {error}"
        raise ValueError(msg) from error
    _check(found)
    return found


def _field(record: Any, name: str, kind: Any) -> Any:
    """Return a field of a type that `read_field` knows, or a list of anything."""
    if not isinstance(record, dict):
        msg = f"is no comparison: {record!r:.40} is no object"
        raise ValueError(msg)  # noqa: TRY004 - the file is wrong, not the caller's type
    value = record[name]
    try:
        if kind is not list:
            return read_field(kind, value)
        if isinstance(value, list):
            return value
    except ValueError:
        pass
    expected = getattr(kind, "__name__", kind) if isinstance(kind, type) else kind
    msg = f"is no comparison: {name} must be {expected}, got {value!r:.60}"
    raise ValueError(msg)


def _plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are neither rows nor arrays, each of its own type and finite."""
    types = get_type_hints(Results)
    found: dict[str, Any] = {}
    for name in PLAIN:
        if name == "intrinsic_dimension":
            numbers = _field(record, name, dict[str, Any])
            found[name] = {key: _field(numbers, key, float | None) for key in numbers}
        elif name == "head":
            if type(record[name]) not in HEADS:
                value = f"{record[name]!r:.60}"
                msg = f"is no comparison: head must be a number, a name or null, got {value}"
                raise ValueError(msg)
            found[name] = record[name]
        else:
            found[name] = _field(record, name, types[name])
        _finite(name, found[name])
    if not 0 <= found["max_dim"] <= MOST_DIM:
        msg = f"is no comparison: max_dim must be 0 to {MOST_DIM}, got {found['max_dim']}"
        raise ValueError(msg)
    return found


def _row(record: Any) -> Row:
    if not isinstance(record, dict):
        msg = f"is no comparison: a row must be an object, got {record!r:.60}"
        raise ValueError(msg)  # noqa: TRY004 - as above
    if unknown := sorted(set(record) - {field.name for field in fields(Row)}):
        msg = f"is no comparison: a row has unknown fields {unknown!r:.80}"
        raise ValueError(msg)
    types = get_type_hints(Row)
    values = {}
    for field in fields(Row):
        if field.name in record or field.default is MISSING:
            values[field.name] = _field(record, field.name, types[field.name])
            _finite(field.name, values[field.name])
    return Row(**values)


def _finite(name: str, value: Any) -> None:
    numbers = value.values() if isinstance(value, dict) else [value]
    if any(isinstance(number, float) and not np.isfinite(number) for number in numbers):
        msg = f"is no comparison: {name} must be finite, got {value!r:.60}"
        raise ValueError(msg)


def _numbers(
    arrays: Mapping[str, NDArray[Any]], name: str, kinds: str, shape: Shape
) -> NDArray[Any]:
    array = arrays[name]
    fits = array.ndim == len(shape) and all(
        size in (None, found) for size, found in zip(shape, array.shape, strict=True)
    )
    if array.dtype.kind not in kinds or not fits or not np.isfinite(array).all():
        msg = f"is no comparison: array {name!r:.60} is {array.dtype} {array.shape}, or not finite"
        raise ValueError(msg)
    return array


def _bars(arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    return _numbers(arrays, name, "f", (None, PAIR))


def _indices(arrays: Mapping[str, NDArray[Any]], name: str, num_tokens: int) -> NDArray[Any]:
    found = _numbers(arrays, name, "i", (None,))
    if found.size and not (found.min() >= 0 and found.max() < num_tokens):
        msg = f"is no comparison: {name!r:.60} must hold tokens from 0 to {num_tokens - 1}"
        raise ValueError(msg)
    return found


def _check(found: Comparison) -> None:
    """Raise a ValueError unless rows, marks, texts and points are of one comparison."""
    wrong = ""
    if len(found.used) != len(found.points):
        wrong = f"{len(found.points)} points have {len(found.used)} tokens"
    elif found.token_texts and len(found.token_texts) != found.tokens:
        wrong = f"{found.tokens} tokens have {len(found.token_texts)} texts"
    elif not found.rows or not found.landmarks:
        wrong = "it has no rows, or no landmarks"
    pairs = {(policy, k) for policy, by_k in found.landmarks.items() for k in by_k}
    wanted = {(policy, k, dim) for policy, k in pairs for dim in range(found.max_dim + 1)}
    if not wrong and sorted((row.policy, row.k, row.dim) for row in found.rows) != sorted(wanted):
        wrong = "its rows are not one for each policy, k and dimension of its landmarks"
    if wrong:
        msg = f"is no comparison: {wrong}"
        raise ValueError(msg)


def load_comparison(path: Path | str) -> Comparison:
    """Read what `Comparison.save` wrote: a folder, or the path of its comparison.json.

    Raises:
        FileNotFoundError: there is no comparison.
        UnreadableFileError: not a comparison, or its arrays are missing or damaged, lie outside
            its folder, or belong to another comparison.
    """
    path = Path(path)
    path = path / "comparison.json" if path.is_dir() else path
    record = read_object(path)
    name = str(record.get("points", ""))
    if not name or Path(name).name != name:
        why = f"'points' must name a file in its folder, got {name[:60]!r}"
        raise unreadable(path, f"is not a comparison: {why}")
    points = path.parent / name
    try:
        arrays = read_arrays(points)
    except FileNotFoundError as error:
        raise unreadable(path, f"names the file {name!r:.60}, which is not there") from error
    with points.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if record.get("points_sha256", digest) != digest:  # version 0.1 wrote none
        raise unreadable(points, f"does not belong to {path.name}: it is of another comparison")
    try:
        return from_record(record, arrays)
    except ValueError as error:
        raise unreadable(path, error) from error
