"""Clouds made up for tests: tokens, vectors with clusters and a loop, attention; some tokens are
hostile.
"""

import numpy as np
from numpy.typing import NDArray

from warpviz.views.base.data_source import DataSource, source_of_arrays

SENTENCE = (
    "The rain held off until noon and Maren walked north to the mill where the brass key lay in a "
    "red box ."
)
WORDS = SENTENCE.split()
HOSTILE = (
    '<img src=x onerror="window.pwned=1">',
    "</script><script>window.pwned=1</script>",
    "\x1b[31mred\x1b[0m",
    "\u202egnirts desrever\u202c",
    "lone \ud800 surrogate",
    "nul\x00bell\x07",
    "{{7*7}} ${window.pwned=1} `x`",
)


def vectors(num: int, *, width: int = 24, seed: int = 0) -> NDArray[np.float32]:
    """Return `num` vectors: six clusters walked through in order, on a wide circle."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(6, width)) * 1.5
    points = centres[(np.arange(num) // 20) % 6] + rng.normal(size=(num, width)) * 0.5
    turn = np.linspace(0, 2 * np.pi, num)
    points[:, 0] += 6 * np.cos(turn)
    points[:, 1] += 6 * np.sin(turn)
    return points.astype(np.float32)


def words(num: int, *, hostile: bool = False) -> list[str]:
    """Return `num` tokens whose concatenation is a text; every 50th is hostile if asked."""
    tokens = [(" " if row else "") + WORDS[row % len(WORDS)] for row in range(num)]
    tokens[len(WORDS) - 1 :: len(WORDS)] = [" .\n"] * len(tokens[len(WORDS) - 1 :: len(WORDS)])
    if hostile:
        for number, text in enumerate(HOSTILE):
            tokens[10 + 9 * number] = text
    return tokens


def made_up(num: int = 200, *, hostile: bool = False, seed: int = 0) -> DataSource:
    """Return a DataSource of `num` made-up tokens."""
    received = np.random.default_rng(seed + 1).gamma(0.3, size=num).astype(np.float32)
    facts = {"model": "made up", "checksum": "0" * 8, "seed": seed}
    tokens = words(num, hostile=hostile)
    return source_of_arrays(
        vectors(num, seed=seed), tokens=tokens, received=received / received.sum(), facts=facts
    )
