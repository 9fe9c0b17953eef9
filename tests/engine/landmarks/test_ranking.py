"""Ranking as a whole: which tokens become landmarks, in which order, and how well they cover."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import POLICIES, Evidence, cover_radius, rank

PROPERTY = settings(max_examples=60)
CUT = [name for name in POLICIES if name != "all"]


def made(tokens: int, *, seed: int = 0, size: int = 3, spread: int = 4) -> Evidence:
    """Evidence with whole-number points, so that distances tie and float32 is exact."""
    draw = torch.Generator().manual_seed(seed)
    points = torch.randint(-spread, spread + 1, (tokens, size), generator=draw).float()
    attention = torch.rand(5, tokens, generator=draw)
    return Evidence(
        points=points, keys=points + 1, attention=attention, received=attention.mean(dim=0)
    )


def brute_radius(points: Tensor, landmarks: list[int], *, skip: int) -> float:
    """The definition: the largest of the smallest distances, in float64."""
    far = torch.cdist(
        points.double(), points[landmarks].double(), compute_mode="donot_use_mm_for_euclid_dist"
    )
    targets = far.min(dim=1).values[skip:]
    return float(targets.max()) if len(targets) else 0.0


def brute_hybrid(
    points: Tensor, scores: Tensor, *, first: list[int], k: int, alpha: float
) -> list[int]:
    """The rule of the hybrid policy, written down literally in float64."""
    chosen = list(first)
    scores = scores.double()
    while len(chosen) < k:
        left = [index for index in range(len(points)) if index not in chosen]
        low = min(scores[i] for i in range(len(points)) if i not in first)
        high = 0.0
        high = max(float(scores[i]) for i in range(len(points)) if i not in first)
        unit = {
            i: float(scores[i] - low) / (high - float(low)) if high > low else 0.0 for i in left
        }
        if chosen:
            d = {
                i: min(float((points[i] - points[j]).double().norm()) for j in chosen) for i in left
            }
            top = max(d.values())
            value = {i: alpha * unit[i] + (1 - alpha) * (d[i] / top if top else 0.0) for i in left}
        else:
            value = unit
        chosen.append(max(left, key=lambda i: (value[i], -i)))
    return chosen


@PROPERTY
@given(st.sampled_from(CUT), st.data())
def test_landmarks_are_k_distinct_sorted_tokens_with_sinks_and_recents(policy, data):
    """Landmarks are k distinct tokens, sorted; sinks come first, then the latest tokens."""
    tokens = data.draw(st.integers(1, 24))
    k = data.draw(st.integers(1, tokens))
    sinks = data.draw(st.integers(0, 5))
    recent = data.draw(st.integers(0, 5))
    ranking = rank(
        made(tokens, seed=tokens, spread=1), k=k, policy=policy, sinks=sinks, recent=recent
    )
    order = ranking.order.tolist()
    assert len(order) == len(set(order)) == k
    assert set(order) <= set(range(tokens))
    assert ranking.landmarks().tolist() == sorted(order)
    kept = list(range(min(tokens, 0 if policy == "recent" else sinks)))
    kept += [index for index in range(tokens - 1, -1, -1) if index not in kept][:recent]
    assert order[: len(kept)] == kept[:k]


@PROPERTY
@given(st.sampled_from(CUT), st.integers(2, 20), st.data())
def test_orders_are_nested(policy, tokens, data):
    """The landmarks for a smaller k' are the first k' of those for k, and their radii agree."""
    few = data.draw(st.integers(1, tokens - 1))
    evidence = made(tokens, seed=few)
    whole = rank(evidence, k=tokens, policy=policy, sinks=1, recent=2)
    part = rank(evidence, k=few, policy=policy, sinks=1, recent=2)
    assert whole.order[:few].tolist() == part.order.tolist()
    assert whole.radii[:few].tolist() == part.radii.tolist()
    assert whole.landmarks(few).tolist() == part.landmarks().tolist()


@PROPERTY
@given(st.sampled_from(CUT), st.integers(1, 20), st.integers(0, 6), st.integers(0, 99))
def test_radii_are_the_cover_radii_and_never_grow(policy, tokens, sinks, seed):
    """After every pick the radius is the brute-force cover radius of the points past the sinks."""
    evidence = made(tokens, seed=seed)
    ranking = rank(evidence, k=tokens, policy=policy, sinks=sinks, recent=2)
    order = ranking.order.tolist()
    radii = ranking.radii.tolist()
    assert radii == sorted(radii, reverse=True)
    for count, radius in enumerate(radii, start=1):
        assert radius == pytest.approx(
            brute_radius(evidence.points, order[:count], skip=sinks), rel=1e-6
        )
        assert radius == pytest.approx(
            cover_radius(evidence.points, order[:count], skip=sinks), rel=1e-6
        )
    assert radii[-1] == 0


@PROPERTY
@given(
    st.integers(2, 12),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0]),
)
def test_the_hybrid_rule_is_the_written_one(tokens, sinks, recent, alpha):
    """Each pick has the largest alpha s + (1 - alpha) d / max d, ties to the lowest index."""
    evidence = made(tokens, seed=tokens, spread=40)
    first = (
        rank(evidence, k=tokens, policy="hybrid", sinks=sinks, recent=recent)
        .order[: sinks + recent]
        .tolist()
    )
    found = rank(
        evidence, k=tokens, policy="hybrid", alpha=alpha, sinks=sinks, recent=recent
    ).order.tolist()
    assert found == brute_hybrid(
        evidence.points, evidence.received, first=first, k=tokens, alpha=alpha
    )


@PROPERTY
@given(st.integers(1, 20), st.integers(0, 99))
def test_alpha_zero_is_farthest_point_and_alpha_one_is_top_k(tokens, seed):
    """The rule's ends are the farthest-point order and the order of attention received."""
    evidence = made(tokens, seed=seed)
    orders = {
        name: rank(evidence, k=tokens, policy=policy, alpha=alpha, sinks=2, recent=3).order.tolist()
        for name, policy, alpha in (
            ("0", "hybrid", 0),
            ("far", "farthest", 0.9),
            ("1", "hybrid", 1),
            ("top", "h2o", 0),
        )
    }
    assert orders["0"] == orders["far"]
    assert orders["1"] == orders["top"]


