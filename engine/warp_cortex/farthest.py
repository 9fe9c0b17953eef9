"""Greedy geometry: the cover radius kept up to date pick by pick, and the rule that mixes coverage with attention."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

CHUNK_ELEMENTS = 1 << 18  # one block of differences is 1 MiB of float32: it stays in a core's cache
EAGER_ELEMENTS = 1 << 21  # up to here comparing every point is quicker than finding out which ones matter
CUDA_FACTOR = 64  # a GPU needs that much more at once to be busy
SAFE = (2.0**-30, 2.0**30)  # squares of such numbers neither overflow nor vanish beside each other in float32
FIRST_LOOK = 64  # stale points brought up to date at a time, four times as many on every further try


class Cover:
    """The distance from each of T points to its nearest landmark, brought up to date only where it could matter.

    Distances only shrink as landmarks are added, so an old one is an upper bound: whoever asks for the largest needs
    exact values of the few points whose old value exceeds it, and gets what comparing everything would give. That is
    lazy evaluation as Minoux' accelerated greedy does it; `evaluations` counts the distances really computed.

    Differences are formed before they are squared: the expanded form |x|^2 - 2 x.y + |y|^2 cancels in float32 when
    keys share a large mean. Points out of a safe range are scaled by a power of two first, which is exact.
    The first `skip` points are no targets: they never count in `radius`.
    """

    __slots__ = ("_eager", "_landmarks", "_points", "_rows", "_scale", "_seen", "_skip", "_squared", "evaluations")

    def __init__(self, points: Tensor, *, skip: int = 0) -> None:
        largest = max(abs(float(bound)) for bound in points.aminmax())
        self._scale = 1.0 if largest == 0 or SAFE[0] < largest < SAFE[1] else 2.0 ** math.frexp(largest)[1]
        self._points = points.detach() if self._scale == 1 else points.detach() / self._scale  # [T, P]
        self._squared = torch.full((len(points),), torch.inf, dtype=torch.float32, device=points.device)  # [T]
        self._seen = torch.zeros(len(points), dtype=torch.long, device=points.device)  # [T], landmarks compared with
        self._landmarks = torch.empty(0, dtype=torch.long, device=points.device)
        factor = CUDA_FACTOR if points.is_cuda else 1
        self._rows = max(1, CHUNK_ELEMENTS * factor // points.shape[1])
        self._eager = points.numel() <= EAGER_ELEMENTS * factor
        self._skip = skip
        self.evaluations = 0

    def add(self, index: int) -> float:
        """Make point `index` a landmark and return the cover radius from then on."""
        self._landmarks = torch.cat((self._landmarks, self._landmarks.new_tensor([index])))
        if self._eager or len(self._landmarks) == 1:
            self._compare_all(index)
        return self.radius

    def highest(self, weigh: Callable[[Tensor], Tensor]) -> tuple[int, float]:
        """Return the point where weigh(distances [T]) is largest (the first of several) and that value.

        `weigh` rates each point by its own distance and must not fall when that grows; -inf rules a point out.
        """
        look = FIRST_LOOK
        while True:
            value = weigh(self._squared.sqrt() * self._scale)
            if self._eager:
                index = int(value.argmax())
                return index, float(value[index])
            stale = self._seen < len(self._landmarks)
            known = value.masked_fill(stale, -torch.inf)
            doubtful = (stale & (value >= known.max()) & (value > -torch.inf)).nonzero().flatten()
            if not len(doubtful):
                index = int(value.argmax())
                return index, float(value[index])
            if len(doubtful) > look:
                doubtful = doubtful[value[doubtful].topk(look).indices]
            self._refresh(doubtful)
            look *= 4

    @property
    def distances(self) -> Tensor:
        """Distance of each point to its nearest landmark, float32 [T]; infinite before the first landmark."""
        stale = (self._seen < len(self._landmarks)).nonzero().flatten()
        self._refresh(stale)
        return self._squared.sqrt() * self._scale

    @property
    def radius(self) -> float:
        """The largest distance of a target to its nearest landmark; 0 when every point is skipped."""
        if self._skip >= len(self._points):
            return 0.0
        skipped = slice(0, self._skip)

        def targets(distances: Tensor) -> Tensor:
            distances[skipped] = -torch.inf
            return distances

        index, _ = self.highest(targets)
        return math.sqrt(float(self._squared[index])) * self._scale

    def _compare_all(self, index: int) -> None:
        """Compare every point with the newest landmark, block by block."""
        landmark = self._points[index]
        for begin in range(0, len(self._points), self._rows):
            difference = self._points[begin : begin + self._rows] - landmark
            block = self._squared[begin : begin + self._rows]
            torch.minimum(block, difference.mul_(difference).sum(dim=1), out=block)
        self._seen.fill_(len(self._landmarks))
        self.evaluations += len(self._points)

    def _refresh(self, points: Tensor) -> None:
        """Compare some points with the landmarks they have not been compared with yet."""
        missed = len(self._landmarks) - self._seen[points]
        pairs = points.repeat_interleave(missed)  # one entry per point and landmark missed
        begins = missed.cumsum(0) - missed
        number = torch.arange(len(pairs), device=pairs.device) - (begins - self._seen[points]).repeat_interleave(missed)
        for begin in range(0, len(pairs), self._rows):
            chosen = pairs[begin : begin + self._rows]
            others = self._landmarks[number[begin : begin + self._rows]]
            difference = self._points[chosen] - self._points[others]
            self._squared.scatter_reduce_(0, chosen, difference.mul_(difference).sum(dim=1), "amin")
        self._seen[points] = len(self._landmarks)
        self.evaluations += len(pairs)


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
        first = not chosen and not order
        index = int(scores.argmax()) if first else _pick(cover, scores, alpha=alpha, closed=closed)
        closed[index] = True
        order.append(index)
        radii.append(cover.add(index))
    return order, radii


def _pick(cover: Cover, scores: Tensor, *, alpha: float, closed: Tensor) -> int:
    """Return the open point that is best by attention and coverage."""
    farthest = max(0.0, cover.highest(lambda distances: distances.masked_fill(closed, -torch.inf))[1])

    def mixed(distances: Tensor) -> Tensor:
        coverage = distances / farthest if farthest > 0 else torch.zeros_like(distances)
        return (alpha * scores + (1 - alpha) * coverage).masked_fill(closed, -torch.inf)

    return cover.highest(mixed)[0]
