"""The lazy cover: what comparing every point with every landmark would give, bit for bit, from far fewer distances."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import Evidence, rank
from warp_cortex.farthest import Cover

LAZY, EAGER = 0, 1 << 40


def cloud(tokens: int, *, size: int = 24, seed: int = 0) -> Evidence:
    """Points of a few dimensions' worth of variety with noise, as keys have, and skewed attention."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.randn(tokens, 6, generator=draw) @ torch.randn(6, size, generator=draw)
    points += torch.randn(tokens, size, generator=draw)
    received = torch.rand(tokens, generator=draw) ** 4
    return Evidence(points=points, keys=points, attention=received[None], received=received)


def grid(tokens: int, *, seed: int) -> Evidence:
    """Whole-number points in the plane, so that distances tie and points coincide."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.randint(-4, 5, (tokens, 2), generator=draw).float()
    received = torch.randint(0, 3, (tokens,), generator=draw).float()
    return Evidence(points=points, keys=points, attention=received[None], received=received)


def nearest(points: Tensor, landmarks: list[int]) -> Tensor:
    """Distances by the definition, in double precision."""
    return torch.cdist(points.double(), points[landmarks].double()).min(1).values


@settings(deadline=None, max_examples=60)
@given(
    st.integers(8, 40), st.integers(1, 8), st.integers(0, 3), st.integers(0, 5), st.floats(0, 1), st.integers(0, 999)
)
def test_lazy_is_eager(tokens, k, sinks, recent, alpha, seed):
    """Same picks and same radii to the last bit, ties, coinciding points and fixed landmarks included."""
    evidence, found = grid(tokens, seed=seed), []
    with pytest.MonkeyPatch.context() as patch:
        for limit in (LAZY, EAGER):
            patch.setattr("warp_cortex.farthest.EAGER_ELEMENTS", limit)
            found.append(rank(evidence, k=k, alpha=alpha, sinks=sinks, recent=recent))
    assert found[0].order.tolist() == found[1].order.tolist()
    assert torch.equal(found[0].radii, found[1].radii)


@pytest.mark.parametrize("policy", ["hybrid", "farthest", "h2o", "random"])
def test_lazy_is_eager_for_every_kind_of_policy(policy, monkeypatch):
    """Radii are lazy for policies that do not look at distances too."""
    evidence, found = cloud(500), []
    for limit in (LAZY, EAGER):
        monkeypatch.setattr("warp_cortex.farthest.EAGER_ELEMENTS", limit)
        found.append(rank(evidence, k=60, policy=policy))
    assert found[0].order.tolist() == found[1].order.tolist()
    assert torch.equal(found[0].radii, found[1].radii)


def test_a_lazy_cover_knows_every_distance_when_asked(monkeypatch):
    """Distances are those to the nearest landmark, however late they are asked for."""
    monkeypatch.setattr("warp_cortex.farthest.EAGER_ELEMENTS", LAZY)
    points = cloud(200).points
    cover = Cover(points)
    for index in (5, 100, 30, 7):
        radius = cover.add(index)
        assert radius == pytest.approx(
            float(nearest(points, [5, 100, 30, 7][: 1 + [5, 100, 30, 7].index(index)]).max())
        )
    torch.testing.assert_close(cover.distances.double(), nearest(points, [5, 100, 30, 7]), rtol=1e-5, atol=1e-5)
    assert cover.evaluations == 4 * 200


def test_most_distances_are_never_computed(monkeypatch):
    """Choosing 64 of 4,000 takes less than half of the 64 x 4,000 distances; eagerly it takes all of them."""
    evidence, counts = cloud(4000, size=64), []
    made: list[Cover] = []

    def watched(points: Tensor, *, skip: int = 0) -> Cover:
        made.append(Cover(points, skip=skip))
        return made[-1]

    monkeypatch.setattr("warp_cortex.landmarks.Cover", watched)
    for limit in (LAZY, EAGER):
        monkeypatch.setattr("warp_cortex.farthest.EAGER_ELEMENTS", limit)
        rank(evidence, k=64)
        counts.append(made[-1].evaluations)
    assert counts[1] == 64 * 4000
    assert counts[0] < counts[1] / 2


def test_no_target_means_no_radius(monkeypatch):
    """When every point is skipped the radius is 0, lazily too."""
    monkeypatch.setattr("warp_cortex.farthest.EAGER_ELEMENTS", LAZY)
    cover = Cover(cloud(3).points, skip=3)
    assert cover.add(0) == 0
    assert rank(grid(5, seed=0), k=5, sinks=5).radii.tolist() == [0.0] * 5
