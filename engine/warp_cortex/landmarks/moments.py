"""Centre and spread of vectors that arrive in parts: each part is looked at once."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 1e-12  # the smallest scale: vectors that are all alike are not divided by zero


def merge(
    one: tuple[int, Tensor, Tensor], other: tuple[int, Tensor, Tensor]
) -> tuple[int, Tensor, Tensor]:
    """Return count, mean and squares of two sets of vectors together.

    Each set is given by the number of its vectors, their mean [..., P], and the sum of squared
    distances to it: [..., P], each component for itself, or [...], summed over the P components.

    Source: the pairwise update of Chan, Golub and LeVeque (1979): exact for sets of any sizes, and
    stable, because nothing is subtracted from a sum.
    """
    count, mean, squares = one
    more, other_mean, other_squares = other
    total = count + more
    step = other_mean - mean
    between = step.double().square()
    if squares.dim() < mean.dim():
        between = between.sum(-1)
    return (
        total,
        mean + step * (more / total),
        squares + other_squares + between * (count * more / total),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Statistics of `count` vectors in each of G groups (the layers of a cache).

    mean: float32 [G, P]. deviation: float64 [G], the sum of squared distances to the mean.
    """

    count: int
    mean: Tensor
    deviation: Tensor

    @classmethod
    def of(cls, vectors: Tensor) -> Self:
        """Return the statistics of float32 vectors [T, P] as one group."""
        mean = vectors.mean(0)
        squares = (vectors - mean).square().sum(dtype=torch.float64)
        return cls(len(vectors), mean[None], squares[None])

    @classmethod
    def stacked(cls, groups: "Sequence[Moments]") -> Self:
        """Return groups of equally many vectors as one."""
        mean = torch.cat([group.mean for group in groups])
        deviation = torch.cat([group.deviation for group in groups])
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
        mine = (self.count, self.mean, self.deviation)
        return Moments(*merge(mine, (other.count, other.mean, other.deviation)))

    def drift(self, since: "Moments") -> float:
        """Return the largest factor, at least 1, by which any group's scale has changed."""
        return float((self.scale / since.scale).log().abs().max().exp())
