"""One row of the front end's table: percentiles of samples and their targets."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np


def row(
    what: str,
    samples: Sequence[float],
    *,
    unit: str = "ms",
    target_p50: float | None = None,
    target_p95: float | None = None,
    more_is_better: bool = False,
) -> dict[str, Any]:
    """Return a row: percentiles of the samples, targets and whether they are met, n and load.

    Where more is better, p95 is the value that 95 % of the samples reach. Without a target, met is
    None.

    Raises:
        ValueError: there are no samples, or one is not finite.
    """
    values = np.asarray(samples, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        msg = f"{what}: expected finite samples, got {list(samples)}"
        raise ValueError(msg)
    p50, p95 = (float(np.percentile(values, q)) for q in (50, 5 if more_is_better else 95))
    pairs = [
        (found, wanted)
        for found, wanted in ((p50, target_p50), (p95, target_p95))
        if wanted is not None
    ]
    kept = [found >= wanted if more_is_better else found <= wanted for found, wanted in pairs]
    return {
        "what": what,
        "p50": round(p50, 2),
        "p95": round(p95, 2),
        "unit": unit,
        "target_p50": target_p50,
        "target_p95": target_p95,
        "met": all(kept) if kept else None,
        "n": len(values),
        "load": round(os.getloadavg()[0], 1),
    }
