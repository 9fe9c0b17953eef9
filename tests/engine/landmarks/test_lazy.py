"""The greedy cover's two ways on a CPU: comparing every point, and only those that matter."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import Evidence, rank
from warp_cortex.landmarks.farthest import Cover, greedy

LAZY = 0
EAGER = 1 << 60


def cloud(tokens: int, *, size: int = 24, seed: int = 0) -> Evidence:
    """Points of few dimensions plus noise, as keys are, and skewed attention."""
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


@settings(max_examples=60)
@given(
    st.integers(8, 40),
    st.integers(1, 8),
    st.integers(0, 3),
    st.integers(0, 5),
    st.sampled_from([0.0, 1.0]),
    st.integers(0, 999),
)
def test_lazy_is_eager(tokens, k, sinks, recent, alpha, seed):
    """Picks and radii agree to the last bit, with ties, coinciding points and fixed landmarks."""
    evidence = grid(tokens, seed=seed)
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for limit in (LAZY, EAGER):
            patch.setattr("warp_cortex.landmarks.farthest.LIGHT", limit)
            found.append(rank(evidence, k=k, alpha=alpha, sinks=sinks, recent=recent))
    assert found[0].order.tolist() == found[1].order.tolist()
    assert torch.equal(found[0].radii, found[1].radii)


@settings(max_examples=60)
@given(
    st.integers(8, 40), st.integers(1, 8), st.integers(1, 5), st.floats(0, 1), st.integers(0, 999)
)
def test_every_pick_is_the_best_by_the_definition(tokens, picks, fixed, alpha, seed):
    """In double precision no open point beats the one picked by more than a rounding error."""
    evidence = grid(tokens, seed=seed)
    scores = evidence.received / 2
    picks = min(picks, tokens - fixed)
    for cover in covers(evidence.points, scores, first=range(fixed), picks=picks, alpha=alpha):
        order = cover.order.tolist()
        for count in range(fixed, len(order)):
            far = nearest(evidence.points, order[:count])
            top = float(far.max())
            value = alpha * scores.double() + (1 - alpha) * (far / top if top else far)
            value[order[:count]] = -1
            assert float(value[order[count]]) >= float(value.max()) - 1e-6


@pytest.mark.parametrize("policy", ["hybrid", "farthest", "h2o", "random"])
def test_lazy_is_eager_for_every_kind_of_policy(policy, monkeypatch):
    """On any points the picks agree, and the radii up to the order of the sums."""
    evidence = cloud(500)
    found = []
    for limit in (LAZY, EAGER):
        monkeypatch.setattr("warp_cortex.landmarks.farthest.LIGHT", limit)
        found.append(rank(evidence, k=60, policy=policy))
    assert found[0].order.tolist() == found[1].order.tolist()
    torch.testing.assert_close(found[0].radii, found[1].radii, rtol=1e-6, atol=0)


def covers(points: Tensor, scores: Tensor, **how: object) -> list[Cover]:
    """Return the lazy cover and the eager one."""
    made = []
    with pytest.MonkeyPatch.context() as patch:
        for limit in (LAZY, EAGER):
            patch.setattr("warp_cortex.landmarks.farthest.LIGHT", limit)
            made.append(greedy(points, scores, **how))
    return made


def test_radii_are_true_after_every_landmark():
    """The radius after each landmark, given or picked, is the one by the definition."""
    evidence = cloud(200)
    lazy, eager = covers(
        evidence.points, evidence.received, first=[5, 100, 30, 7], picks=6, alpha=0.2
    )
    assert lazy.order.tolist() == eager.order.tolist()
    for cover in (lazy, eager):
        order = cover.order.tolist()
        want = [float(nearest(evidence.points, order[:count]).max()) for count in range(1, 11)]
        torch.testing.assert_close(
            cover.radii.double(), torch.tensor(want).double(), rtol=1e-5, atol=1e-5
        )
    assert lazy.evaluations <= eager.evaluations == 10 * 200


def test_most_distances_are_never_computed():
    """Choosing 64 of 4,000 lazily takes less than half of the 64 x 4,000 distances."""
    evidence = cloud(4000, size=64)
    lazy, eager = covers(evidence.points, evidence.received, first=range(20), picks=44, alpha=0.3)
    assert eager.evaluations == 64 * 4000
    assert lazy.evaluations < eager.evaluations / 2


def test_only_a_long_text_is_worth_compiled_loops(monkeypatch):
    """Below the limit nothing is compiled; from there on the compiled loop picks."""
    asked = []
    monkeypatch.setattr(
        "warp_cortex.landmarks.farthest._compare_some",
        lambda *args, **_: asked.append(args) or 1 / 0,
    )
    evidence = cloud(100)
    monkeypatch.setattr("warp_cortex.landmarks.farthest.LIGHT", 100 * 24 * 9)
    rank(evidence, k=8)
    assert not asked
    with pytest.raises(ZeroDivisionError):
        rank(evidence, k=9)


def test_without_compiled_loops_everything_is_compared(monkeypatch):
    """An installation without numba gives the same landmarks, at the price of all distances."""
    evidence = cloud(300)
    monkeypatch.setattr("warp_cortex.landmarks.farthest.LIGHT", LAZY)
    with_loops = rank(evidence, k=40)
    monkeypatch.setitem(sys.modules, "warp_cortex.kernels.cover_numba", None)
    monkeypatch.delattr("warp_cortex.kernels.cover_numba", raising=False)
    without = rank(evidence, k=40)
    assert without.order.tolist() == with_loops.order.tolist()
    assert with_loops.evaluations < without.evaluations == 300 * 40


def test_no_target_means_no_radius():
    """When every point is skipped the radius is 0, lazily too."""
    evidence = cloud(3)
    for cover in covers(evidence.points, evidence.received, first=[0], picks=1, skip=3):
        assert cover.radii.tolist() == [0, 0]
    assert rank(grid(5, seed=0), k=5, sinks=5).radii.tolist() == [0.0] * 5


def test_loops_give_way_to_other_threads():
    """The compiled loop releases the interpreter's lock, so that other threads go on meanwhile."""
    from warp_cortex.kernels import cover_numba

    assert cover_numba.greedy.targetoptions["nogil"]
