"""How much of a context's topology its landmarks keep, against a bound and a null model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.comparison.comparison import Comparison
from warpviz.topology.comparison.null import Null, null_model, spread
from warpviz.topology.comparison.results import Row
from warpviz.topology.comparison.selection import (
    Landmarks,
    Settings,
    cells_of,
    checked,
    forced_rows,
    landmark_sets,
    used_tokens,
)
from warpviz.topology.comparison.sources import Source, read_source
from warpviz.topology.hooks import Progress, ShouldStop, step
from warpviz.topology.landmarks import RECENT, SINKS, cover_radii
from warpviz.topology.persistence import bounds
from warpviz.topology.persistence.diagrams import MAX_POINTS
from warpviz.topology.persistence.distances import bottleneck, normalised_wasserstein
from warpviz.topology.persistence.rips import matrix_bars, tidy
from warpviz.topology.points import FloatArray, IntArray, copies, pairwise, whole_number

PACKAGES = ("warpviz", "numpy", "scipy", "gudhi", "torch", "transformers")
Radii = dict[str, dict[int, float]]


def compare(
    source: Any,
    *,
    ks: Iterable[int] | int = (32, 48, 64),
    policies: Iterable[str] | str = ("hybrid", "random"),
    alpha: float = 0.3,
    layer: int | None = None,
    space: str = "keys",
    head: int | str | None = None,
    max_dim: int = 1,
    seed: int = 0,
    num_null: int = 20,
    skip: int = SINKS,
    recent: int | None = None,
    max_points: int | None = None,
    orders: Mapping[str, ArrayLike] | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Comparison:
    """Compare the Rips persistence of a context with that of its landmarks. Deterministic.

    source: a `warp_cortex` Context or Evidence, or numbers [T, P]; `about` gives the `model`,
        `checksum` and `token_texts` [T] of numbers. orders: landmarks by policy, not the engine's.
    skip, recent: how many first and last tokens every policy keeps, 4 and 16 as in a run, so that
        a k has the same landmarks everywhere; of `orders`, `recent` is 0 unless given. The null
        model's draws keep the recent ones, too; the first ones take no part in the geometry.
    max_points: above it the cloud is thinned by farthest points, every landmark kept.

    Raises:
        TypeError: a source that is no numbers.
        ValueError: a k not in skip + 1 .. T, a bad dimension, policy, space or point, or an order
            that lacks one of the `recent` tokens.
        StoppedError: `should_stop` returned True.
    """
    default = RECENT if orders is None else 0
    settings = Settings(
        alpha=alpha,
        layer=layer,
        space=space,
        head=head,
        max_dim=max_dim,
        seed=seed,
        num_null=num_null,
        skip=skip,
        recent=default if recent is None else recent,
    )
    sizes, names = checked(ks, policies if orders is None else list(orders), skip=skip)
    cap = MAX_POINTS[max_dim]
    if max_points is not None:
        cap = whole_number("max_points", max_points, least=1)
    step(0.0, "reading points", progress=progress, should_stop=should_stop)
    origin = read_source(source, settings, names, k=sizes[-1], orders=orders, about=about or {})
    return _compared(origin, sizes, settings, cap=cap, progress=progress, should_stop=should_stop)


def _compared(
    origin: Source,
    sizes: Sequence[int],
    settings: Settings,
    *,
    cap: int,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Comparison:
    points = origin.points
    skip = settings.skip
    landmarks = landmark_sets(
        origin.orders, sizes, num_tokens=len(points), skip=skip, recent=settings.recent
    )
    used = used_tokens(points, landmarks, skip=skip, cap=cap)
    step(0.05, f"persistence of {len(used):,} tokens", progress=progress, should_stop=should_stop)
    distances = pairwise(points[used].astype(np.float64))
    full = diagram(distances, np.arange(len(used)), max_dim=settings.max_dim)
    rows, bars = _measure(
        distances,
        full,
        cells_of(used, landmarks),
        _radii(origin, sizes, skip=skip),
        kept=partial(forced_rows, used, num_tokens=len(points), recent=settings.recent),
        num_null=settings.num_null,
        seed=settings.seed,
        progress=progress,
        should_stop=should_stop,
    )
    step(1.0, "done", progress=progress, should_stop=should_stop)
    alpha = settings.alpha if "hybrid" in landmarks else None
    return Comparison(
        **{**asdict(settings), "alpha": alpha},
        rows=rows,
        model=origin.model,
        checksum=origin.checksum,
        tokens=len(points),
        token_texts=origin.token_texts,
        intrinsic_dimension=_dimension(points[used], distances),
        versions=versions(),
        points=points[used],
        used=used,
        landmarks=landmarks,
        full=full,
        diagrams=bars,
        notes=_notes(sizes, settings, points, used, distances, alpha=alpha),
    )


def diagram(distances: FloatArray, chosen: IntArray, *, max_dim: int) -> dict[int, FloatArray]:
    """Return the Rips diagrams of some rows of a distance matrix [n, n], no endless bar."""
    raw = matrix_bars(distances[np.ix_(chosen, chosen)], max_dim=max_dim, threshold=None)
    return {dim: tidy(bars, clamp=None) for dim, bars in raw.items()}


def row_of(
    *, k: int, policy: str, dim: int, full: FloatArray, kept: FloatArray, radius: float, null: Null
) -> Row:
    """Return one row from the two diagrams, the cover radius and the draws of the same size."""
    values = spread(null.bottleneck[dim])
    radii = spread(null.radius)
    return Row(
        k=k,
        policy=policy,
        dim=dim,
        bottleneck=bottleneck(full, kept),
        wasserstein=normalised_wasserstein(full, kept),
        radius=radius,
        bound=bounds.bound(radius),
        null_mean=_number(values.mean),
        null_std=_number(values.std),
        null_low=_number(values.low),
        null_high=_number(values.high),
        null_radius_mean=_number(radii.mean),
        null_radius_std=_number(radii.std),
        num_landmarks=null.num_landmarks,
        num_bars=len(kept),
        num_bars_full=len(full),
        num_certified=int(bounds.certified(kept, radius).sum()),
    )


def versions() -> dict[str, str]:
    """Return the versions of everything that computes numbers here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a source checkout that was never installed
            found[name] = "not installed"
    return found


