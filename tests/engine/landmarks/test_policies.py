"""Each score policy against its definition on evidence small enough to work out by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import Evidence, rank
from warp_cortex.landmarks.policies import find_policy, policies


def evidence(tokens: int, **values: torch.Tensor) -> Evidence:
    """Evidence in which only the named values matter."""
    flat = {
        "points": torch.zeros(tokens, 1),
        "keys": torch.ones(tokens, 2),
        "attention": torch.zeros(1, tokens),
        "received": torch.zeros(tokens),
    }
    return Evidence(**(flat | values))


def picks(policy: str, given_: Evidence, *, k: int, seed: int | None = None) -> list[int]:
    """The order a policy alone would choose: no sinks, no recent tokens."""
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return rank(given_, k=k, policy=policy, sinks=0, recent=0, generator=generator).order.tolist()


def test_h2o_prefers_what_received_most_attention():
    """H2O ranks by attention received; equals come in text order."""
    assert picks("h2o", evidence(4, received=torch.tensor([0.1, 0.5, 0.5, 0.2])), k=4) == [
        1,
        2,
        3,
        0,
    ]


def test_tova_asks_the_last_query_only():
    """TOVA ranks by the last query's attention, whatever earlier queries looked at."""
    attention = torch.tensor([[9.0, 0.0, 0.0], [0.1, 0.2, 0.3]])
    assert picks("tova", evidence(3, attention=attention), k=3) == [2, 1, 0]


def test_snapkv_lifts_the_neighbours_of_what_the_window_saw():
    """SnapKV averages the window's queries, then pools over three neighbours on each side."""
    attention = torch.zeros(2, 20)
    attention[0, 10] = 1.0
    attention[1, 1] = 0.4
    score = find_policy("snapkv").score
    assert score is not None
    scores = score(evidence(20, attention=attention), None)
    assert scores.tolist() == pytest.approx([0.2] * 5 + [0.0] * 2 + [0.5] * 7 + [0.0] * 6)
    assert picks("snapkv", evidence(20, attention=attention), k=8) == [7, 8, 9, 10, 11, 12, 13, 0]


def test_keydiff_prefers_the_key_least_like_the_mean():
    """KeyDiff ranks by minus the cosine to the mean key; lengths do not matter."""
    keys = torch.tensor([[1.0, 0.1], [50.0, 0.0], [-1.0, 1.0], [1.0, 0.3]])
    assert picks("keydiff", evidence(4, keys=keys), k=2)[0] == 2


def test_recent_keeps_no_sinks_and_streaming_keeps_them():
    """The two windows differ by the sinks alone."""
    plain = evidence(12)
    assert rank(plain, k=6, policy="recent", sinks=4, recent=3).order.tolist() == [
        11,
        10,
        9,
        8,
        7,
        6,
    ]
    assert rank(plain, k=6, policy="streaming", sinks=4, recent=1).order.tolist() == [
        0,
        1,
        2,
        3,
        11,
        10,
    ]


def test_random_is_reproducible_and_depends_on_its_generator():
    """Same seed, same landmarks; another seed, others; no generator means seed 0."""
    plain = evidence(200)
    assert picks("random", plain, k=20, seed=7) == picks("random", plain, k=20, seed=7)
    assert picks("random", plain, k=20, seed=7) != picks("random", plain, k=20, seed=8)
    assert picks("random", plain, k=20) == picks("random", plain, k=20, seed=0)


def test_random_is_uniform():
    """Over many draws every token is picked about equally often (5 standard errors)."""
    source = torch.Generator().manual_seed(1)
    counts = torch.zeros(10)
    for _ in range(400):
        order = rank(evidence(10), k=3, policy="random", sinks=0, recent=0, generator=source).order
        counts[order] += 1
    assert float((counts - 120).abs().max()) < 5 * math.sqrt(400 * 0.3 * 0.7)


@settings(max_examples=60)
@given(st.integers(1, 300), st.data())
def test_stride_is_evenly_spread_at_every_size(tokens, data):
    """No gap exceeds the stride of the largest power of two that fits into k."""
    k = data.draw(st.integers(1, tokens))
    chosen = sorted(picks("stride", evidence(tokens), k=k))
    gaps = [after - before for before, after in zip(chosen, [*chosen[1:], tokens], strict=True)]
    assert chosen[0] == 0
    assert max(gaps) <= math.ceil(tokens / 2 ** int(math.log2(k)))


def test_stride_halves_the_text_again_and_again():
    """The order is repeated bisection: start, middle, quarters, eighths."""
    assert picks("stride", evidence(16), k=8) == [0, 8, 4, 12, 2, 10, 6, 14]


@pytest.mark.parametrize("name", [known.name for known in policies() if known.score])
def test_scores_are_float32_one_per_token_and_leave_the_evidence_alone(name):
    """A policy returns float32 [T], finite, and changes nothing it was given."""
    draw = torch.Generator().manual_seed(3)
    values = {name: torch.rand(9, 5, generator=draw) for name in ("points", "keys")}
    given_ = evidence(
        9,
        **values,
        attention=torch.rand(4, 9, generator=draw),
        received=torch.rand(9, generator=draw),
    )
    before = [
        value.clone() for value in (given_.points, given_.keys, given_.attention, given_.received)
    ]
    scores = find_policy(name).score(given_, None)
    assert scores.dtype == torch.float32
    assert scores.shape == (9,)
    assert bool(torch.isfinite(scores).all())
    after = (given_.points, given_.keys, given_.attention, given_.received)
    assert all(torch.equal(old, new) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        (
            "points",
            torch.tensor([[math.nan]] * 3),
            ValueError,
            "evidence.points must be finite, got 3 non-finite",
        ),
        ("keys", torch.full((3, 1), -math.inf), ValueError, "evidence.keys must be finite"),
        (
            "attention",
            torch.zeros(1, 4),
            ValueError,
            "evidence.attention describes 4 tokens, but evidence.points has",
        ),
        ("received", torch.zeros(2), ValueError, "evidence.received describes 2 tokens"),
        (
            "received",
            torch.zeros(1, 3),
            ValueError,
            r"evidence.received must have 1 non-empty dimensions, got shape",
        ),
        ("points", torch.zeros(3, 0), ValueError, "non-empty dimensions"),
        (
            "keys",
            torch.zeros(3, 1, dtype=torch.float16),
            TypeError,
            "must be a float32 tensor, got torch.float16",
        ),
        ("keys", [[0.0]] * 3, TypeError, "evidence.keys must be a float32 tensor, got list"),
    ],
)
def test_bad_evidence_is_named(name, value, error, words):
    """Evidence that is not finite, not float32 or of another length is refused by name."""
    with pytest.raises(error, match=words):
        evidence(3, **{name: value})
