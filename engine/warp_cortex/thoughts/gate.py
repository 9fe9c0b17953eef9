"""The Gate: hidden states of the River and of a thought in, similarities and a decision out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from warp_cortex.config.checks import choice, within
from warp_cortex.landmarks.moments import merge

# stands for a similarity that cannot be computed: JSON can hold it, and it never passes
REJECTED = -1.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class GateState:
    """An agent at the moment of judgement.

    Shapes:
        middle: [C], a middle layer's states, averaged over the tokens of the thought (or the
            River's last tokens).
        last: [C], the last layer's state of the last token.
    """

    middle: Tensor
    last: Tensor


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Statistics:
    """Mean and standard deviation of the River's middle-layer states so far.

    mean, std: float64 [C] each; the deviation is the population's. count: how many states.
    """

    mean: Tensor
    std: Tensor
    count: int

    @classmethod
    def empty(cls, size: int) -> Self:
        """Return the statistics of no states of `size` numbers each."""
        zeros = torch.zeros(size, dtype=torch.float64)
        return cls(mean=zeros, std=zeros, count=0)

    @torch.no_grad()
    def update(self, states: Tensor) -> "Statistics":
        """Return the statistics with the rows of `states` added.

        states: [T, C] in any dtype. Rows that are not finite are left out.

        Raises:
            ValueError: states of another shape.
        """
        size = len(self.mean)
        if states.dim() != self.mean.dim() + 1 or states.shape[1] != size:
            msg = f"states must have shape [T, {size}], got {tuple(states.shape)}"
            raise ValueError(msg)
        rows = states.detach().to("cpu", torch.float64)
        rows = rows[torch.isfinite(rows).all(dim=1)]
        if len(rows) == 0:
            return self
        spread = rows.var(dim=0, correction=0)
        count, mean, squares = merge(
            (self.count, self.mean, self.std.square() * self.count),
            (len(rows), rows.mean(dim=0), spread * len(rows)),
        )
        return Statistics(mean=mean, std=(squares / count).sqrt(), count=count)


Scorer = Callable[[GateState, GateState, Statistics], float]


def raw(river: GateState, thought: GateState, _statistics: Statistics) -> float:
    """Return the cosine of the last tokens' last-layer states.

    Source: the paper's gate (arXiv 2601.01298).
    """
    return _cosine(_exact(river.last), _exact(thought.last))


def centred(river: GateState, thought: GateState, statistics: Statistics) -> float:
    """Return the cosine of pooled middle states minus the River's mean.

    Source: Ethayarajh (2019): all states share a large mean, which says nothing of their content.
    """
    return _cosine(_exact(river.middle) - statistics.mean, _exact(thought.middle) - statistics.mean)


def standardised(river: GateState, thought: GateState, statistics: Statistics) -> float:
    """Return the cosine of z-scored pooled middle states, so that no rogue dimension decides.

    Dimensions in which the River never varied say nothing about it and are left out.

    Source: Timkey and van Schijndel (arXiv 2109.04404).
    """
    varied = statistics.std > 0
    scale = torch.where(varied, statistics.std, torch.inf)
    return _cosine(
        (_exact(river.middle) - statistics.mean) / scale,
        (_exact(thought.middle) - statistics.mean) / scale,
    )


SCORES: dict[str, Scorer] = {"raw": raw, "centred": centred, "standardised": standardised}


@torch.no_grad()
def similarities(river: GateState, thought: GateState, statistics: Statistics) -> dict[str, float]:
    """Return every scorer's similarity, a number in [-1, 1].

    States that are not finite give exactly -1.
    """
    return {name: scorer(river, thought, statistics) for name, scorer in SCORES.items()}


def decide(similarities: Mapping[str, float], *, scorer: str, theta: float) -> bool:
    """Return whether the thought passes: its similarity is at least theta, and above -1.

    similarities: by scorer, of which `scorer` decides.

    Raises:
        ValueError: the scorer is unknown, or theta is outside [-1, 1].
    """
    choice("scorer", scorer, tuple(similarities))
    within("theta", theta, -1, 1)
    value = similarities[scorer]
    return value > REJECTED and value >= theta


def _exact(state: Tensor) -> Tensor:
    return state.detach().to("cpu", torch.float64)


def _cosine(one: Tensor, other: Tensor) -> float:
    """Return the cosine of two float64 vectors.

    It is 0 if either is zero, and REJECTED if either is not finite.
    """
    if not bool(torch.isfinite(one).all() and torch.isfinite(other).all()):
        return REJECTED
    lengths = float(one.norm()) * float(other.norm())
    return max(-1.0, min(1.0, float(one @ other) / lengths)) if lengths > 0 else 0.0
