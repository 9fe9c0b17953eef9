"""Masks of the context tokens a stream may see.

They resemble the landmarks of many policies, so that the model is not trained for one of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warpviz.village.train.context import SINKS, TrainingContext

if TYPE_CHECKING:
    from collections.abc import Callable

VisibilityMask = NDArray[np.bool_]


def draw_budget(rng: np.random.Generator, num_tokens: int) -> int:
    """Return a landmark budget: log-uniform over 24..192, at most half of the context.

    Long contexts mostly take 32..160.
    """
    top = min(192, max(8, num_tokens // 2))
    bottom = min(24, top)
    if num_tokens >= 400 and rng.random() < 0.7:
        bottom = 32
        top = 160
    return round(math.exp(rng.uniform(math.log(bottom), math.log(top))))


def _random(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    return _at(context, rng.permutation(len(context.sequence))[:budget])


def _recent(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    size = len(context.sequence)
    return _at(context, np.arange(max(0, size - int(budget * rng.uniform(0.5, 1.0))), size))


def _stride(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    step = max(1, len(context.sequence) // budget)
    return _at(context, np.arange(int(rng.integers(step)), len(context.sequence), step))


def _ends(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    ends = np.array(context.ends)
    return _at(context, ends[-budget:] if rng.random() < 0.5 else rng.permutation(ends)[:budget])


def _chunks(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    mask = np.zeros(len(context.sequence), bool)
    size = int(rng.integers(4, 20))
    for _ in range(max(1, budget // size)):
        start = int(rng.integers(len(mask)))
        mask[start : start + size] = True
    return mask


def _facts(context: TrainingContext, budget: int, rng: np.random.Generator) -> VisibilityMask:
    """Keep tokens of random facts, as attention would.

    These are the second slot's tokens, sometimes with the value's and the sentence end.
    """
    mask = np.zeros(len(context.sequence), bool)
    rate = rng.uniform(0.4, 1.0)
    for item in rng.permutation(np.array(list(context.evidence), dtype=int)):
        evidence = context.evidence[int(item)]
        for start, end in (evidence.second, evidence.value, (evidence.end - 1, evidence.end)):
            if rng.random() < rate:
                mask[start:end] = True
        if mask.sum() >= budget:
            break
    return mask


_POLICIES: tuple[Callable[[TrainingContext, int, np.random.Generator], VisibilityMask], ...] = (
    _random,
    _recent,
    _stride,
    _ends,
    _chunks,
    _facts,
)


def _at(context: TrainingContext, index: NDArray[np.int64]) -> VisibilityMask:
    mask = np.zeros(len(context.sequence), bool)
    mask[index] = True
    return mask


def draw_mask(context: TrainingContext, rng: np.random.Generator) -> VisibilityMask:
    """One subset: sinks, some recent tokens and one or two policies inside a budget."""
    budget = draw_budget(rng, len(context.sequence))
    first, second = rng.integers(len(_POLICIES), size=2)
    mask: VisibilityMask = _POLICIES[first](context, max(1, budget // 2), rng) | _POLICIES[second](
        context, max(1, budget // 2), rng
    )
    mask[:SINKS] = True
    recent = int(rng.choice([0, 4, 8, 16, 32]))
    if recent:
        mask[-recent:] = True
    return mask


def focus(
    mask: VisibilityMask, context: TrainingContext, needed: list[int], rng: np.random.Generator
) -> VisibilityMask:
    """Add a part of the evidence of the given facts, as task-aware landmarks would."""
    out = mask.copy()
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
