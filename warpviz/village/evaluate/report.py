"""What every measurement of the village adds to its figures: intervals, model, machine, date."""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from warp_cortex import Prism

Z95 = 1.959964


def interval(right: int, total: int) -> dict[str, object]:
    """Return a share with n and its 95 % Wilson score interval (Wilson 1927).

    With n = 0 the share and its interval are None.
    """
    if total == 0:
        return {"share": None, "n": 0, "low": None, "high": None}
    share = right / total
    square = Z95 * Z95
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = (
        Z95
        * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
        / (1 + square / total)
    )
    low = max(0.0, centre - half)
    high = min(1.0, centre + half)
    return {"share": round(share, 4), "n": total, "low": round(low, 4), "high": round(high, 4)}


def paired(
    first: list[bool], second: list[bool], *, seed: int = 0, draws: int = 10_000
) -> dict[str, object]:
    """Return first minus second in points, with a 95 % percentile bootstrap over their worlds.

    Where every world has the same difference, resampling gives no other, and its interval would be
    a single point. Then Wilson's lower bound s on the share of such worlds (n of n, Wilson 1927; s
    = n / (n + z^2)) decides: the other 1 - s may differ by anything from -100 to 100 points. No
    difference in 40 worlds is hence -8.8 to 8.8 points.

    Raises:
        ValueError: the two have different lengths or are empty.
    """
    if len(first) != len(second) or not first:
        lengths = f"{len(first)} and {len(second)}"
        msg = f"two lists of equal length with at least one world are needed, got {lengths}"
        raise ValueError(msg)
    gap = 100.0 * (np.array(first, dtype=np.float64) - np.array(second, dtype=np.float64))
    if np.ptp(gap) == 0:
        rest = Z95**2 / (len(gap) + Z95**2)
        low, high = (
            float(np.clip((1 - rest) * gap[0] + end * rest, -100, 100)) for end in (-100, 100)
        )
        return {
            "points": float(gap[0]),
            "n": len(gap),
            "low": round(low, 2),
            "high": round(high, 2),
        }
    means = gap[np.random.default_rng(seed).integers(len(gap), size=(draws, len(gap)))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "points": round(float(gap.mean()), 2),
        "n": len(gap),
        "low": round(float(low), 2),
        "high": round(float(high), 2),
    }


def processor() -> str:
    """Return the processor's name, or its architecture where the system does not name it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def provenance(prism: Prism) -> dict[str, object]:
    """Return the model and its checksum, the machine, the versions and the date.

    Each measurement names its own seeds.
    """
    return {
        "model": prism.spec.name,
        "checksum": prism.spec.checksum,
        "machine": f"{processor()}, {os.cpu_count()} cores, {platform.system()}",
        "device": str(prism.device),
        "python": platform.python_version(),
        "torch": version("torch"),
        "transformers": version("transformers"),
        "date": datetime.now(UTC).date().isoformat(),
    }


def finish(record: dict[str, object], prism: Prism, *, as_json: bool) -> None:
    """Print a measurement with its provenance: one JSON object, or a line per entry."""
    whole = {**provenance(prism), **record}
    if as_json:
        sys.stdout.write(json.dumps(whole, indent=1) + "\n")
        return
    for name, value in whole.items():
        sys.stdout.write(f"{name}: {json.dumps(value)}\n")
