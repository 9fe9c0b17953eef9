"""Greedy covering: picks landmarks one by one by coverage and score, and gives the cover radii.

Differences are formed before they are squared: the expanded form |x|^2 - 2 x.y + |y|^2 cancels in
float32 when keys share a large mean. Points outside a safe range are scaled by a power of two
first, which is exact.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from warp_cortex.kernels.triton_check import can_launch, current

CHUNK_ELEMENTS = 1 << 18  # differences held at once: 1 MiB of float32 stays in a core's cache
GPU_ELEMENTS = 1 << 26  # on a GPU, where few launches matter more: 256 MiB
LEAST = torch.finfo(torch.float32).tiny  # the divisor where every distance is 0
# components compared in all below which compiled loops save less than their first call costs
LIGHT = 1 << 24
# numbers whose squares neither overflow nor vanish when added in float32
SAFE = (2.0**-30, 2.0**30)


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Landmarks in the order they were picked.

    order: int64 [k]. radii: float32 [k], the cover radius after each. evaluations: how many
    distances were computed.
    """

    order: Tensor
    radii: Tensor
    evaluations: int


def greedy(
    points: Tensor,
    scores: Tensor,
    *,
    first: Sequence[int],
    picks: int = 0,
    alpha: float = 0.0,
    skip: int = 0,
) -> Cover:
    """Take the points `first`, then `picks` more by coverage and score.

    Each pick has the largest alpha * s + (1 - alpha) * d / max d, where d is the distance to the
    nearest landmark so far. With no point in `first` the first pick has the best score. Ties go to
    the lowest index; no index is picked twice, however many points coincide.

    points: [T, P]. scores: s, float32 [T] in [0, 1]. skip: how many first points never count in the
    radius, which is 0 if there are no others.

    Source: the hybrid density-coverage rule of whale-tda (arXiv 2510.04553); alpha = 0 is Gonzalez'
    farthest-point rule, alpha = 1 takes the best scores.
    """
    start = list(first) if first or not picks else [int(scores.argmax())]
    order = torch.zeros(len(first) + picks, dtype=torch.long)
    order[: len(start)] = torch.tensor(start, dtype=torch.long)
    largest = float(torch.stack(points.aminmax()).abs().max())
    scale = (
        1.0 if largest == 0 or SAFE[0] < largest < SAFE[1] else 2.0 ** (math.frexp(largest)[1] - 1)
    )
    cloud = points.detach() if scale == 1 else points.detach() / scale
    fixed = len(start)
    is_heavy = cloud.device.type == "cpu" and cloud.numel() * len(order) >= LIGHT
    if can_launch(cloud.device):
        from warp_cortex.kernels import cover_triton

        with current(cloud.device):
            order, squared, evaluations = cover_triton.greedy(
                cloud, scores, order.to(cloud.device), fixed=fixed, alpha=alpha, skip=skip
            )
    elif is_heavy and (loops := _compiled()) is not None:
        order, squared, evaluations = _compare_some(
            loops, cloud, scores, order, fixed=fixed, alpha=alpha, skip=skip
        )
    else:
        order, squared = compare_all(
            cloud, scores, order.to(cloud.device), fixed=fixed, alpha=alpha, skip=skip
        )
        evaluations = len(order) * len(points)
    return Cover(order.cpu(), squared.cpu().sqrt() * scale, evaluations)


def compare_all(
    points: Tensor, scores: Tensor, order: Tensor, *, fixed: int, alpha: float, skip: int
) -> tuple[Tensor, Tensor]:
    """Compare points [T, P] with every landmark; return the order [k] and squared radii [k].

    order: int64 [k], of which the first `fixed` are given; the others are filled in a copy.

    This is the reference, and the way on devices without compiled loops or kernels.
    """
    device = points.device
    # squared distance of each point to its nearest landmark
    nearest = torch.full((len(points),), torch.inf, dtype=torch.float32, device=device)
    gain = (alpha * scores).index_fill_(0, order[:fixed], -torch.inf)
    order = order.clone()
    radii = torch.zeros(len(order), dtype=torch.float32, device=device)
    for number in range(len(order)):
        if number >= fixed:
            distances = nearest.sqrt()
            # landmarks are at distance 0 from themselves: they never win by coverage
            share = (1 - alpha) / distances.amax().clamp_min(LEAST)
            best = distances.mul_(share).add_(gain).argmax(0, keepdim=True)
            gain.index_fill_(0, best, -torch.inf)
            order[number] = best[0]
        radii[number] = _approach(
            nearest, points, points.index_select(0, order[number : number + 1]), skip=skip
        )
    return order, radii


def _approach(nearest: Tensor, points: Tensor, landmark: Tensor, *, skip: int) -> Tensor:
    """Lower squared distances [T] to those to one landmark [1, P]; return the squared radius."""
    most = CHUNK_ELEMENTS if points.device.type == "cpu" else GPU_ELEMENTS
    rows = max(1, most // points.shape[1])
    for begin in range(0, len(points), rows):
        block = nearest[begin : begin + rows]
        difference = points[begin : begin + rows] - landmark
        torch.minimum(block, difference.mul_(difference).sum(dim=1), out=block)
    return nearest[skip:].amax() if skip < len(points) else nearest.new_zeros(())


def _compiled() -> ModuleType | None:
    """Return the compiled loops, or None in an installation without numba."""
    try:
        from warp_cortex.kernels import cover_numba
    except ImportError:
        return None
    return cover_numba


def _compare_some(
    loops: ModuleType,
    points: Tensor,
    scores: Tensor,
    order: Tensor,
    *,
    fixed: int,
    alpha: float,
    skip: int,
) -> tuple[Tensor, Tensor, int]:
    """Do as `compare_all` on a CPU, computing only distances that can matter; also count them."""
    marks = order.numpy().copy()
    radii = torch.zeros(len(order), dtype=torch.float32)
    cloud = points.contiguous().numpy()
    gain = scores.contiguous().numpy()
    count = loops.greedy(cloud, gain, marks, radii.numpy(), fixed, float(alpha), skip)
    return torch.from_numpy(marks), radii, int(count)
