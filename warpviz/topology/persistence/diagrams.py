"""Persistence diagrams of a point cloud: Rips, witness (weak, strong, lazy) and alpha complexes.

Every value is a length (diameter-indexed: an edge enters a Rips complex at its length), so diagrams
of different complexes share one axis. Coefficients are Z/2. All engines used here are permissively
licensed: GUDHI's fork of Ripser, its simplex tree and its table-driven witness complexes are MIT,
SciPy's Delaunay triangulation is BSD; GUDHI's Euclidean witness, alpha and bottleneck modules,
which are GPL v3, are never called.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.hooks import Progress, ShouldStop, step
from warpviz.topology.persistence.alpha import alpha_bars
from warpviz.topology.persistence.rips import rips_bars, tidy
from warpviz.topology.persistence.witness import witness_bars
from warpviz.topology.points import (
    FloatArray,
    IntArray,
    cloud,
    farthest_sample,
    num_duplicates,
    one_of,
    rows,
    whole_number,
)

COMPLEXES = ("rips", "witness-weak", "witness-strong", "witness-lazy", "alpha")
ESSENTIAL = ("drop", "clamp")
MAX_POINTS = {0: 4096, 1: 2048, 2: 256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagrams:
    """Diagrams of one cloud: births and deaths per dimension, all finite.

    bars: float64 [B, 2] per dimension, longest first.
    essential: what became of bars that never end: "drop", or "clamp" to `threshold`.
    num_essential: how many of them there were, per dimension.
    used: int64 [n], the rows of the cloud the complex was built on: all, or a farthest-point
        subsample whose cover radius is `sample_radius`; for witness complexes, the landmarks.
    num_duplicates: points of the cloud that repeat an earlier one exactly.
    num_merged: further points that an alpha complex could not tell from a neighbour: nearer than
        `alpha.SEPARATE` of the extent.
    """

    bars: dict[int, FloatArray]
    complex: str = "rips"
    threshold: float | None = None
    essential: str = "drop"
    num_essential: dict[int, int] = field(default_factory=dict)
    num_points: int = 0
    num_duplicates: int = 0
    num_merged: int = 0
    used: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sample_radius: float = 0.0

    def __getitem__(self, dim: int) -> FloatArray:
        return self.bars[dim]

    @property
    def dims(self) -> tuple[int, ...]:
        """The homology dimensions, ascending."""
        return tuple(sorted(self.bars))

    @property
    def caption(self) -> str:
        """What the diagram shows and what it leaves out, in one line."""
        lost = sum(self.num_essential.values())
        verb = "dropped" if self.essential == "drop" else f"clamped to {self.threshold:.4g}"
        parts = [self.complex]
        if len(self.used) != self.num_points:
            parts.append(f"showing {len(self.used):,} of {self.num_points:,}")
        parts.append(f"{lost} never-ending bars {verb}")
        if self.num_duplicates:
            parts.append(f"{self.num_duplicates:,} duplicate points")
        if self.num_merged:
            parts.append(f"{self.num_merged:,} points merged with a too near neighbour")
        return ", ".join(parts)


def diagrams(
    points: ArrayLike,
    *,
    complex: str = "rips",  # noqa: A002  # the field's word, and a keyword users know
    max_dim: int = 1,
    threshold: float | None = None,
    essential: str | None = None,
    landmarks: ArrayLike | None = None,
    max_points: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Diagrams:
    """Return the persistence diagrams of `points` [N, P] in dimensions 0..`max_dim` (at most 2).

    `threshold` bounds the filtration (a length). Without one, a Rips complex runs until it is a
    cone, and its one endless bar is dropped; with one, endless bars are clamped to it unless
    `essential` says otherwise: clamping keeps the stability bound, dropping does not. Clouds above
    `max_points` are thinned by farthest points. Witness complexes are built on `landmarks`
    (default: 64 farthest points) with every point a witness, and always bounded.

    Raises:
        ValueError: an unknown complex, a bad dimension, threshold, cloud or `max_points`.
        StoppedError: `should_stop` returned True between two stages; within a stage only a worker
            process can be stopped.
    """
    _check(complex, max_dim, threshold, essential)
    array = cloud(points)
    step(0.0, "choosing points", progress=progress, should_stop=should_stop)
    cap = MAX_POINTS[max_dim]
    if max_points is not None:
        cap = whole_number("max_points", max_points, least=1)
    used, radius = _chosen(array, complex, landmarks, cap)
    what = f"{complex} complex on {len(used):,} points"
    step(0.1, what, progress=progress, should_stop=should_stop)
    merged = 0
    bound = threshold
    if complex == "rips":
        raw = rips_bars(array[used], max_dim=max_dim, threshold=threshold)
    elif complex == "alpha":
        raw, merged = alpha_bars(array[used], max_dim=max_dim, threshold=threshold)
        merged = max(0, merged - num_duplicates(array[used]))
    else:
        raw, bound = witness_bars(array, used, kind=complex, max_dim=max_dim, threshold=threshold)
    step(1.0, "done", progress=progress, should_stop=should_stop)
    rule = essential or ("drop" if bound is None else "clamp")
    end = bound if rule == "clamp" else None
    return Diagrams(
        bars={dim: tidy(bars, clamp=end) for dim, bars in raw.items()},
        complex=complex,
        threshold=bound,
        essential=rule,
        num_essential={dim: int(np.isinf(bars[:, 1]).sum()) for dim, bars in raw.items()},
        num_points=len(array),
        num_duplicates=num_duplicates(array),
        num_merged=merged,
        used=used,
        sample_radius=radius,
    )


def _chosen(
    array: FloatArray, kind: str, landmarks: ArrayLike | None, cap: int
) -> tuple[IntArray, float]:
    if kind.startswith("witness") and landmarks is not None:
        chosen = rows(landmarks, num_points=len(array))
        if not chosen.size:
            msg = f"complex {kind!r} needs at least one landmark, got none"
            raise ValueError(msg)
        return chosen, 0.0
    if landmarks is not None:
        msg = f"landmarks are for witness complexes only, got complex {kind!r}"
        raise ValueError(msg)
    count = min(64, cap) if kind.startswith("witness") else cap
    if len(array) <= count:
        return np.arange(len(array), dtype=np.int64), 0.0
    sample = farthest_sample(array, count)
    return np.sort(sample.order), sample.radius


def _check(kind: str, max_dim: int, threshold: float | None, essential: str | None) -> None:
    one_of("complex", kind, COMPLEXES)
    if essential is not None:
        one_of("essential", essential, ESSENTIAL)
    if max_dim not in MAX_POINTS:
        msg = f"max_dim must be one of {sorted(MAX_POINTS)}, got {max_dim!r}"
        raise ValueError(msg)
    if threshold is not None and not 0 < threshold < np.inf:
        msg = f"threshold must be a positive length, got {threshold!r}"
        raise ValueError(msg)
    if essential == "clamp" and threshold is None and kind in {"rips", "alpha"}:
        msg = "essential 'clamp' needs a threshold to clamp to"
        raise ValueError(msg)
