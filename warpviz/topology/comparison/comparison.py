"""A comparison that can be saved and loaded again."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.comparison.export import save_comparison
from warpviz.topology.comparison.results import SCHEMA, Results, Row


class Comparison(Results):
    """Landmarks against the whole context, as `compare` measures them and `save` writes them."""

    __slots__ = ()

    def save(self, folder: Path | str) -> dict[str, Path]:
        """Write comparison.json, .csv, .html, .svg and comparison_points.npz; return the paths."""
        return save_comparison(self, Path(folder))


def from_record(record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Comparison:
    """Return the comparison that a JSON record and its arrays describe.

    Raises:
        ValueError: another schema, or something is missing.
    """
    if record.get("schema") != SCHEMA:
        msg = f"not a comparison of schema {SCHEMA!r}: found {str(record.get('schema'))[:60]!r}"
        raise ValueError(msg)
    try:
        dims = range(int(record["max_dim"]) + 1)
        rows = tuple(Row(**row) for row in record["rows"])
        marks: dict[str, dict[int, NDArray[Any]]] = {}
        bars: dict[str, dict[int, dict[int, NDArray[Any]]]] = {}
        for mark in record["landmarks"]:
            policy = mark["policy"]
            k = int(mark["k"])
            marks.setdefault(policy, {})[k] = arrays[f"landmarks_{policy}_{k}"]
            bars.setdefault(policy, {})[k] = {
                dim: arrays[f"bars_{policy}_{k}_h{dim}"] for dim in dims
            }
        full = {dim: arrays[f"full_h{dim}"] for dim in dims}
        derived: dict[str, Any] = {
            "rows": rows,
            "points": arrays["points"],
            "used": arrays["used"],
            "landmarks": marks,
            "full": full,
            "diagrams": bars,
            "notes": tuple(record["notes"]),
            "token_texts": tuple(record["token_texts"]),
        }
        names = [f.name for f in fields(Comparison) if f.name not in derived]
        return Comparison(**{name: record[name] for name in names}, **derived)
    except (KeyError, TypeError) as error:
        msg = f"the comparison is incomplete: {error}"
        raise ValueError(msg) from error


def load_comparison(path: Path | str) -> Comparison:
    """Read what `Comparison.save` wrote: a folder, or the path of its comparison.json.

    Raises:
        ValueError: not a comparison, or its arrays are damaged, lie outside its folder, or belong
            to another comparison.
    """
    path = Path(path)
    path = path / "comparison.json" if path.is_dir() else path
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        msg = f"{path} is not JSON: {error}"
        raise ValueError(msg) from error
    name = str(record.get("points", "")) if isinstance(record, dict) else ""
    if not name or Path(name).name != name:
        why = f"'points' must name a file in its folder, got {name[:60]!r}"
        msg = f"{path} is not a comparison: {why}"
        raise ValueError(msg)
    try:
        with (path.parent / name).open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except (EOFError, zipfile.BadZipFile) as error:
        msg = f"{path.parent / name} is damaged: {error}"
        raise ValueError(msg) from error
    if record.get("points_sha256", digest) != digest:  # version 0.1 wrote none
        msg = f"{path.parent / name} does not belong to {path.name}: it is of another comparison"
        raise ValueError(msg)
    return from_record(record, arrays)
