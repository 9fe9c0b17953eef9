"""Strangers: what the gate measured on thoughts that do not belong to the text."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from warp_cortex import Calibration, Event

Null = Mapping[str, Sequence[float]]
"""Similarities of the strangers, sorted, by scorer; empty where none were measured."""

LIKELIHOOD = "likelihood"  # a scorer in [0, 1]; the others are cosines
BINS = 48
EDGE = 0.1  # the axis of a likelihood ends at a multiple of this


def null_of(events: Iterable[Event]) -> dict[str, list[float]]:
    """Return the strangers of all calibrations among some events, pooled and sorted."""
    pooled: dict[str, list[float]] = {}
    for event in events:
        if isinstance(event, Calibration):
            for name, values in event.similarities.items():
                pooled[name] = sorted([*pooled.get(name, []), *values])
    return pooled


def accepted_share(null: Null, scorer: str, theta: float) -> float | None:
    """Return which share of the strangers a theta accepts; None if none were measured."""
    known = np.asarray(null.get(scorer, ()), dtype=np.float64)
    return float((known >= theta).mean()) if known.size else None


def shares_above(null: Null, scorer: str, values: ArrayLike) -> NDArray[np.float64]:
    """Return which share of the strangers is at least as similar as each value [F], float64 [F].

    NaN for a value of NaN, and where no stranger was measured.
    """
    known = np.sort(np.asarray(null.get(scorer, ()), dtype=np.float64))
    asked = np.asarray(values, dtype=np.float64)
    if not known.size:
        return np.full(asked.shape, np.nan)
    above = (known.size - np.searchsorted(known, asked, side="left")) / known.size
    return np.where(np.isnan(asked), np.nan, above)


def axis_of(scorer: str, values: ArrayLike) -> tuple[float, float]:
    """Return the ends of a scorer's axis: [-1, 1], for a likelihood [0, its largest value]."""
    if scorer != LIKELIHOOD:
        return -1.0, 1.0
    known = np.asarray(values, dtype=np.float64)
    most = float(np.max(known[np.isfinite(known)], initial=0.0))
    return 0.0, min(1.0, max(EDGE, float(np.ceil((most + EDGE / 5) / EDGE)) * EDGE))


def bars(null: Null, scorer: str, ends: tuple[float, float]) -> list[tuple[float, float, float]]:
    """Return the strangers' histogram as (from, to, height in 0 to 1), without empty bars."""
    counts, edges = np.histogram(null.get(scorer, ()), bins=BINS, range=ends)
    top = max(1, int(counts.max(initial=0)))
    rows = zip(edges[:-1], edges[1:], counts, strict=True)
    return [(float(low), float(high), float(num / top)) for low, high, num in rows if num]
