"""A comparison as files: JSON and npz to compute with, a table, a picture and an HTML page."""

import csv
import hashlib
import io
import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from warp_cortex import write_files

from warpviz.characters import for_csv
from warpviz.topology.comparison.page import page
from warpviz.topology.comparison.picture import whole_picture
from warpviz.topology.comparison.results import Results, Row

POINTS = "comparison_points.npz"
ORIGIN = (
    "model",
    "checksum",
    "tokens",
    "layer",
    "space",
    "head",
    "alpha",
    "skip",
    "recent",
    "seed",
    "num_null",
)


def save_comparison(comparison: Results, folder: Path) -> dict[str, Path]:
    """Write the five files into `folder`, all or none, and return their paths by kind.

    The same comparison gives the same bytes. The JSON holds the digest of the npz, so that files of
    two comparisons are never read as one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays = npz_bytes(comparison.arrays())
    digest = hashlib.sha256(arrays).hexdigest()
    contents = {
        "comparison.json": json_text(comparison, points_sha256=digest).encode("ascii"),
        "comparison.csv": csv_text(comparison).encode("utf-8", "replace"),
        "comparison.svg": whole_picture(comparison).encode("utf-8"),
        "comparison.html": page(comparison).encode("utf-8"),
        POINTS: arrays,
    }
    write_files({folder / name: data for name, data in contents.items()})
    return {Path(name).suffix[1:]: folder / name for name in contents}


def json_text(comparison: Results, *, points_sha256: str | None = None) -> str:
    """Return the record as strict JSON in ASCII: no NaN; a lone surrogate of a token is escaped.

    points_sha256: the digest of the file of arrays, where one is written.
    """
    record = comparison.to_record(points=POINTS)
    if points_sha256 is not None:
        record["points_sha256"] = points_sha256
    return json.dumps(record, ensure_ascii=True, allow_nan=False, indent=1) + "\n"


def csv_text(comparison: Results) -> str:
    """Return the rows as CSV in full precision; no null model, or all layers, is an empty cell.

    What the rows come from follows as columns, the same in every row: tables of several comparisons
    can be joined, and no reader has to know of a comment line.
    """
    out = io.StringIO()
    versions = " ".join(
        f"{name}={version}" for name, version in sorted(comparison.versions.items())
    )
    origin = {**{name: getattr(comparison, name) for name in ORIGIN}, "versions": versions}
    writer = csv.DictWriter(out, [*(f.name for f in fields(Row)), *origin], lineterminator="\n")
    writer.writeheader()
    for row in comparison.rows:
        cells = {**asdict(row), **origin}
        writer.writerow({name: for_csv(cell) for name, cell in cells.items()})
    return out.getvalue()


def npz_bytes(arrays: dict[str, NDArray[Any]]) -> bytes:
    """Return the arrays as an npz, names sorted; its bytes depend on the arrays alone."""
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return out.getvalue()
