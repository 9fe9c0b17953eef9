"""How much of a context's topology its landmarks keep, per policy and k, against a bound and a null
model.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.comparison.comparison import Comparison, Row
from warpviz.topology.comparison.null import Null, null_model, spread
from warpviz.topology.comparison.selection import (
    Landmarks,
    cells_of,
    checked,
    forced_rows,
    landmark_sets,
    recent_window,
    used_tokens,
)
from warpviz.topology.comparison.sources import read_source
from warpviz.topology.hooks import Progress, ShouldStop, step
from warpviz.topology.persistence import bounds
from warpviz.topology.persistence.diagrams import MAX_POINTS, matrix_bars, tidy
from warpviz.topology.persistence.distances import bottleneck, normalised_wasserstein
from warpviz.topology.points import FloatArray, IntArray, pairwise

PACKAGES = ("warpviz", "numpy", "scipy", "gudhi", "torch", "transformers")


def compare(
    source: Any,
    *,
    ks: Sequence[int] = (16, 32, 64),
    policies: Sequence[str] = ("hybrid", "random"),
    alpha: float = 0.3,
    layer: int | None = None,
    space: str = "keys",
    head: int | str | None = None,
    max_dim: int = 1,
    seed: int = 0,
    num_null: int = 20,
    skip: int = 4,
    recent: int | None = None,
    max_points: int | None = None,
    orders: Mapping[str, ArrayLike] | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Comparison:
    """Compare the Rips persistence of a context with that of its landmarks.

    `source` is a `warp_cortex` Context or Evidence, or an array [T, P]; `orders` may give landmark
    orders by policy instead of asking the engine, which keeps `skip` sinks and `recent` last tokens
    (default: `recent_window`), and `about` the `model`, `checksum` and `token_texts` [T] of points
    that do not bring their own. The null model's draws keep the `recent` last tokens, too; of
    `orders` it says how many each keeps (default: 0). The first `skip` tokens take no part in the
    geometry. Above `max_points` the cloud is thinned by farthest points, every landmark kept, and
    the bound holds for exactly the two clouds compared. Deterministic in its arguments.

    Raises:
        ValueError: a k not in skip + 1 .. T, a bad dimension, policy, space or point, or an order
        lacks `recent` ones.
        StoppedError: `should_stop` said so.
    """
    wanted = policies if orders is None else list(orders)
    sizes, names = checked(
        ks, wanted, max_dim=max_dim, num_null=num_null, skip=skip, max_points=max_points
    )
    window = recent if recent is not None else recent_window(sizes) if orders is None else 0
    step(0.0, "reading points", progress=progress, should_stop=should_stop)
    origin = read_source(
        source,
        policies=names,
        orders=orders,
        k=sizes[-1],
        alpha=alpha,
        layer=layer,
        space=space,
        head=head,
        sinks=skip,
        recent=window,
        seed=seed,
        about=about or {},
    )
    num_tokens = len(origin.points)
    landmarks = landmark_sets(origin.orders, sizes, num_tokens=num_tokens, skip=skip, recent=window)
    cap = MAX_POINTS[max_dim] if max_points is None else max_points
    used = used_tokens(origin.points, landmarks, skip=skip, cap=cap)
    step(0.05, f"persistence of {len(used):,} tokens", progress=progress, should_stop=should_stop)
    distances = pairwise(origin.points[used].astype(np.float64))
    full = diagram(distances, np.arange(len(used)), max_dim=max_dim)
    kept = partial(forced_rows, used, num_tokens=num_tokens, recent=window)
    rows, bars = _measure(
        distances,
        full,
        cells_of(used, landmarks),
        kept=kept,
        num_null=num_null,
        seed=seed,
        progress=progress,
        should_stop=should_stop,
    )
    step(1.0, "done", progress=progress, should_stop=should_stop)
    weight = alpha if "hybrid" in names else None
    # landmarks are chosen over all heads: nothing is certified for one
    proven = weight if head is None else None
    notes = _notes(sizes, num_tokens, alpha=proven, num_left_out=num_tokens - skip - len(used))
    return Comparison(
        rows=rows,
        model=origin.model,
        checksum=origin.checksum,
        layer=layer,
        space=space,
        head=head,
        tokens=num_tokens,
        token_texts=origin.token_texts,
        seed=seed,
        num_null=num_null,
        alpha=weight,
        skip=skip,
        recent=window,
        max_dim=max_dim,
        intrinsic_dimension=_dimension(origin.points[used], distances),
        versions=versions(),
        points=origin.points[used],
        used=used,
        landmarks=landmarks,
        full=full,
        diagrams=bars,
        notes=notes,
    )


def diagram(distances: FloatArray, chosen: IntArray, *, max_dim: int) -> dict[int, FloatArray]:
    """Return the Rips diagrams of the `chosen` rows of a distance matrix [n, n], the endless bar
    dropped.
    """
    raw = matrix_bars(distances[np.ix_(chosen, chosen)], max_dim=max_dim, threshold=None)
    return {dim: tidy(bars, clamp=None) for dim, bars in raw.items()}


def row_of(
    *, k: int, policy: str, dim: int, full: FloatArray, kept: FloatArray, radius: float, null: Null
) -> Row:
    """Return one row from the two diagrams, the cover radius and the random draws of the same
    size.
    """
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


def _measure(
    distances: FloatArray,
    full: dict[int, FloatArray],
    cells: Landmarks,
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
            cell = by_k[k]
            found = bars[policy][k] = diagram(distances, cell, max_dim=max(full))
            radius = float(distances[:, cell].min(axis=1).max())
            rows += [
                row_of(
                    k=k,
                    policy=policy,
                    dim=dim,
                    full=full[dim],
                    kept=found[dim],
                    radius=radius,
                    null=nulls[len(cell)],
                )
                for dim in full
            ]
    return tuple(rows), bars


def _dimension(points: np.ndarray[Any, Any], distances: FloatArray) -> dict[str, float | None]:
    two_nn, mle = (
        estimate(points, distances=distances) for estimate in (bounds.two_nn, bounds.mle_dimension)
    )
    return {"two_nn": _number(two_nn), "mle": _number(mle)}


def _notes(
    sizes: Sequence[int], num_tokens: int, *, alpha: float | None, num_left_out: int
) -> tuple[str, ...]:
    notes = [bounds.rule_note(k, num_tokens) for k in sizes]
    if alpha is not None:
        notes.append(bounds.certificate_note(alpha))
    if num_left_out:
        notes.append(
            f"{num_left_out:,} tokens left out: the cloud was thinned to farthest points and all landmarks"
        )
    return tuple(notes)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
