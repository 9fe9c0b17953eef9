"""The greedy cover on CUDA: picks served from a pool, so that points are read once for many picks.

The points that would be picked soonest are compared with all others in one pass. A pick only lowers
ratings relative to each other, and distances to the pool are at hand: as long as the best of all
points is in the pool it is picked at once; when it is not, the next pool is made. The picks are
those of `farthest.compare_all`; sums are taken in another order, so that a near tie may be decided
otherwise.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

# points compared with all others in one pass: a wider pool serves more picks, and each takes longer
POOL = 32
# points per program, one for every thread, which keeps all its sums to itself
ROWS = 256
WARPS = 8
UNROLL = 4  # components per load
# points looked at together when a pick is made
BLOCK = 4096
BLOCK_WARPS = 16
LEAST = torch.finfo(torch.float32).tiny  # a divisor where every distance is 0


def greedy(
    points: Tensor, scores: Tensor, order: Tensor, *, fixed: int, alpha: float, skip: int
) -> tuple[Tensor, Tensor, int]:
    """Return what `farthest.compare_all` returns: the order [k], squared radii [k], and distances.

    points: float32 [T, P]. scores: float32 [T]. order: int64 [k], of which the first `fixed`, at
    least one, are given; the rest is filled in. All lie on one CUDA device, the current one.
    distances: how many were computed. The host waits for the device once per pool, to learn how
    many picks the pool served.
    """
    points = points.contiguous()
    count = len(order)
    device = points.device
    nearest = torch.full((len(points),), torch.inf, device=device)
    gain = (alpha * scores).float()
    weight = 1 - alpha
    order = order.clone()
    radii = torch.zeros(count, device=device)
    picked = torch.zeros(1, dtype=torch.int32, device=device)
    evaluations = 0

    def serve(pool: Tensor, *, forced: int, limit: int) -> None:
        """Pick the first `forced` of a pool, then the best while it is there; `limit` in all."""
        pool = torch.cat((pool, pool[-1:].expand(POOL - len(pool))))
        _pick[(1,)](
            distances(points, pool),
            nearest,
            gain,
            pool,
            order,
            radii,
            picked,
            len(points),
            limit,
            skip,
            weight,
            LEAST,
            forced,
            size=POOL,
            block=BLOCK,
            num_warps=BLOCK_WARPS,
        )

    for begin in range(0, fixed, POOL):
        end = min(begin + POOL, fixed)
        evaluations += POOL * len(points)
        serve(order[begin:end], forced=end - begin, limit=end)
    done = fixed
    while done < count:
        away = nearest.sqrt()
        ratings = away.mul_(weight / away.amax().clamp_min(LEAST)).add_(gain)
        best = ratings.argmax(0, keepdim=True)  # the first of equals, which `topk` need not hold
        evaluations += POOL * len(points)
        serve(
            torch.cat((best, ratings.topk(min(POOL - 1, len(points))).indices)),
            forced=1,
            limit=count,
        )
        done = int(picked)
    return order, radii, evaluations


def trial(device: torch.device) -> None:
    """Launch a kernel, whatever it computes: where something is missing this raises."""
    points = torch.zeros((1, UNROLL), device=device)
    distances(points, torch.zeros(1, dtype=torch.long, device=device))


def distances(points: Tensor, pool: Tensor) -> Tensor:
    """Return squared distances [m, T] from m <= POOL points to all points [T, P].

    Differences are taken before squares.
    """
    tokens, size = points.shape
    far = torch.empty((len(pool), tokens), device=points.device)
    _compare[(triton.cdiv(tokens, ROWS),)](
        points,
        points.index_select(0, pool),
        far,
        tokens,
        size,
        len(pool),
        width=POOL,
        rows=ROWS,
        unroll=UNROLL,
        num_warps=WARPS,
    )
    return far


@triton.jit(do_not_specialize=["held"])
def _compare(
    points,
    others,
    far,
    tokens,
    size,
    held,
    width: tl.constexpr,
    rows: tl.constexpr,
    unroll: tl.constexpr,
):
    row = tl.program_id(0) * rows + tl.arange(0, rows)
    column = tl.arange(0, width)
    step = tl.arange(0, unroll)
    is_row = row < tokens
    is_column = column < held
    mine = points + (row.to(tl.int64) * size)[:, None, None] + step[None, None, :]
    theirs = others + (column * size)[None, :, None] + step[None, None, :]
    total = tl.zeros((rows, width), tl.float32)
    for begin in range(0, size, unroll):
        inside = (begin + step < size)[None, None, :]
        here = tl.load(mine + begin, mask=is_row[:, None, None] & inside, other=0.0)
        there = tl.load(theirs + begin, mask=is_column[None, :, None] & inside, other=0.0)
        gap = here - there
        total += tl.sum(gap * gap, axis=2)
    place = column.to(tl.int64)[None, :] * tokens + row[:, None]
    tl.store(far + place, total, mask=is_row[:, None] & is_column[None, :])


@triton.jit(do_not_specialize=["limit", "skip", "forced"])
def _pick(
    far,
    nearest,
    gain,
    pool,
    order,
    radii,
    picked,
    tokens,
    limit,
    skip,
    weight,
    least,
    forced,
    size: tl.constexpr,
    block: tl.constexpr,
):
    places = tl.arange(0, size)
    members = tl.load(pool + places)
    count = tl.load(picked)
    number = count * 0
    column = count * 0
    while column >= 0:
        token = tl.load(pool + column)
        top = tl.full((), 0.0, tl.float32)
        radius = tl.full((), 0.0, tl.float32)
        for begin in range(0, tokens, block):
            at = begin + tl.arange(0, block)
            inside = at < tokens
            gap = tl.load(far + column.to(tl.int64) * tokens + at, mask=inside, other=0.0)
            gap = tl.minimum(gap, tl.load(nearest + at, mask=inside, other=0.0))
            tl.store(nearest + at, gap, mask=inside)
            top = tl.maximum(top, tl.max(gap, axis=0))
            radius = tl.maximum(radius, tl.max(tl.where(at >= skip, gap, 0.0), axis=0))
        tl.store(order + count, token)
        tl.store(radii + count, radius)
        tl.store(gain + token, float("-inf"))
        tl.debug_barrier()  # what one thread stored another reads
        count += 1
        number += 1
        if number < forced:
            column = number
        else:
            column = _place_of_best(
                nearest, gain, members, tokens, weight / tl.maximum(tl.sqrt_rn(top), least), block
            )
        if count >= limit:
            column = count * 0 - 1
    tl.store(picked, count)


@triton.jit
def _place_of_best(nearest, gain, members, tokens, share, block: tl.constexpr):
    """Return where in the pool the best of all points is, the first of equals; -1 if not there."""
    best = tl.full((), float("-inf"), tl.float32)
    found = tl.full((), -1, tl.int64)
    for begin in range(0, tokens, block):
        at = begin + tl.arange(0, block)
        inside = at < tokens
        rating = tl.sqrt_rn(tl.load(nearest + at, mask=inside, other=0.0)) * share
        rating = tl.where(
            inside, rating + tl.load(gain + at, mask=inside, other=0.0), float("-inf")
        )
        highest = tl.max(rating, axis=0)
        first = begin + tl.argmax(rating, axis=0)
        found = tl.where(highest > best, first.to(tl.int64), found)
        best = tl.maximum(best, highest)
    places = tl.arange(0, members.shape[0])
    return tl.max(tl.where((members == found) & (found >= 0), places, -1), axis=0)
