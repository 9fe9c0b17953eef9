"""Incremental snapshots: certified to cover all tokens, chosen from few, exact at first."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import Context, InjectionConfig, Prism, Snapshot, Synapse, SynapseConfig
from warp_cortex.context import points as context_points
from warp_cortex.run import memory
from warp_cortex.synapse import coresets
from warp_cortex.synapse.coresets import Coresets
from warp_cortex.thoughts.injection import Injector

from tests.engine.tiny import build_prism, random_ids

SMALL = 12  # of a synapse that ranks no more than it shares
PROPERTY = settings(max_examples=12)


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model with room for a long text."""
    with build_prism("qwen2", max_position_embeddings=4096) as built:
        yield built


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rank only what is shared, so that a few hundred tokens make many coresets."""
    monkeypatch.setattr("warp_cortex.synapse.synapse.RANKED", SMALL)


def incremental(**settings: object) -> Synapse:
    """Return a synapse that considers only what it must."""
    return Synapse(
        SynapseConfig(**{"k": SMALL, "sinks": 2, "recent": 3, "incremental": True, **settings})
    )


def exact(**settings: object) -> Synapse:
    """Return a synapse that considers everything."""
    return incremental(**settings, incremental=False)


def river(prism: Prism, count: int, *, seed: int = 1) -> Context:
    """Return the context of some ids."""
    context = Context(prism)
    context.read(random_ids(count, seed=seed))
    return context


def true_radius(context: Context, landmarks: Tensor, units: Coresets) -> float:
    """The largest distance of a token, sinks aside, to the landmarks, in the coresets' units."""
    everything = torch.arange(context.num_tokens)
    points = context_points.framed(context, "keys", everything, units.frame).double()
    return float(torch.cdist(points[2:], points[landmarks]).min(1).values.max())


@pytest.mark.parametrize("policy", ["hybrid", "farthest"])
@pytest.mark.parametrize("space", ["keys", "rotated", "values", "hidden"])
def test_the_first_snapshot_is_exact(prism, policy, space):
    """Without an earlier snapshot landmarks, ranking and radius are those of all tokens."""
    context = river(prism, 120)
    mine, reference = (
        make(policy=policy, space=space).publish(context) for make in (incremental, exact)
    )
    assert mine.landmarks.tolist() == reference.landmarks.tolist()
    assert mine.ranking.tolist() == reference.ranking.tolist()
    assert mine.radius == pytest.approx(reference.radius, rel=1e-5)
    assert mine.slack == reference.slack == 0
    assert torch.equal(mine.kv.keys, reference.kv.keys)


@PROPERTY
@given(
    first=st.integers(20, 200),
    additions=st.lists(st.integers(0, 90), min_size=1, max_size=6),
    alpha=st.floats(0, 0.49),
)
def test_the_radius_bounds_the_true_one(prism, first, additions, alpha):
    """However the text grows, no token is farther from the landmarks than the snapshot says.

    And there are k of them, sorted, without repeats, sinks and recent tokens among them, with the
    cache's entries.
    """
    context = river(prism, first)
    synapse = incremental(alpha=alpha)
    synapse.publish(context)
    for number, count in enumerate(additions):
        if count:
            context.read(random_ids(count, seed=number))
        check(context, synapse.publish(context), synapse._coresets)


def check(context: Context, snapshot: Snapshot, units: Coresets | None) -> None:
    """Assert everything a snapshot promises."""
    assert units is not None
    total = context.num_tokens
    marks = snapshot.landmarks.tolist()
    assert marks == sorted(set(marks))
    assert len(marks) == SMALL
    assert {0, 1, total - 1, total - 2, total - 3} <= set(marks)
    assert torch.equal(snapshot.kv.positions, snapshot.landmarks)
    assert torch.equal(snapshot.kv.keys, context.store.data[:, 0, :, snapshot.landmarks])
    assert true_radius(context, snapshot.landmarks, units) <= snapshot.radius * (1 + 1e-5)
    assert snapshot.radius >= snapshot.slack


def test_each_coreset_covers_its_stretch(prism):
    """Coresets follow one another, shrink by half at least, and cover within their radius."""
    context = river(prism, 60)
    synapse = incremental()
    for number in range(30):
        synapse.publish(context)
        context.read(random_ids(25, seed=number))
    grown = synapse._coresets
    sizes = [coreset.tokens for coreset in grown.coresets]
    assert all(former >= 2 * latter for former, latter in pairwise(sizes))
    points = context_points.framed(
        context, "keys", torch.arange(context.num_tokens), grown.frame
    ).double()
    begin = 0
    for coreset in grown.coresets:
        stretch = range(max(begin, 2), begin + coreset.tokens)
        assert set(coreset.positions.tolist()) <= set(range(begin, stretch.stop))
        distances = torch.cdist(points[list(stretch)], points[coreset.positions])
        assert float(distances.min(1).values.max()) <= coreset.radius * (1 + 1e-5)
        begin = stretch.stop
    assert begin == grown._end


def costs(prism: Prism, base: int, new: int) -> int:
    """Return the distances computed for a snapshot `new` tokens after a first one at `base`."""
    context = river(prism, base)
    synapse = incremental()
    synapse.publish(context)
    context.read(random_ids(new, seed=5))
    return synapse.publish(context).evaluations


def test_the_cost_is_that_of_the_new_tokens(prism):
    """Distances do not depend on the text's length: at most (members + new) x landmarks."""
    short = costs(prism, 100, 20)
    long = costs(prism, 1600, 20)
    assert short <= (SMALL + 20) * SMALL
    assert long <= (SMALL + 20) * SMALL
    assert costs(prism, 1600, 0) <= SMALL * SMALL
    context = river(prism, 1600)
    assert exact().publish(context).evaluations > 10 * long


