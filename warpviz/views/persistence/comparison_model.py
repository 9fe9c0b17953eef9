"""Whole context against landmarks: the pure part of PersistenceCompare: one cloud, any k."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.comparison.measure import diagram
from warpviz.topology.comparison.null import null_model, spread
from warpviz.topology.hooks import StoppedError
from warpviz.topology.landmarks import cover_radii, num_recent
from warpviz.topology.persistence import persistence_process
from warpviz.topology.persistence.alpha import principal
from warpviz.topology.persistence.bounds import certified, two_nn
from warpviz.topology.persistence.cycles import loop_in
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.distances import Matching, matching, normalised_wasserstein
from warpviz.topology.persistence.store import DiagramStore
from warpviz.topology.points import farthest_sample, pairwise
from warpviz.views.base.wire import Array, float32, uint32

Bars = dict[int, NDArray[np.float64]]
KS = (8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
NUM_LOOPS = 24
POLL_S = 0.1
CURVE = ("k", "radius", "bottleneck", "null_low", "null_mean", "null_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The cloud everything is measured in: `points` [n, P] of the tokens `used` int64 [n], their
    distances [n, n].

    `order` are landmark tokens as picked: the sinks, the `recent` last tokens every policy keeps,
    then its choice.
    """

    points: NDArray[np.float64]
    used: NDArray[np.int64]
    distances: NDArray[np.float64]
    order: NDArray[np.int64]
    radii: NDArray[np.float64]  # by k, of all tokens
    num_tokens: int
    skip: int
    recent: int
    dimension: float

    def rows(self, k: int) -> NDArray[np.int64]:
        """Return the rows of the first k landmarks, sorted; sinks take no part in the geometry."""
        row_of = np.full(self.num_tokens, -1)
        row_of[self.used] = np.arange(len(self.used))
        rows = row_of[self.order[:k]]
        return np.sort(rows[rows >= 0])

    def forced(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the landmarks' rows that any policy would have kept: its recent
        tokens.
        """
        return rows[self.used[rows] >= self.num_tokens - self.recent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Landmarks at one k against the whole: bars, matchings and numbers per dimension; without
    `full` only bars.

    `kind` is the complex of the landmarks' bars.
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
        """The most a bottleneck distance can be, 2r; None for a witness complex: it promises
        nothing.
        """
        return None if self.kind.startswith("witness") else 2 * self.radius


def ground(points: Array, order: NDArray[np.int64], *, skip: int, most: int) -> Ground:
    """Return the cloud of all tokens after the sinks, thinned by farthest points to `most`,
    landmarks kept.

    Raises:
        ValueError: fewer than three tokens are left.
    """
    rest = np.arange(skip, len(points), dtype=np.int64)
    if len(rest) < 3:
        msg = f"persistence needs at least 3 tokens after the first {skip}, got {max(len(rest), 0)}"
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


def least_k(base: Ground) -> int:
    """Return the smallest k at which a landmark lies outside the sinks."""
    outside = np.flatnonzero(np.isin(base.order, base.used))
    return int(outside[0]) + 1 if len(outside) else len(base.order)


def bars_of(base: Ground, rows: NDArray[np.int64] | None, *, max_dim: int, kind: str) -> Bars:
    """Return the diagrams of some rows, or of all of them: Rips, alpha on three principal axes, or
    witness.

    A witness complex stands on the rows and is witnessed by the whole cloud.
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
    """Return the Rips diagrams of `points` [n, P] from a process of their own or the store; None
    when overtaken.
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
    """Return the landmarks' diagrams at k, not matched yet."""
    shown = min(max(k, least_k(base)), len(base.order))
    rows = base.rows(shown)
    bars = bars_of(base, rows, max_dim=max_dim, kind=kind)
    radius = float(base.radii[shown - 1])
    return Pair(k=k, rows=rows, radius=radius, bars=bars, matched={}, numbers={}, kind=kind)


def match(pair: Pair, full: Bars, dims: Sequence[int]) -> Pair:
    """Return the pair with some more dimensions matched with the whole's diagrams."""
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
    """Return the landmarks' diagrams at k, matched with the whole's where those are known."""
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
    """Return, per dimension, the row `CURVE` at k: what landmarks, and random ones with the same
    window, achieve.
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


def loops(
    base: Ground, bars: NDArray[np.float64], rows: NDArray[np.int64] | None = None
) -> list[NDArray[np.int64]]:
    """Return the tokens of the loops of the longest H1 bars, in path order, at most 24."""
    inside = base.distances if rows is None else base.distances[np.ix_(rows, rows)]
    tokens = base.used if rows is None else base.used[rows]
    found = []
    for birth, death in bars[:NUM_LOOPS]:
        try:
            found.append(tokens[loop_in(inside, birth=float(birth), death=float(death)).path])
        # a birth that fits no edge after rounding: no loop to show, the bar stays
        except ValueError:
            found.append(np.zeros(0, np.int64))
    return found


def ragged(name: str, parts: list[NDArray[np.int64]]) -> dict[str, Array]:
    """Return lists of tokens as two arrays: `name` end to end, `name_start` where each begins."""
    start = (
        np.concatenate([[0], np.cumsum([len(part) for part in parts])]) if parts else np.zeros(1)
    )
    return {name: uint32(np.concatenate(parts) if parts else []), f"{name}_start": uint32(start)}


def full_arrays(base: Ground, full: Bars, *, kind: str = "rips") -> dict[str, Array]:
    """Return the whole's bars and, for a Rips complex, loops for the wire."""
    arrays: dict[str, Array] = {f"full_h{dim}": float32(bars) for dim, bars in full.items()}
    return arrays | ragged(
        "loop_full", loops(base, full[1]) if 1 in full and kind != "alpha" else []
    )


def match_arrays(pair: Pair, *, but: int | None = None) -> dict[str, Array]:
    """Return the landmarks' bars and matchings [M, 3] (whole, landmark, cost; -1 the diagonal),
    empty where unknown.

    Dimension `but` is left out: the browser has it already.
    """
    arrays: dict[str, Array] = {}
    for dim in [dim for dim in pair.bars if dim != but]:
        arrays[f"marks_h{dim}"] = float32(pair.bars[dim])
        one = pair.matched.get(dim)
        columns = (
            np.zeros((0, 3)) if one is None else np.column_stack([one.left, one.right, one.cost])
        )
        arrays[f"match_h{dim}"] = float32(columns)
    return arrays


def loop_arrays(base: Ground, pair: Pair, *, kind: str = "rips") -> dict[str, Array]:
    """Return the loops of the landmarks' longest H1 bars for the wire; only a Rips complex has them
    here.
    """
    return ragged(
        "loop_marks",
        loops(base, pair.bars[1], pair.rows) if 1 in pair.bars and kind == "rips" else [],
    )


def pair_facts(pair: Pair) -> dict[str, Any]:
    """Return the numbers of a pair for the wire."""
    numbers = {str(dim): values for dim, values in pair.numbers.items()}
    return {
        "numbers": numbers,
        "pair": {"k": pair.k, "radius": pair.radius, "rows": len(pair.rows)},
    }