def _radii(origin: Source, sizes: Sequence[int], *, skip: int) -> Radii:
    """Return the cover radius of each policy at each k; "all" leaves nothing uncovered."""
    found: Radii = {}
    for policy, order in origin.orders.items():
        if policy == "all":
            found[policy] = dict.fromkeys(sizes, 0.0)
        else:
            radii = cover_radii(origin.points, order[: sizes[-1]], skip=skip)
            found[policy] = {k: float(radii[k - 1]) for k in sizes}
    return found


def _measure(
    distances: FloatArray,
    full: dict[int, FloatArray],
    cells: Landmarks,
    radii: Radii,
    *,
    kept: Callable[..., IntArray],
    num_null: int,
    seed: int,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[tuple[Row, ...], dict[str, dict[int, dict[int, FloatArray]]]]:
    counts = sorted({len(cell) for by_k in cells.values() for cell in by_k.values()})
    nulls = {}
    for at, count in enumerate(counts):
        what = f"null model of {count} landmarks"
        step(0.3 + 0.6 * at / len(counts), what, progress=progress, should_stop=should_stop)
        nulls[count] = null_model(
            distances,
            full,
            count,
            num_draws=num_null,
            seed=seed,
            forced=kept(num_landmarks=count),
            should_stop=should_stop,
        )
    bars: dict[str, dict[int, dict[int, FloatArray]]] = {policy: {} for policy in cells}
    rows = []
    step(0.9, "distances", progress=progress, should_stop=should_stop)
    for k in next(iter(cells.values())):
        for policy, by_k in cells.items():
            found = bars[policy][k] = diagram(distances, by_k[k], max_dim=max(full))
            rows += [
                row_of(
                    k=k,
                    policy=policy,
                    dim=dim,
                    full=full[dim],
                    kept=found[dim],
                    radius=radii[policy][k],
                    null=nulls[len(by_k[k])],
                )
                for dim in full
            ]
    return tuple(rows), bars


def _dimension(points: np.ndarray[Any, Any], distances: FloatArray) -> dict[str, float | None]:
    two_nn = bounds.two_nn(points, distances=distances)
    mle = bounds.mle_dimension(points, distances=distances)
    return {"two_nn": _number(two_nn), "mle": _number(mle)}


def _notes(
    sizes: Sequence[int],
    settings: Settings,
    points: np.ndarray[Any, Any],
    used: IntArray,
    distances: FloatArray,
    *,
    alpha: float | None,
) -> tuple[str, ...]:
    notes = [bounds.rule_note(k, len(points)) for k in sizes]
    always = settings.skip + settings.recent
    if full := [k for k in sizes if k <= always < len(points)]:
        kept = f"the first {settings.skip} and the last {settings.recent} tokens fill it"
        notes.append(f"k = {full[-1]}: {kept}, so policies that keep both are the same there")
    if alpha is not None and settings.head is None:  # landmarks are chosen over all heads
        notes.append(bounds.certificate_note(alpha))
    if left_out := len(points) - settings.skip - len(used):
        why = "the cloud was thinned to farthest points and all landmarks"
        notes.append(f"{left_out:,} tokens left out: {why}")
    if repeated := int(copies(points[used].astype(np.float64), distances=distances).sum()):
        why = "the intrinsic dimension is that of the others"
        notes.append(f"{repeated:,} tokens repeat the point of an earlier one: {why}")
    return tuple(notes)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
