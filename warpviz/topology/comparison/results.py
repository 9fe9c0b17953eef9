"""What a comparison found: landmarks against the whole context, with all that recomputes it."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.points import FloatArray, IntArray

SCHEMA = "warpviz.comparison/1"
DEFINITIONS = {
    "bottleneck": "bottleneck distance of the Rips diagrams of the whole cloud and of the "
    "landmarks; ground norm L-infinity, endless bars dropped; read it together with the radius: "
    "landmarks huddled in one place can be near in H0",
    "wasserstein": "Wasserstein-1 with ground norm L-infinity, divided by the cost of sending "
    "every bar of both diagrams to the diagonal: 0 equal, 1 nothing worth matching",
    "radius": "cover radius: the largest distance from a token after the first `skip` to its "
    "nearest landmark after them; over all tokens, even where the cloud is thinned",
    "bound": "2 x radius: the bottleneck distance can never exceed it",
    "null": "random landmark sets of the same size: each keeps the last `recent` tokens, as every "
    "policy must, and draws the rest uniformly with numpy's default_rng([seed, num_landmarks]); "
    "no spread where no rest is left; their radius is that of the cloud compared",
    "certified": "landmark bars longer than 2 x radius: each has a partner in the diagram of the "
    "whole cloud",
    "skip": "the first `skip` tokens (attention sinks, outlying norms) are in neither cloud; "
    "indices count all tokens",
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
class Results:
    """Rows, and what they were computed from.

    points: float32 [n, P], the tokens compared: sinks left out, thinned if there were too many.
    used: int64 [n], their token indices.
    landmarks: by policy and k, int64 [k], sorted token indices, sinks included.
    full: by dimension, float64 [B, 2], the bars of the whole cloud.
    diagrams: by policy, k and dimension, float64 [B, 2], the bars of the landmarks.
    tokens: how many the whole context has.
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
        if not isinstance(other, Results):
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
        """Return one row per k with its null model, not of "all": its draws are the whole cloud."""
        sized = [policy for policy in self.policies if policy != "all"] or self.policies
        return [row for row in self.select(policy=sized[0], dim=dim) if row.null_low is not None]

    def to_record(self, *, points: str = "comparison_points.npz") -> dict[str, Any]:
        """Return all but the arrays, ready for JSON; `points` is the file name of the arrays."""
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
                bars = self.diagrams[policy][k]
                named.update({f"bars_{policy}_{k}_h{dim}": bars[dim] for dim in bars})
        return named
