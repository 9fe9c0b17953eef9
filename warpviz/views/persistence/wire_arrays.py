"""What the browser gets of a comparison: bars, matchings and loops as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.persistence.cycles import loop_in
from warpviz.views.base.wire import Array, float32, uint32
from warpviz.views.persistence.comparison_model import Bars, Ground, Pair

NUM_LOOPS = 24


def loops(
    base: Ground, bars: NDArray[np.float64], rows: NDArray[np.int64] | None = None
) -> list[NDArray[np.int64]]:
    """Return the tokens, in path order, of the loops of the first NUM_LOOPS bars of H1."""
    inside = base.distances if rows is None else base.distances[np.ix_(rows, rows)]
    tokens = base.used if rows is None else base.used[rows]
    found = []
    for birth, death in bars[:NUM_LOOPS]:
        try:
            found.append(tokens[loop_in(inside, birth=float(birth), death=float(death)).path])
        except ValueError:  # after rounding, no edge has the length of the birth
            found.append(np.zeros(0, np.int64))
    return found


def ragged(name: str, parts: list[NDArray[np.int64]]) -> dict[str, Array]:
    """Return lists of tokens as two arrays: `name` joined, `name_start` where each begins."""
    start = np.cumsum([0, *(len(part) for part in parts)])
    return {name: uint32(np.concatenate(parts) if parts else []), f"{name}_start": uint32(start)}


def full_arrays(base: Ground, full: Bars, *, kind: str = "rips") -> dict[str, Array]:
    """Return the whole's bars, and the loops unless the complex is alpha."""
    arrays: dict[str, Array] = {f"full_h{dim}": float32(bars) for dim, bars in full.items()}
    found = loops(base, full[1]) if 1 in full and kind != "alpha" else []
    return arrays | ragged("loop_full", found)


def match_arrays(pair: Pair, *, but: int | None = None) -> dict[str, Array]:
    """Return the landmarks' bars [B, 2] and matchings [M, 3], empty where unknown.

    The columns of a matching are the whole's bar, the landmarks' bar (-1 the diagonal) and the
    cost. Dimension `but`, which the browser has, is left out.
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
    """Return the loops of the landmarks' first H1 bars; only for a Rips complex."""
    found = loops(base, pair.bars[1], pair.rows) if 1 in pair.bars and kind == "rips" else []
    return ragged("loop_marks", found)


def pair_facts(pair: Pair) -> dict[str, Any]:
    """Return the numbers of a pair."""
    numbers = {str(dim): values for dim, values in pair.numbers.items()}
    return {
        "numbers": numbers,
        "pair": {"k": pair.k, "radius": pair.radius, "rows": len(pair.rows)},
    }
