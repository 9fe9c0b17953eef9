"""The result of a comparison: landmarks against the whole context, with everything needed to
recompute it.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.points import FloatArray, IntArray

SCHEMA = "warpviz.comparison/1"
DEFINITIONS = {
    "bottleneck": "bottleneck distance of the Rips diagrams of the whole cloud and of the landmarks; ground norm "
    "L-infinity, endless bars dropped; read it beside the radius: landmarks huddled in one place can be near in H0",
    "wasserstein": "Wasserstein-1 with ground norm L-infinity, divided by the cost of sending every bar of both "
    "diagrams to the diagonal: 0 equal, 1 nothing worth matching",
    "radius": "Hausdorff distance of cloud and landmarks: the largest distance from a point to its nearest landmark",
    "bound": "2 x radius: the bottleneck distance can never exceed it",
    "null": "random landmark sets of the same size: each keeps the last `recent` tokens, as every policy must, and "
    "draws the rest uniformly with numpy's default_rng([seed, num_landmarks]); no spread where no rest is left",
    "certified": "landmark bars longer than 2 x radius: each has a partner in the whole cloud's diagram",
    "skip": "the first `skip` tokens (attention sinks, outlying norms) are in neither cloud; indices count all tokens",
}
PLAIN = (
    "model",
    "checksum",
    "layer",
    "space",
    "head",
    "tokens",
    "seed",
    "num_null",
    "alpha",
    "skip",
    "recent",
    "max_dim",
    "intrinsic_dimension",
    "versions",
    "definitions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy at one k in one homology dimension; lengths are in the units of the points."""

    k: int
    policy: str
    dim: int
    bottleneck: float
    wasserstein: float
    radius: float
    bound: float
    null_mean: float | None
    null_std: float | None
    null_low: float | None = None
    null_high: float | None = None
    null_radius_mean: float | None = None
    null_radius_std: float | None = None
    num_landmarks: int = 0
    num_bars: int = 0
    num_bars_full: int = 0
    num_certified: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Rows, and what they were computed from.

    `points` float32 [n, P] are the tokens compared (sinks left out, thinned if there were too
    many), `used` int64 [n] their token indices; `landmarks[policy][k]` int64 are sorted token
    indices, sinks included; `full[dim]` and `diagrams[policy][k][dim]` float64 [B, 2] the bars.
    `tokens` counts the whole context.
    """

    rows: tuple[Row, ...]
    model: str
    checksum: str
    layer: int | None
    space: str
    head: int | str | None
    tokens: int
    token_texts: tuple[str, ...]
    seed: int
    num_null: int
    alpha: float | None
    skip: int
    recent: int
    max_dim: int
    intrinsic_dimension: dict[str, float | None]
    versions: dict[str, str]
    points: NDArray[np.float32]
    used: IntArray
    landmarks: dict[str, dict[int, IntArray]]
    full: dict[int, FloatArray]
    diagrams: dict[str, dict[int, dict[int, FloatArray]]]
    notes: tuple[str, ...] = ()
    definitions: dict[str, str] = field(default_factory=lambda: dict(DEFINITIONS))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Comparison):
            return NotImplemented
        mine = self.arrays()
        theirs = other.arrays()
        same = self.to_record() == other.to_record() and mine.keys() == theirs.keys()
        return same and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]  # it holds arrays

    @property
    def ks(self) -> tuple[int, ...]:
        """The landmark counts compared, ascending."""
        return tuple(sorted({row.k for row in self.rows}))

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies compared, in the order asked for."""
        return tuple(self.landmarks)

    def select(
        self, *, policy: str | None = None, k: int | None = None, dim: int | None = None
    ) -> list[Row]:
        """Return the rows that agree with every value given."""
        wanted = {"policy": policy, "k": k, "dim": dim}
        return [
            row
            for row in self.rows
            if all(v is None or getattr(row, n) == v for n, v in wanted.items())
        ]

    def chance(self, dim: int) -> list[Row]:
        """Return one row per k whose null model is drawn at that size; of "all" each draw is the
        whole cloud.
        """
        sized = [policy for policy in self.policies if policy != "all"] or self.policies
        return [row for row in self.select(policy=sized[0], dim=dim) if row.null_low is not None]

    def to_record(self, *, points: str = "comparison_points.npz") -> dict[str, Any]:
        """Return everything but the arrays as JSON-ready values; `points` is the relative path of
        the arrays.
        """
        marks = [
            {"policy": policy, "k": k, "indices": indices.tolist()}
            for policy, by_k in self.landmarks.items()
            for k, indices in by_k.items()
        ]
        return {
            "schema": SCHEMA,
            **{name: getattr(self, name) for name in PLAIN},
            "num_points": len(self.points),
            "points": points,
            "notes": list(self.notes),
            "rows": [asdict(row) for row in self.rows],
            "landmarks": marks,
            "token_texts": list(self.token_texts),
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays under the names they have in the npz."""
        named: dict[str, NDArray[Any]] = {"points": self.points, "used": self.used}
        named.update({f"full_h{dim}": bars for dim, bars in self.full.items()})
        for policy, by_k in self.landmarks.items():
            for k, indices in by_k.items():
                named[f"landmarks_{policy}_{k}"] = indices
                named.update(
                    {
                        f"bars_{policy}_{k}_h{d}": bars
                        for d, bars in self.diagrams[policy][k].items()
                    }
                )
        return named

    def save(self, folder: Path | str) -> dict[str, Path]:
        """Write comparison.json, .csv, .html, .svg and comparison_points.npz into `folder`; return
        their paths.
        """
        from warpviz.topology.comparison.export import save_comparison

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
        marks: dict[str, dict[int, IntArray]] = {}
        bars: dict[str, dict[int, dict[int, FloatArray]]] = {}
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
        msg = f"{path} is not a comparison: 'points' must name a file beside it, got {name[:60]!r}"
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
