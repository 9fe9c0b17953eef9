"""The nearest tokens of every token, among the vectors themselves and not on screen."""

import numpy as np
from numpy.typing import NDArray

NUM_NEIGHBOURS = 8
MOST_TOKENS = 4096  # beyond, their distances would cost more than the rest of the view
BLOCK = 512


def nearest_tokens(
    points: NDArray[np.float32], *, num: int = NUM_NEIGHBOURS
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Return each token's nearest others, [T, n], and their distances [T, n], both ascending.

    n is `num`, or one less than there are tokens. Ties go to the earlier token. Of more than
    MOST_TOKENS tokens there are none, [0, n].

    points: float32 [T, P].
    """
    count = max(0, min(num, len(points) - 1))
    if len(points) > MOST_TOKENS or not count:
        return np.zeros((0, count), np.uint32), np.zeros((0, count), np.float32)
    rows = points.astype(np.float64)
    norms = (rows**2).sum(axis=1)
    near = np.empty((len(rows), count), np.uint32)
    far = np.empty((len(rows), count), np.float32)
    for low in range(0, len(rows), BLOCK):
        block = rows[low : low + BLOCK]
        squares = norms[low : low + BLOCK, None] + norms[None, :] - 2 * block @ rows.T
        squares[np.arange(len(block)), low + np.arange(len(block))] = np.inf
        found = np.argsort(squares, axis=1, kind="stable")[:, :count]
        near[low : low + BLOCK] = found
        # from the difference: a product of rows loses the small distances
        steps = block[:, None, :] - rows[found]
        far[low : low + BLOCK] = np.sqrt((steps**2).sum(axis=2))
    order = np.argsort(far, axis=1, kind="stable")
    return np.take_along_axis(near, order, 1), np.take_along_axis(far, order, 1)
