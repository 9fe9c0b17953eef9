"""Greedy geometry: the cover radius kept up to date pick by pick, and the rule that mixes coverage with attention."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK_ELEMENTS = 1 << 18  # one block of differences is 1 MiB of float32: it stays in a core's cache


class Cover:
    """The distance from each of T points to its nearest landmark, updated in O(T P) per landmark.

    Differences are formed before they are squared: the expanded form |x|^2 - 2 x.y + |y|^2 cancels in float32 when
    keys share a large mean. Points are scaled by a power of two first, which is exact and keeps squares in range.
    The first `skip` points are no targets: they never count in `radius`.
    """

    __slots__ = ("_points", "_scale", "_skip", "_squared")

    def __init__(self, points: Tensor, *, skip: int = 0) -> None:
        largest = float(points.abs().max())
        self._scale = 2.0 ** math.frexp(largest)[1] if largest > 0 else 1.0
        self._points = points.detach() / self._scale  # [T, P], all in (-1, 1)
        self._squared = torch.full((len(points),), torch.inf, dtype=torch.float32, device=points.device)  # [T]
        self._skip = skip

    def add(self, index: int) -> float:
        """Make point `index` a landmark and return the cover radius from then on."""
        landmark = self._points[index]
        rows = max(1, CHUNK_ELEMENTS // self._points.shape[1])
        for begin in range(0, len(self._points), rows):
            difference = self._points[begin : begin + rows] - landmark
            squared = difference.mul_(difference).sum(dim=1)
            block = self._squared[begin : begin + rows]
            torch.minimum(block, squared, out=block)
        return self.radius

    @property
    def distances(self) -> Tensor:
        """Distance of each point to its nearest landmark, float32 [T]; infinite before the first landmark."""
        return self._squared.sqrt() * self._scale

    @property
    def radius(self) -> float:
        """The largest distance of a target to its nearest landmark; 0 when every point is skipped."""
        targets = self._squared[self._skip :]
        return math.sqrt(float(targets.max())) * self._scale if len(targets) else 0.0


def greedy(
    cover: Cover, scores: Tensor, *, chosen: Sequence[int], picks: int, alpha: float
) -> tuple[list[int], list[float]]:
    """Pick `picks` more landmarks, each the argmax of alpha * s + (1 - alpha) * d / max d over what is left.

    `cover` must hold `chosen` already. `scores` are s, float32 [T] in [0, 1]; d is the distance to the nearest
    landmark. Without anything chosen the first pick is the best score. Ties go to the lowest index; no index is
    picked twice, however many points coincide. Returns the picks and the cover radius after each.

    Source: the hybrid density-coverage rule of whale-tda (arXiv 2510.04553); alpha = 0 is Gonzalez' farthest-point
    rule, alpha = 1 takes the best scores.
    """
    closed = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    closed[list(chosen)] = True
    order: list[int] = []
    radii: list[float] = []
    for _ in range(picks):
        value = scores if not chosen and not order else _mixed(cover.distances, scores, alpha=alpha, closed=closed)
        index = int(torch.argmax(value.masked_fill(closed, -torch.inf)))
        closed[index] = True
        order.append(index)
        radii.append(cover.add(index))
    return order, radii


def _mixed(distances: Tensor, scores: Tensor, *, alpha: float, closed: Tensor) -> Tensor:
    farthest = distances.masked_fill(closed, 0.0).max()
    coverage = distances / farthest if float(farthest) > 0 else torch.zeros_like(distances)
    return alpha * scores + (1 - alpha) * coverage
