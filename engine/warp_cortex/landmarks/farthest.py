"""Greedy geometry: landmarks picked one by one by the rule that mixes coverage with attention, and
their cover radii.

Differences are formed before they are squared: the expanded form |x|^2 - 2 x.y + |y|^2 cancels in
float32 when keys share a large mean. Points out of a safe range are scaled by a power of two first,
which is exact.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor

from warp_cortex.kernels.triton_check import can_launch, current

CHUNK_ELEMENTS = 1 << 18  # one block of differences is 1 MiB of float32: it stays in a core's cache
GPU_ELEMENTS = 1 << 26  # ... and on a GPU, where few launches matter more, 256 MiB
LEAST = torch.finfo(torch.float32).tiny  # a divisor where every distance is 0
# components compared in all; below it compiled loops save less than their first call costs
LIGHT = 1 << 24
# squares of such numbers neither overflow nor vanish beside each other in float32
SAFE = (2.0**-30, 2.0**30)


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Landmarks as they were picked, int64 [k], the cover radius after each, float32 [k], and
    distances computed.
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
    """Take the points `first`, then `picks` more, each the argmax of alpha * s + (1 - alpha) * d /
    max d of the rest.

    points: [T, P]. scores: s, float32 [T] in [0, 1]; d is the distance to the nearest landmark.
    Without anything to start from the first pick is the best score. Ties go to the lowest index; no
    index is picked twice, however many points coincide. The first `skip` points are no targets:
    they never count in the radius, which is 0 without any.

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
    """Compare points [T, P] with every landmark; return the order [k], filled from `fixed` on, and
    squared radii [k].

    The reference of the other ways, and the one for devices without compiled loops or kernels.
    """
    device = points.device
    # [T], squared
    nearest = torch.full((len(points),), torch.inf, dtype=torch.float32, device=device)
    gain = (alpha * scores).index_fill_(0, order[:fixed], -torch.inf)
    order, radii = order.clone(), torch.zeros(len(order), dtype=torch.float32, device=device)
    for number in range(len(order)):
        if number >= fixed:
            distances = nearest.sqrt()
            # what is chosen lies at distance 0 from itself
            share = (1 - alpha) / distances.amax().clamp_min(LEAST)
            best = distances.mul_(share).add_(gain).argmax(0, keepdim=True)
            gain.index_fill_(0, best, -torch.inf)
            order[number] = best[0]
        radii[number] = _approach(
            nearest, points, points.index_select(0, order[number : number + 1]), skip=skip
        )
    return order, radii


def _approach(nearest: Tensor, points: Tensor, landmark: Tensor, *, skip: int) -> Tensor:
    """Bring squared distances [T] up to date with one landmark [1, P]; return the squared
    radius.
    """
    most = CHUNK_ELEMENTS if points.device.type == "cpu" else GPU_ELEMENTS
    rows = max(1, most // points.shape[1])
    for begin in range(0, len(points), rows):
        block = nearest[begin : begin + rows]
        difference = points[begin : begin + rows] - landmark
        torch.minimum(block, difference.mul_(difference).sum(dim=1), out=block)
    return nearest[skip:].amax() if skip < len(points) else nearest.new_zeros(())


def _compiled() -> ModuleType | None:
    """Return the compiled loops, or None in an installation without numba: comparing everything is
    right everywhere.
    """
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
    """Do as `compare_all` on a CPU, computing only the distances that could matter; return also how
    many.
    """
    marks = order.numpy().copy()
    radii = torch.zeros(len(order), dtype=torch.float32)
    cloud = points.contiguous().numpy()
    gain = scores.contiguous().numpy()
    count = loops.greedy(cloud, gain, marks, radii.numpy(), fixed, float(alpha), skip)
    return torch.from_numpy(marks), radii, int(count)
