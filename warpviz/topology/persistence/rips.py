"""Bars of Rips complexes and of other flag complexes, and how raw bars become a diagram."""

import warnings

import numpy as np

from warpviz.topology.points import FloatArray, pairwise


def rips_bars(
    points: FloatArray, *, max_dim: int, threshold: float | None
) -> dict[int, FloatArray]:
    """Return raw Rips bars per dimension for `points` [n, P]; endless bars die at infinity."""
    return matrix_bars(pairwise(points), max_dim=max_dim, threshold=threshold)


def matrix_bars(
    distances: FloatArray, *, max_dim: int, threshold: float | None
) -> dict[int, FloatArray]:
    """Return raw bars of the flag filtration of a symmetric matrix [n, n] with zero diagonal."""
    if len(distances) == 1:
        none = {dim: np.zeros((0, 2)) for dim in range(1, max_dim + 1)}
        return {0: np.array([[0.0, np.inf]]), **none}
    from gudhi.sklearn import RipsPersistence

    engine = RipsPersistence(
        list(range(max_dim + 1)),
        threshold=np.inf if threshold is None else threshold,
        input_type="full distance matrix",
        homology_coeff_field=2,
    )
    with warnings.catch_warnings():  # the engine warns about SciPy names it uses itself
        warnings.simplefilter("ignore", DeprecationWarning)
        found = engine.fit_transform([distances])[0]
    return {
        dim: np.asarray(bars, dtype=np.float64).reshape(-1, 2) for dim, bars in enumerate(found)
    }


def tidy(bars: FloatArray, *, clamp: float | None) -> FloatArray:
    """Return the finite bars of positive length [B, 2], longest first, ties by birth.

    Bars that never end are cut at `clamp`, or dropped where it is None.
    """
    bars = np.minimum(bars, clamp) if clamp is not None else bars[np.isfinite(bars[:, 1])]
    bars = bars[bars[:, 1] > bars[:, 0]]
    return np.ascontiguousarray(bars[np.lexsort((bars[:, 0], bars[:, 0] - bars[:, 1]))])
