"""A context against its landmarks at any k: the comparison without its widget."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.comparison.measure import diagram
from warpviz.topology.comparison.null import null_model, spread
from warpviz.topology.hooks import StoppedError
from warpviz.topology.landmarks import cover_radii, num_recent
from warpviz.topology.persistence import persistence_process
from warpviz.topology.persistence.alpha import principal
from warpviz.topology.persistence.bounds import certified, two_nn
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import Matching, matching, normalised_wasserstein
from warpviz.topology.persistence.store import DiagramStore
from warpviz.topology.points import farthest_sample, pairwise
from warpviz.views.base.wire import Array

Bars = dict[int, NDArray[np.float64]]
KS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
LEAST_TOKENS = 3
POLL_S = 0.1
CURVE = ("k", "radius", "bottleneck", "null_low", "null_mean", "null_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The cloud in which everything is measured.

    `points` float64 [n, P] are the vectors of the tokens `used` int64 [n], `distances` float64
    [n, n] those between them. `order` int64 [K] are landmark tokens as picked: the sinks, then the
    `recent` last tokens, which every policy keeps, then the policy's choice. `radii` float64 [K]
    are the cover radii of all tokens by k.
    """

    points: NDArray[np.float64]
    used: NDArray[np.int64]
    distances: NDArray[np.float64]
    order: NDArray[np.int64]
    radii: NDArray[np.float64]
    num_tokens: int
    skip: int
    recent: int
    dimension: float

    def rows(self, k: int) -> NDArray[np.int64]:
        """Return the sorted rows of the first k landmarks, without the sinks, which have none."""
        row_of = np.full(self.num_tokens, -1)
        row_of[self.used] = np.arange(len(self.used))
        rows = row_of[self.order[:k]]
        return np.sort(rows[rows >= 0])

    def forced(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those landmark rows that every policy keeps: the recent tokens."""
        return rows[self.used[rows] >= self.num_tokens - self.recent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Landmarks at one k against the whole context, per dimension: bars, matchings, numbers.

    A dimension that is not matched with the whole has bars only. `kind` is the complex of the
    landmarks' bars.
    """

    k: int
    rows: NDArray[np.int64]
    radius: float
    bars: Bars
    matched: dict[int, Matching]
    numbers: dict[int, dict[str, float]]
    kind: str = "rips"

    @property
    def bound(self) -> float | None:
        """The bound 2r of every bottleneck distance; a witness complex has none."""
        return None if self.kind.startswith("witness") else 2 * self.radius


def ground(points: Array, order: NDArray[np.int64], *, skip: int, most: int) -> Ground:
    """Return the cloud of all tokens after the first `skip`, thinned to `most` if there are more.

    It is thinned by farthest points; the first `most` / 2 landmarks are kept.

    Raises:
        ValueError: fewer than three tokens are left.
    """
    rest = np.arange(skip, len(points), dtype=np.int64)
    if len(rest) < LEAST_TOKENS:
        least = f"at least {LEAST_TOKENS} tokens after the first {skip}"
        msg = f"persistence needs {least}, got {len(rest)}"
        raise ValueError(msg)
    if len(rest) > most:
        keep = np.sort(order[: most // 2][order[: most // 2] >= skip]) - skip
        rest = np.sort(
            rest[farthest_sample(points[rest].astype(np.float64), most, keep=keep).order]
        )
    cloud = points[rest].astype(np.float64)
    distances = pairwise(cloud)
    return Ground(
        points=cloud,
        used=rest,
        distances=distances,
        order=order,
        radii=cover_radii(points, order, skip=skip),
        num_tokens=len(points),
        skip=skip,
        recent=num_recent(order, num_tokens=len(points), skip=skip),
        dimension=two_nn(cloud, distances=distances),
    )


def curve_ks(base: Ground) -> list[int]:
    """Return those of KS at which there are landmarks, and not more of them than tokens."""
    most = min(len(base.order), len(base.used))
    return [k for k in KS if least_k(base) <= k <= most]


def least_k(base: Ground) -> int:
    """Return the smallest k at which a landmark lies outside the sinks."""
    outside = np.flatnonzero(np.isin(base.order, base.used))
    return int(outside[0]) + 1 if len(outside) else len(base.order)


def bars_of(base: Ground, rows: NDArray[np.int64] | None, *, max_dim: int, kind: str) -> Bars:
    """Return the diagrams of some rows, or of all: Rips, alpha on three principal axes, witness.

    A witness complex has the rows as its vertices and the whole cloud as its witnesses.
    """
    chosen = np.arange(len(base.used)) if rows is None else rows
    if kind == "rips":
        return diagram(base.distances, chosen, max_dim=max_dim)
    if kind == "alpha":
        flat = principal(base.points, num_axes=3)[chosen]
        return dict(diagrams(flat, complex="alpha", max_dim=max_dim, max_points=len(flat)).bars)
    return dict(diagrams(base.points, complex=kind, landmarks=chosen, max_dim=max_dim).bars)


def whole(
    points: Array,
    *,
    store: DiagramStore,
    max_dim: int,
    say: Callable[[str, float], None],
    overtaken: Callable[[], bool],
) -> Bars | None:
    """Return the Rips diagrams of `points` [n, P], from the store or computed in a process.

    `say(what, fraction)` is called meanwhile. Once `overtaken` returns True the result is None.
    """
    news = threading.Event()
    job = persistence_process.compute(
        points, store=store, notify=news.set, max_dim=max_dim, max_points=len(points)
    )
    while not job.done:
        news.wait(POLL_S)
        news.clear()
        if overtaken():
            job.cancel()
            return None
        say(job.what, job.fraction)
    try:
        return dict(job.result(0).bars)
    except StoppedError:
        return None


def marks_at(base: Ground, k: int, *, max_dim: int, kind: str = "rips") -> Pair:
    """Return the landmarks' diagrams at k, not matched."""
    shown = min(max(k, least_k(base)), len(base.order))
    rows = base.rows(shown)
    bars = bars_of(base, rows, max_dim=max_dim, kind=kind)
    radius = float(base.radii[shown - 1])
    return Pair(k=k, rows=rows, radius=radius, bars=bars, matched={}, numbers={}, kind=kind)


def match(pair: Pair, full: Bars, dims: Sequence[int]) -> Pair:
    """Return the pair with the dimensions `dims` matched too."""
    found = {dim: matching(full[dim], pair.bars[dim]) for dim in dims}
    numbers = {
        dim: {
            "bottleneck": float(one.cost.max(initial=0.0)),
            "wasserstein": normalised_wasserstein(full[dim], pair.bars[dim]),
            "certified": int(certified(pair.bars[dim], pair.radius).sum()),
            "bars": len(pair.bars[dim]),
            "bars_full": len(full[dim]),
        }
        for dim, one in found.items()
    }
    return replace(
        pair, matched=pair.matched | found, numbers=dict(sorted((pair.numbers | numbers).items()))
    )


def pair_at(base: Ground, k: int, *, full: Bars | None, max_dim: int, kind: str = "rips") -> Pair:
    """Return the landmarks' diagrams at k, matched with the whole's if those are known."""
    pair = marks_at(base, k, max_dim=max_dim, kind=kind)
    return pair if full is None else match(pair, full, list(pair.bars))


def curve_row(
    base: Ground,
    k: int,
    *,
    full: Bars,
    max_dim: int,
    num_null: int,
    seed: int,
    should_stop: Callable[[], bool],
) -> dict[int, list[float]]:
    """Return the row `CURVE` at k per dimension, of the landmarks and of random ones.

    Random landmarks keep the same recent tokens.
    """
    pair = pair_at(base, k, full=full, max_dim=max_dim)
    null = null_model(
        base.distances,
        full,
        len(pair.rows),
        num_draws=num_null,
        seed=seed,
        forced=base.forced(pair.rows),
        should_stop=should_stop,
    )
    rows = {}
    for dim in full:
        drawn = spread(null.bottleneck[dim])
        rows[dim] = [
            k,
            pair.radius,
            pair.numbers[dim]["bottleneck"],
            drawn.low,
            drawn.mean,
            drawn.high,
        ]
    return rows
