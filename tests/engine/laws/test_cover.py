"""The cover radius and its certificate: true to the definition, to float32, and to the best that
was possible.
"""

import itertools
import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex.landmarks.farthest import greedy
from warp_cortex.landmarks.ranking import Evidence, certificate, cover_radius, rank

PROPERTY = settings(max_examples=60)


def flat(points: Tensor) -> Evidence:
    """Evidence in which every token received the same attention."""
    same = torch.zeros(len(points))
    return Evidence(points=points, keys=points, attention=same[None], received=same)


def cloud(tokens: int, *, seed: int = 0) -> Evidence:
    """Whole-number points in the plane (so that distances tie and coincide) with random
    attention.
    """
    draw = torch.Generator().manual_seed(seed)
    points = torch.randint(-9, 10, (tokens, 2), generator=draw).float()
    attention = torch.rand(1, tokens, generator=draw)
    return Evidence(points=points, keys=points, attention=attention, received=attention[0])


def radius_of(points: Tensor, landmarks: list[int]) -> float:
    """The definition, in plain Python."""
    return max(
        min(math.dist(point, points[j].tolist()) for j in landmarks) for point in points.tolist()
    )


@PROPERTY
@given(
    st.integers(3, 9), st.integers(1, 3), st.integers(0, 2), st.floats(0, 0.49), st.integers(0, 999)
)
def test_the_certificate_holds(tokens, picks, fixed, alpha, seed):
    """The cover radius is at most certificate(alpha) times the best one with as many free
    landmarks.
    """
    assume(picks + fixed <= tokens)
    evidence = cloud(tokens, seed=seed)
    ranking = rank(evidence, k=picks + fixed, policy="hybrid", alpha=alpha, sinks=0, recent=fixed)
    kept = ranking.order[:fixed].tolist()
    best = min(
        radius_of(evidence.points, [*kept, *others])
        for others in itertools.combinations(range(tokens), picks)
    )
    assert ranking.radii[-1] <= certificate(alpha) * best * (1 + 1e-5)


def test_the_certificate_is_the_published_factor():
    """2 (1 - a) / (1 - 2 a): twice the optimum for farthest-point, none from alpha = 0.5 on."""
    assert certificate(0) == 2
    assert certificate(0.3) == pytest.approx(3.5)
    assert certificate(0.4) == pytest.approx(6)
    assert certificate(0.5) is None
    assert certificate(1.0) is None


def test_a_large_common_mean_does_not_spoil_distances():
    """Keys share a mean far larger than their spread; radii stay right to float32 precision all the
    same.
    """
    draw = torch.Generator().manual_seed(0)
    spread = torch.randint(-8, 9, (200, 16), generator=draw).float()
    radii = [rank(flat(spread + mean), k=40, policy="farthest").radii for mean in (0.0, 2.0**20)]
    assert torch.equal(radii[0], radii[1])


@pytest.mark.parametrize("power", [-60, 60])
def test_radii_scale_with_the_points(power):
    """Points times 2^n have the same landmarks, and radii times 2^n exactly: squares neither
    overflow nor vanish.
    """
    points = cloud(30).points
    plain, scaled = (
        rank(flat(points * scale), k=10, policy="farthest") for scale in (1.0, 2.0**power)
    )
    assert plain.order.tolist() == scaled.order.tolist()
    assert torch.equal(plain.radii * 2.0**power, scaled.radii)
    assert cover_radius(points * 2.0**power, [5]) == cover_radius(points, [5]) * 2.0**power


@pytest.mark.parametrize("power", [-149, 127])
def test_the_smallest_and_largest_numbers_have_their_radii(power):
    """At either end of what float32 holds, scaling the points loses none of them and makes nothing
    infinite.
    """
    points = torch.tensor([[0.0], [1.5 if power > 0 else 1.0]]) * 2.0**power
    assert cover_radius(points, [0], skip=0) == float(points[1])


def test_blocks_of_rows_change_nothing(monkeypatch):
    """The block size is a matter of speed only."""
    evidence = cloud(50)
    whole = greedy(evidence.points, evidence.received, first=[3, 40], picks=5, alpha=0.1)
    monkeypatch.setattr("warp_cortex.landmarks.farthest.CHUNK_ELEMENTS", 20)
    blocks = greedy(evidence.points, evidence.received, first=[3, 40], picks=5, alpha=0.1)
    assert blocks.order.tolist() == whole.order.tolist()
    assert torch.equal(blocks.radii, whole.radii)
    assert whole.evaluations == 7 * 50


def test_farthest_point_ignores_attention():
    """Beyond its first pick the farthest-point rule depends on geometry alone, flat attention
    included.
    """
    line = torch.tensor([[0.0], [1.0], [2.0], [7.0], [10.0]])
    assert rank(flat(line), k=4, policy="farthest", sinks=0, recent=0).order.tolist() == [
        0,
        4,
        3,
        2,
    ]
    assert rank(flat(line), k=3, policy="farthest", sinks=0, recent=1).order.tolist() == [4, 0, 3]
