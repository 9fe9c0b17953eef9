"""Tables of the council's benchmark: shares with intervals, paired over worlds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from warpviz.bench.council.arms import ALONE, FULL
from warpviz.village.evaluate.report import interval

DRAWS = 2000


def table(worlds: Sequence[dict[str, Any]], arms: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per arm over the worlds that have it."""
    rows = []
    for arm in arms:
        found = [world["arms"] for world in worlds if arm in world["arms"]]
        if found:
            rows.append(_row(arm, found))
    return rows


def _row(arm: str, worlds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    right = np.array([world[arm]["judged"] == "right" for world in worlds], dtype=float)
    full = np.array([world[FULL]["judged"] == "right" for world in worlds], dtype=float)
    wrong = np.array([world[arm]["judged"] == "wrong" for world in worlds], dtype=float)
    share = interval(int(right.sum()), len(right))
    low, high = ratio_interval(right, full)
    row = {
        "arm": arm,
        "worlds": len(worlds),
        "right": share["share"],
        "low": share["low"],
        "high": share["high"],
        "of_full": _ratio(right.sum(), full.sum()),
        "of_full_low": low,
        "of_full_high": high,
        "wrong_per_100": 100 * float(wrong.mean()),
    }
    if arm in (FULL, ALONE):
        return row
    thoughts = [world[arm] for world in worlds]
    accepted = [thought for thought in thoughts if thought["accepted"]]
    good = [thought for thought in thoughts if thought["thought_judged"] == "right"]
    passed = [thought for thought in accepted if thought["thought_judged"] == "right"]
    return row | {
        "thoughts_right": len(good) / len(thoughts),
        "accepted": len(accepted) / len(thoughts),
        "accepted_right": _ratio(len(passed), len(accepted)),
    }


def ratio_interval(part: np.ndarray, whole: np.ndarray, *, seed: int = 0) -> tuple[float, float]:
    """Return a 95 % interval of sum(part) / sum(whole), by a bootstrap over their pairs [N]."""
    rows = np.random.default_rng(seed).integers(len(part), size=(DRAWS, len(part)))
    ratios = part[rows].sum(1) / np.maximum(whole[rows].sum(1), 1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
