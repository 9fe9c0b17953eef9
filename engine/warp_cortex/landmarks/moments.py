"""Centre and spread of vectors that arrive a few at a time: running means, never a second look at
what was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST = 1e-12  # a layer whose vectors are all alike is not scaled up without end


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Statistics of `count` vectors in each of G groups (the layers of a cache).

    mean: float32 [G, P]. deviation: float64 [G], the sum of squared distances to the mean.

    Two of them merge exactly (Chan, Golub and LeVeque 1979), whatever the sizes; nothing is ever
    subtracted.
    """

    count: int
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> "Moments":
        """Return the statistics of float32 vectors [T, P] as one group."""
        mean = vectors.mean(0)
        return cls(
            len(vectors), mean[None], (vectors - mean).square().sum(dtype=torch.float64)[None]
        )

    @classmethod
    def stacked(cls, groups: Sequence["Moments"]) -> "Moments":
        """Return groups of equally many vectors as one."""
        mean, deviation = (
            torch.cat(parts) for parts in zip(*((g.mean, g.deviation) for g in groups), strict=True)
        )
        return cls(groups[0].count, mean, deviation)

    @property
    def scale(self) -> Tensor:
        """Root mean square of the centred components, float32 [G]."""
        return (self.deviation / (self.count * self.mean.shape[1])).sqrt().clamp_min(LEAST).float()

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(t.numel() * t.element_size() for t in (self.mean, self.deviation))

    def merged(self, other: "Moments") -> "Moments":
        """Return the statistics of both sets of vectors together."""
        count = self.count + other.count
        step = other.mean - self.mean
        between = step.double().square().sum(1) * (self.count * other.count / count)
        return Moments(
            count,
            self.mean + step * (other.count / count),
            self.deviation + other.deviation + between,
        )

    def drift(self, since: "Moments") -> float:
        """Return the largest factor, at least 1, by which any group's scale has changed."""
        return float((self.scale / since.scale).log().abs().max().exp())
