"""The null model: what random landmarks, as many, would have achieved.

Every policy, the random one too, must keep the recent tokens and chooses only the rest. So do the
draws: they keep the same tokens and pick the rest uniformly without replacement, or they would have
more to choose than any policy has.
"""

from dataclasses import dataclass

import numpy as np

from warpviz.topology.hooks import Progress, ShouldStop, step
from warpviz.topology.persistence.distances import bottleneck
from warpviz.topology.persistence.rips import matrix_bars, tidy
from warpviz.topology.points import FloatArray, IntArray, rows

QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Null:
    """Draws of random landmark sets of one size: radius [n] and, per dimension, bottleneck [n]."""

    num_landmarks: int
    radius: FloatArray
    bottleneck: dict[int, FloatArray]


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean, standard deviation (n - 1) and 5 / 50 / 95 % quantiles of some draws."""

    mean: float
    std: float
    low: float
    median: float
    high: float


def draws(
    num_points: int,
    num_landmarks: int,
    *,
    num_draws: int,
    seed: int,
    forced: IntArray | None = None,
) -> IntArray:
    """Return `num_draws` random subsets of range(num_points), int64 [n, K], each row sorted.

    Each holds the rows `forced`. The generator is seeded by (seed, num_landmarks), so the draws of
    a size do not depend on which other sizes are asked for.
    """
    if not 1 <= num_landmarks <= num_points:
        msg = f"num_landmarks must be between 1 and {num_points}, got {num_landmarks!r}"
        raise ValueError(msg)
    kept = rows([] if forced is None else forced, num_points=num_points, name="forced")
    if len(kept) > num_landmarks:
        most = f"at most {num_landmarks} rows, as many as there are landmarks"
        msg = f"forced must hold {most}, got {len(kept)}"
        raise ValueError(msg)
    free = np.setdiff1d(np.arange(num_points, dtype=np.int64), kept)
    generator = np.random.default_rng([seed, num_landmarks])
    picks = [
        free[generator.choice(len(free), num_landmarks - len(kept), replace=False)]
        for _ in range(num_draws)
    ]
    sets = [np.sort(np.append(kept, pick)) for pick in picks]
    return np.asarray(sets, np.int64).reshape(num_draws, num_landmarks)


def null_model(
    distances: FloatArray,
    full: dict[int, FloatArray],
    num_landmarks: int,
    *,
    num_draws: int,
    seed: int,
    forced: IntArray | None = None,
    threshold: float | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Null:
    """Draw random landmarks of a cloud with `distances` [n, n] and measure them like real ones.

    `full` holds the whole cloud's Rips diagrams, `forced` int64 [F] the rows that every policy must
    keep: they are in each draw. Sinks are no part of the cloud. So a draw replaces only the
    landmarks that were chosen, and where nothing was left to choose it is the landmarks themselves.
    """
    subsets = draws(len(distances), num_landmarks, num_draws=num_draws, seed=seed, forced=forced)
    radius = np.zeros(num_draws)
    values = {dim: np.zeros(num_draws) for dim in full}
    for draw, subset in enumerate(subsets):
        step(
            draw / num_draws,
            f"random subset {draw + 1} of {num_draws}",
            progress=progress,
            should_stop=should_stop,
        )
        radius[draw] = distances[:, subset].min(axis=1).max()
        raw = matrix_bars(distances[np.ix_(subset, subset)], max_dim=max(full), threshold=threshold)
        for dim, bars in full.items():
            values[dim][draw] = bottleneck(bars, tidy(raw[dim], clamp=threshold))
    return Null(num_landmarks, radius, values)


def spread(values: FloatArray) -> Spread:
    """Return the summary of some draws: NaN throughout for none, deviation 0 for a single one."""
    if not values.size:
        return Spread(*[float("nan")] * 5)
    low, median, high = (float(value) for value in np.quantile(values, QUANTILES))
    # equal draws: no rounding error
    deviation = float(values.std(ddof=1)) if np.ptp(values) > 0 else 0.0
    return Spread(float(values.mean()), deviation, low, median, high)