def test_a_sink_does_not_flatten_everyone_elses_attention():
    """Scores are scaled over tokens that can be picked: a sink with all the mass changes none."""
    base = made(12, seed=5, spread=30)
    flooded = base.received.clone()
    flooded[0] = 1e4
    heavy = Evidence(points=base.points, keys=base.keys, attention=base.attention, received=flooded)
    orders = [
        rank(given_, k=12, alpha=0.6, sinks=1, recent=0).order.tolist() for given_ in (base, heavy)
    ]
    assert orders[0] == orders[1] != rank(base, k=12, alpha=0, sinks=1, recent=0).order.tolist()


@pytest.mark.parametrize("policy", CUT)
def test_more_recent_tokens_than_there_are(policy):
    """Where sinks and recents cover the text the order is theirs alone, under every policy."""
    sinks = 0 if policy == "recent" else 2
    order = rank(made(6), k=6, policy=policy, sinks=2, recent=9).order.tolist()
    assert order == [*range(sinks), *range(5, sinks - 1, -1)]


@pytest.mark.parametrize("policy", CUT)
def test_coinciding_points_never_give_coinciding_landmarks(policy):
    """Identical points and attention give k different tokens, the lowest indices first."""
    same = torch.ones(30, 4)
    evidence = Evidence(
        points=same, keys=same, attention=torch.full((3, 30), 0.1), received=torch.full((30,), 0.1)
    )
    ranking = rank(evidence, k=30, policy=policy)
    assert sorted(ranking.order.tolist()) == list(range(30))
    assert ranking.radii.tolist() == [0] * 30
    if policy not in {"random", "stride", "recent", "streaming"}:
        assert ranking.order[20:].tolist() == list(range(4, 14))


def test_all_keeps_every_token_whatever_k_says():
    """Policy "all" is the whole context in text order, at radius 0."""
    ranking = rank(made(9), k=64, policy="all")
    assert ranking.order.tolist() == ranking.landmarks().tolist() == list(range(9))
    assert ranking.radii.tolist() == [0] * 9


def test_gradients_are_not_recorded():
    """Selecting landmarks never builds an autograd graph."""
    base = made(12)
    tracked = Evidence(
        points=base.points.requires_grad_(),
        keys=base.keys,
        attention=base.attention,
        received=base.received,
    )
    ranking = rank(tracked, k=6)
    assert not ranking.radii.requires_grad
    assert not ranking.scores.requires_grad


@pytest.mark.parametrize(
    ("settings_", "error", "words"),
    [
        ({"k": 0}, ValueError, "k must be at least 1, got 0"),
        ({"k": 10}, ValueError, "k must be at most 9, the number of tokens of the context, got 10"),
        ({"k": 2.0}, TypeError, r"k must be a whole number, got 2.0"),
        ({"k": 3, "alpha": 1.5}, ValueError, "alpha must be between 0 and 1, got 1.5"),
        ({"k": 3, "alpha": math.nan}, ValueError, "got nan"),
        ({"k": 3, "policy": "hybird"}, ValueError, "did you mean 'hybrid'"),
        ({"k": 3, "sinks": -1}, ValueError, "sinks must be at least 0, got -1"),
        ({"k": 3, "recent": -1}, ValueError, "recent must be at least 0, got -1"),
        ({"k": 0, "policy": "all"}, ValueError, "k must be at least 1, got 0"),
    ],
)
def test_bad_settings_are_named(settings_, error, words):
    """A setting out of range is refused by name, value and what would be accepted."""
    with pytest.raises(error, match=words):
        rank(made(9), **settings_)


def test_bad_questions_to_a_ranking_or_a_cover_are_named():
    """More landmarks than were ranked, and landmarks that are no tokens, are refused."""
    with pytest.raises(
        ValueError, match="k must be at most 4, the number of ranked landmarks, got 5"
    ):
        rank(made(9), k=4).landmarks(5)
    with pytest.raises(ValueError, match=r"from 0 to 8, got \[9\]"):
        cover_radius(made(9).points, [0, 9])
    with pytest.raises(ValueError, match="got none"):
        cover_radius(made(9).points, torch.tensor([], dtype=torch.long))
    assert cover_radius(made(3).points, [0]) == 0  # every point is left out as a target