def test_only_what_is_considered_is_read_from_the_cache(prism, monkeypatch):
    """A second snapshot reads points and attention of the members and new tokens only."""
    context = river(prism, 400)
    synapse = incremental()
    synapse.publish(context)
    context.read(random_ids(10, seed=2))
    asked: list[int] = []
    for name in ("framed", "attention", "measure"):
        work = getattr(context_points, name)

        def watched(*args: object, work: object = work) -> object:
            asked.append(max(len(arg) for arg in args if isinstance(arg, Tensor)))
            return work(*args)

        monkeypatch.setattr(context_points, name, watched)
    synapse.publish(context)
    assert sorted(asked) == [10, SMALL + 10, SMALL + 10]


def test_a_text_without_news_keeps_its_landmarks(prism):
    """Publishing again at once keeps sinks and recent tokens and stays within its bound."""
    context = river(prism, 200)
    synapse = incremental()
    first = synapse.publish(context)
    second = synapse.publish(context)
    assert second.landmarks.tolist() == first.landmarks.tolist()
    assert second.radius == pytest.approx(first.radius)
    assert (first.version, second.version) == (1, 2)


@pytest.mark.parametrize("change", ["evict", "another", "revoke"])
def test_what_no_longer_holds_is_not_built_upon(prism, change):
    """After an eviction, a revocation or another text all tokens are considered again."""
    context = river(prism, 100)
    synapse = incremental()
    synapse.publish(context)
    if change == "evict":
        context.evict(sinks=2, window=30)
    elif change == "another":
        context = river(prism, 100, seed=9)
    else:
        injector = Injector(context, InjectionConfig())
        made = injector.inject("a thought", stream=1)
        context.write(7)
        injector.revoke(made.id)
    snapshot = synapse.publish(context)
    assert snapshot.slack == 0
    assert (synapse._coresets is None) == (change == "evict")


def test_injected_thoughts_are_never_landmarks(prism):
    """With thoughts in between rows are found by position; only visible text is considered."""
    context = river(prism, 100)
    synapse = incremental()
    synapse.publish(context)
    Injector(context, InjectionConfig()).inject("a thought", stream=1)
    context.read(random_ids(9, seed=3))
    snapshot = synapse.publish(context)
    assert snapshot.slack > 0
    rows = context.store.text_rows()[snapshot.landmarks]
    assert torch.equal(context.store.positions[rows], snapshot.landmarks)
    assert torch.equal(snapshot.kv.values, context.store.data[:, 1, :, rows])
    assert int(snapshot.landmarks.max()) == 108


def test_units_are_taken_anew_when_the_text_has_drifted(prism, monkeypatch):
    """Running statistics are those of all tokens; past the factor all are measured again."""
    context = river(prism, 60)
    synapse = incremental()
    synapse.publish(context)
    context.read([65] * 200)
    synapse.publish(context)
    grown = synapse._coresets
    whole = context_points.measure(context, "keys")
    torch.testing.assert_close(grown._running.scale, whole.scale)
    torch.testing.assert_close(grown._running.mean, whole.mean, rtol=1e-4, atol=1e-4)
    assert grown.drift == pytest.approx(
        math.exp((whole.scale / grown.frame.scale).log().abs().max())
    )
    monkeypatch.setattr(coresets, "MOST_DRIFT", grown.drift - 1e-3)
    assert synapse.publish(context).slack == 0
    assert synapse._coresets is not grown
    assert synapse._coresets.drift == 1


def test_what_is_kept_is_small_and_counted(prism):
    """Positions and statistics are kept, as many as the text's logarithm, and memory shows them."""
    context = river(prism, 60)
    synapse = incremental()
    assert synapse.num_bytes == 0
    sizes = []
    for number in range(6):
        synapse.publish(context)
        sizes.append(synapse.num_bytes - 2 * synapse._coresets.frame.num_bytes)
        context.read(random_ids(60 * 2**number, seed=number))
    assert max(sizes) <= 8 * SMALL * 8
    assert (
        memory.evidence_bytes(context, synapse)
        == memory.evidence_bytes(context) + synapse.num_bytes
    )


@pytest.mark.parametrize(
    ("policy", "count", "grows"), [("hybrid", 60, False), ("hybrid", 61, True), ("h2o", 90, False)]
)
def test_a_long_context_is_followed_by_itself(prism, policy, count, grows, monkeypatch):
    """Without a setting a long context is incremental, if its policy composes."""
    monkeypatch.setattr("warp_cortex.synapse.synapse.LONG", 60)
    context = river(prism, count)
    synapse = Synapse(SynapseConfig(k=SMALL, policy=policy))
    synapse.publish(context)
    assert (synapse._coresets is not None) == grows
    assert (synapse._accumulator is None) == grows  # spent on the units, or kept for the next
    context.read(random_ids(10, seed=4))
    assert (synapse.publish(context).slack > 0) == grows


@pytest.mark.parametrize("policy", ["all", "h2o", "random", "stride"])
def test_only_policies_that_compose_may_be_incremental(policy):
    """A choice by score alone says nothing about what was left out."""
    with pytest.raises(ValueError, match=f"composes .farthest or hybrid., got '{policy}'"):
        SynapseConfig(policy=policy, incremental=True)
    with pytest.raises(TypeError, match="True, False or None"):
        SynapseConfig(incremental=1)
