"""Evidence accumulated while a text is read equals evidence of the whole text at the end."""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    Context,
    Cortex,
    CortexConfig,
    InjectionConfig,
    Prism,
    RiverConfig,
    Synapse,
    SynapseConfig,
)
from warp_cortex.landmarks.policies import find_policy
from warp_cortex.synapse.accumulator import EvidenceAccumulator
from warp_cortex.thoughts.injection import Injector

from tests.engine.tiny import build_prism, random_ids

TEXT = random_ids(90, seed=1)
TIGHT = {"rtol": 1e-4, "atol": 1e-5}


@pytest.fixture(scope="module", params=["qwen2", "gemma2", "gpt_neox"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model: plain, with sliding windows and soft caps, with partial rotation."""
    with build_prism(request.param) as built:
        yield built


def accumulated(
    prism: Prism, *, chunk: int, space: str = "keys"
) -> tuple[Context, EvidenceAccumulator]:
    """Return a context, and its evidence accumulated after every chunk."""
    context = Context(prism)
    accumulator = EvidenceAccumulator(context, space)
    context.read(TEXT, chunk=chunk, progress=lambda *_: accumulator.take(context))
    return context, accumulator


def same(context: Context, accumulator: EvidenceAccumulator) -> None:
    """Assert that the evidence is the one computed from everything at once."""
    found = accumulator.evidence(context)
    want = context.evidence(accumulator.space)
    torch.testing.assert_close(found.points, want.points, **TIGHT)
    torch.testing.assert_close(found.received, want.received, **TIGHT)


@pytest.mark.parametrize("space", ["keys", "rotated", "values", "hidden"])
@pytest.mark.parametrize("chunk", [7, 32, 2048])
def test_chunk_by_chunk_is_all_at_once(prism, chunk, space):
    """Points and attention received do not depend on the chunks."""
    same(*accumulated(prism, chunk=chunk, space=space))


def test_a_context_goes_on(prism):
    """Writing, reading more and a thought in between keep what was accumulated before."""
    context, accumulator = accumulated(prism, chunk=32)
    for token in random_ids(30, seed=2):
        context.write(token)
    same(context, accumulator)
    Injector(context, InjectionConfig()).inject("a thought", stream=1)
    context.read(random_ids(40, seed=3), chunk=16)
    assert accumulator.follows(context)
    same(context, accumulator)


def test_queries_are_accounted_for_once(prism, monkeypatch):
    """At the end of a text that was followed no query is left, and none was counted twice."""
    context, accumulator = accumulated(prism, chunk=16)
    asked = []
    weights = type(context.queries)._weights

    def watched(log, *args, first, last=None):
        asked.append(first)
        return weights(log, *args, first=first, last=last)

    monkeypatch.setattr(type(context.queries), "_weights", watched)
    accumulator.evidence(context)
    assert asked == [len(TEXT)] == [context.queries.num_sampled]


@pytest.mark.parametrize(
    "policy", ["hybrid", "farthest", "h2o", "streaming", "random", "snapkv", "keydiff", "tova"]
)
def test_following_changes_no_snapshot(prism, policy):
    """Landmarks, ranking and radius are those of a Synapse that did not follow the reading."""
    config = SynapseConfig(k=20, policy=policy)
    context = Context(prism)
    followed = Synapse(config)
    late = Synapse(config)
    context.read(TEXT, chunk=16, progress=lambda *_: followed.follow(context))
    assert (followed.num_bytes > 0) == find_policy(policy).accumulates
    one = followed.publish(context)
    other = late.publish(context)
    assert one.ranking.tolist() == other.ranking.tolist()
    assert one.radius == pytest.approx(other.radius, rel=1e-5)
    if policy != "random":  # drawn anew for every version
        again = followed.publish(context)
        assert again.landmarks.tolist() == one.landmarks.tolist()


@pytest.mark.parametrize("change", ["evict", "revoke", "another"])
def test_what_no_longer_holds_is_dropped(prism, change):
    """After an eviction, a revocation or another text the whole text is looked at again."""
    context = Context(prism)
    synapse = Synapse(SynapseConfig(k=20))
    context.read(TEXT, chunk=16, progress=lambda *_: synapse.follow(context))
    if change == "evict":
        context.evict(sinks=2, window=40)
    elif change == "revoke":
        injector = Injector(context, InjectionConfig())
        made = injector.inject("a thought", stream=1)
        context.write(7)
        injector.revoke(made.id)
    else:
        context = Context(prism)
        context.read(random_ids(100, seed=9))
    want = Synapse(synapse.config).publish(context)
    assert synapse.publish(context).ranking.tolist() == want.ranking.tolist()
    assert (synapse.num_bytes == 0) == (change == "evict")


def test_bytes_are_those_held(prism):
    """A vector and a number in float32 for every token the cache has room for."""
    context = Context(prism, capacity=128)
    accumulator = EvidenceAccumulator(context, "keys")
    assert accumulator.num_bytes == 0
    context.read(TEXT)
    accumulator.take(context)
    width = context.points("keys" if prism.rotary else "rotated").shape[1]
    assert accumulator.num_bytes == 128 * (width + 1) * 4


def test_a_run_accumulates_while_its_prompt_is_read(prism, monkeypatch):
    """`Cortex.run` follows chunk by chunk and still reports its progress."""
    seen = []
    take = EvidenceAccumulator.take
    monkeypatch.setattr(
        EvidenceAccumulator,
        "take",
        lambda self, context: seen.append(context.num_tokens) or take(self, context),
    )
    config = CortexConfig(
        synapse=SynapseConfig(k=24), river=RiverConfig(max_tokens=1, prefill_chunk=16)
    )
    reported: list[tuple[int, int]] = []
    list(Cortex(prism, config).run("x" * 40, progress=lambda *done: reported.append(done)))
    assert seen[:3] == [done for done, _ in reported[:3]]
    assert reported[0][0] == 16
