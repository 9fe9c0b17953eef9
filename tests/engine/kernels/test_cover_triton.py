"""The greedy cover as kernels has the picks and radii of the reference, in Triton's interpreter,
which needs no GPU.
"""

from types import ModuleType

import pytest
import torch
from torch import Tensor
from warp_cortex.landmarks.farthest import compare_all


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Pools of 4 points and small blocks, so that a small cloud takes many pools and several
    blocks.
    """
    pytest.importorskip(
        "triton", reason="Triton, which the CUDA parts are written in, is not installed"
    )
    from warp_cortex.kernels import cover_triton

    for name, value in {"POOL": 4, "ROWS": 32, "BLOCK": 64}.items():
        monkeypatch.setattr(cover_triton, name, value)
    return cover_triton


def cloud(tokens: int, *, size: int = 10, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Points of a few dimensions' worth of variety, and skewed scores."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.randn(tokens, 6, generator=draw) @ torch.randn(6, size, generator=draw)
    return points, torch.rand(tokens, generator=draw) ** 4


def both(
    kernels: ModuleType, points: Tensor, scores: Tensor, given: list[int], picks: int, **rule: float
) -> None:
    """Choose both ways and compare."""
    order = torch.zeros(len(given) + picks, dtype=torch.long)
    order[: len(given)] = torch.tensor(given)
    settings = {"fixed": len(given), "alpha": 0.3, "skip": 2, **rule}
    want, radii = compare_all(points, scores, order, **settings)
    got, ours, evaluations = kernels.greedy(points, scores, order, **settings)
    assert got.tolist() == want.tolist()
    torch.testing.assert_close(ours, radii, rtol=1e-5, atol=1e-4)
    assert (
        kernels.POOL * len(points) <= evaluations <= (len(order) + 1) * kernels.POOL * len(points)
    )
    assert not order[len(given) :].any(), "what was given is not written to"


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_picks_from_pools_are_the_picks(kernels: ModuleType, alpha: float, seed: int) -> None:
    """Known landmarks first, more of them than a pool holds; then every pick, over several
    pools.
    """
    points, scores = cloud(130, seed=seed)
    both(kernels, points, scores, [0, 1, 129, 128, 127, 126], 9, alpha=alpha)


def test_ties_go_to_the_first_and_copies_are_picked_once(kernels: ModuleType) -> None:
    """On a grid with many copies, and where all points coincide and a pool holds none of the first
    of equals.
    """
    draw = torch.Generator().manual_seed(3)
    points = torch.randint(-2, 3, (90, 2), generator=draw).float()
    both(kernels, points, torch.randint(0, 3, (90,), generator=draw).float() / 2, [5], 12)
    both(kernels, torch.ones(40, 3), torch.zeros(40), [7], 10)


@pytest.mark.parametrize(
    ("tokens", "given", "picks", "skip"), [(3, [2], 2, 0), (1, [0], 0, 0), (6, [1, 4], 0, 6)]
)
def test_few_points(
    kernels: ModuleType, tokens: int, given: list[int], picks: int, skip: int
) -> None:
    """Fewer points than a pool, nothing to pick, and no target at all."""
    both(kernels, *cloud(tokens, size=3), given, picks, skip=skip)


def test_distances_are_summed_differences(kernels: ModuleType) -> None:
    """A mean a million times the spread costs no digit, as it would if squares were subtracted."""
    points = cloud(50)[0] + 2.0**20
    pool = torch.tensor([3, 0, 49])
    want = (points[pool][:, None] - points[None]).square().sum(-1)
    torch.testing.assert_close(kernels.distances(points, pool), want, rtol=1e-6, atol=0)
    assert kernels.distances(points, pool)[0, 3] == 0
