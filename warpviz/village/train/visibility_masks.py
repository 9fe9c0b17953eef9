"""Which context tokens a stream may see: many landmark-like subsets, so that no one policy is
trained in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warpviz.village.train.context import SINKS, TrainingContext

if TYPE_CHECKING:
    from collections.abc import Callable

Keep = NDArray[np.bool_]


def draw_budget(rng: np.random.Generator, num_tokens: int) -> int:
    """Landmark budget: log-uniform over 24..192, at most half of the context; long contexts mostly
    take 32..160.
    """
    top = min(192, max(8, num_tokens // 2))
    bottom = min(24, top)
    if num_tokens >= 400 and rng.random() < 0.7:
        bottom = 32
        top = 160
    return round(math.exp(rng.uniform(math.log(bottom), math.log(top))))


def _random(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    return _at(context, rng.permutation(len(context.strip))[:budget])


def _recent(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    size = len(context.strip)
    return _at(context, np.arange(max(0, size - int(budget * rng.uniform(0.5, 1.0))), size))


def _stride(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    step = max(1, len(context.strip) // budget)
    return _at(context, np.arange(int(rng.integers(step)), len(context.strip), step))


def _ends(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    ends = np.array(context.ends)
    return _at(context, ends[-budget:] if rng.random() < 0.5 else rng.permutation(ends)[:budget])


def _chunks(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    keep = np.zeros(len(context.strip), bool)
    size = int(rng.integers(4, 20))
    for _ in range(max(1, budget // size)):
        start = int(rng.integers(len(keep)))
        keep[start : start + size] = True
    return keep


def _facts(context: TrainingContext, budget: int, rng: np.random.Generator) -> Keep:
    """Attention-like: tokens of the second slot, sometimes with the value and the sentence end, of
    random facts.
    """
    keep = np.zeros(len(context.strip), bool)
    rate = rng.uniform(0.4, 1.0)
    for item in rng.permutation(np.array(list(context.evidence), dtype=int)):
        evidence = context.evidence[int(item)]
        for start, end in (evidence.second, evidence.value, (evidence.end - 1, evidence.end)):
            if rng.random() < rate:
                keep[start:end] = True
        if keep.sum() >= budget:
            break
    return keep


_POLICIES: tuple[Callable[[TrainingContext, int, np.random.Generator], Keep], ...] = (
    _random,
    _recent,
    _stride,
    _ends,
    _chunks,
    _facts,
)


def _at(context: TrainingContext, index: NDArray[np.int64]) -> Keep:
    keep = np.zeros(len(context.strip), bool)
    keep[index] = True
    return keep


def draw_keep(context: TrainingContext, rng: np.random.Generator) -> Keep:
    """One subset: sinks, some recent tokens and one or two policies inside a budget."""
    budget = draw_budget(rng, len(context.strip))
    first, second = rng.integers(len(_POLICIES), size=2)
    keep: Keep = _POLICIES[first](context, max(1, budget // 2), rng) | _POLICIES[second](
        context, max(1, budget // 2), rng
    )
    keep[:SINKS] = True
    recent = int(rng.choice([0, 4, 8, 16, 32]))
    if recent:
        keep[-recent:] = True
    return keep


def focus(
    keep: Keep, context: TrainingContext, needed: list[int], rng: np.random.Generator
) -> Keep:
    """Add a part of the evidence of the given facts, as task-aware landmarks would."""
    out = keep.copy()
    for index in needed:
        item = context.evidence[index]
        choice = int(rng.integers(4))
        if choice in {0, 3}:
            out[item.second[0] : item.second[1]] = True
        if choice in {1, 3}:
            out[item.end - 1] = True
        if choice == 2:
            out[min(item.value[0], item.second[0]) : item.end] = True
    return out
