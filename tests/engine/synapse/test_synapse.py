"""Snapshots never change, are never copied, and keep landmarks that the River has evicted."""

from collections.abc import Callable, Iterator

import pytest
import torch
from warp_cortex import (
    Context,
    InjectionConfig,
    Prism,
    SharedKV,
    Snapshot,
    StreamBatch,
    Synapse,
    SynapseConfig,
    cover_radius,
)
from warp_cortex.synapse.synapse import remembering
from warp_cortex.thoughts.injection import Injector

from tests.engine.oracle import feed
from tests.engine.tiny import build_prism, random_ids

TEXT = random_ids(60, seed=1)
PROMPT = random_ids(6, seed=2)


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def river(prism: Prism, ids: list[int] = TEXT) -> Context:
    """Return the context of some ids, in a store that is nearly full."""
    context = Context(prism, capacity=len(ids) + 8)
    context.read(ids)
    return context


def frozen(snapshot: Snapshot) -> list[torch.Tensor]:
    """Return copies of all a snapshot holds."""
    kv = snapshot.kv
    return [
        t.clone() for t in (kv.keys, kv.values, kv.positions, snapshot.landmarks, snapshot.ranking)
    ]


def write(context: Context) -> None:
    """Go on for a long time."""
    for token in random_ids(40, seed=3):  # past the store's capacity, so that it grows
        context.write(token)


def evict(context: Context) -> None:
    """Evict the middle, then go on."""
    context.evict(sinks=2, window=8)
    write(context)


def inject_and_revoke(context: Context) -> None:
    """Take a thought in and out again."""
    injector = Injector(context, InjectionConfig())
    made = injector.inject("a thought", stream=1)
    write(context)
    injector.revoke(made.id)
    write(context)


@pytest.mark.parametrize("change", [write, evict, inject_and_revoke])
@pytest.mark.parametrize("policy", ["all", "hybrid"])
def test_a_snapshot_never_changes(
    prism: Prism, policy: str, change: Callable[[Context], None]
) -> None:
    """Whatever the River does later, a snapshot keeps every bit, and so do its readers' logits."""
    context = river(prism)
    snapshot = Synapse(SynapseConfig(k=20, policy=policy)).publish(context)
    before = frozen(snapshot)
    logits = StreamBatch(prism, snapshot).admit([0], [PROMPT], [None]).logits
    change(context)
    assert all(map(torch.equal, before, frozen(snapshot)))
    assert torch.equal(logits, StreamBatch(prism, snapshot).admit([0], [PROMPT], [None]).logits)


def test_all_is_shared_by_reference(prism: Prism) -> None:
    """Policy all copies nothing: the snapshot's storage is the River's own."""
    context = river(prism)
    snapshot = Synapse(SynapseConfig(policy="all")).publish(context)
    assert (
        snapshot.kv.keys.untyped_storage().data_ptr()
        == context.store.data.untyped_storage().data_ptr()
    )
    assert snapshot.landmarks.tolist() == list(range(60))
    assert snapshot.radius == 0
    copied = Synapse(SynapseConfig(k=60)).publish(context)
    assert (
        copied.kv.keys.untyped_storage().data_ptr()
        != context.store.data.untyped_storage().data_ptr()
    )
    assert torch.equal(copied.kv.keys, snapshot.kv.keys)


def test_all_leaves_injected_thoughts_out(prism: Prism) -> None:
    """Streams share the visible text only, also when thoughts are interleaved with it."""
    context = river(prism)
    clean = Synapse(SynapseConfig(policy="all")).publish(context)
    Injector(context, InjectionConfig()).inject("a thought", stream=1)
    again = Synapse(SynapseConfig(policy="all")).publish(context)
    assert again.kv.positions.tolist() == list(range(60))
    assert torch.equal(again.kv.keys, clean.kv.keys)


def test_versions_count_and_hold_only_what_was_there(prism: Prism) -> None:
    """Version v is published at a River step and holds only entries of positions up to it."""
    context = river(prism)
    synapse = Synapse(SynapseConfig(k=10, max_age=2))
    first = synapse.publish(context)
    assert (first.version, first.step) == (1, 60)
    assert not synapse.is_stale(62)
    assert synapse.is_stale(63)
    for token in random_ids(3, seed=4):
        context.write(token)
    second = synapse.publish(context)
    assert (second.version, second.step) == (2, 63)
    assert synapse.current is second
    assert int(second.kv.positions.max()) < 63
    assert second.landmarks.tolist() == sorted(set(second.landmarks.tolist()))
    assert second.ranking[:10].sort().values.tolist() == second.landmarks.tolist()


def test_the_ranking_serves_every_smaller_k(prism: Prism) -> None:
    """A viewer that moves k gets the landmarks and radius that the engine would choose."""
    context = river(prism)
    points = context.points("keys")
    wide = Synapse(SynapseConfig(k=30)).publish(context)
    for k in (1, 5, 25, 30):
        snapshot = Synapse(SynapseConfig(k=k)).publish(context)
        assert snapshot.landmarks.tolist() == sorted(wide.ranking[:k].tolist())
        assert snapshot.radius == pytest.approx(cover_radius(points, snapshot.landmarks), rel=1e-5)
    assert len(wide.ranking) == 60


@pytest.mark.parametrize("k", [0, 61])
def test_k_is_never_changed_silently(prism: Prism, k: int) -> None:
    """K below one or beyond the context names both."""
    config = SynapseConfig(k=1)
    object.__setattr__(config, "k", k)
    with pytest.raises(
        ValueError, match=f"k must be between 1 and 60, the tokens of this context, got {k}"
    ):
        Synapse(config).publish(river(prism))


def test_landmarks_outlive_the_rivers_window(prism: Prism) -> None:
    """Evicted landmarks stay in the next snapshot, each entry at its position."""
    context = river(prism)
    synapse = Synapse(SynapseConfig(k=24, sinks=4, recent=4))
    before = synapse.publish(context)
    context.evict(sinks=4, window=8)
    assert context.positions.tolist() == [0, 1, 2, 3, *range(52, 60)]
    union = remembering(context, before)
    assert union.positions.tolist() == sorted(
        {*before.landmarks.tolist(), *context.positions.tolist()}
    )
    full = river(prism).store.share()
    assert torch.equal(union.store.share().keys, full.keys[:, :, union.positions])
    assert torch.equal(union.store.share().values, full.values[:, :, union.positions])
    after = synapse.publish(context)
    assert after.landmarks.tolist() == before.landmarks.tolist()
    assert torch.equal(after.kv.keys, before.kv.keys)


def test_an_evicting_river_with_policy_all_shares_everything_it_ever_read(prism: Prism) -> None:
    """With every token shared a stream equals transformers, although the River evicted some."""
    context = river(prism)
    synapse = Synapse(SynapseConfig(policy="all"))
    synapse.publish(context)
    context.evict(sinks=4, window=8)
    logits = StreamBatch(prism, synapse.publish(context)).admit([0], [PROMPT], [None]).logits
    torch.testing.assert_close(logits[0], feed("qwen2", TEXT + PROMPT)[-1], rtol=1e-4, atol=2e-5)


def test_nothing_is_copied_while_nothing_is_evicted(prism: Prism) -> None:
    """A River that holds everything is its own memory."""
    context = river(prism)
    snapshot = Synapse(SynapseConfig(k=8)).publish(context)
    assert remembering(context, snapshot) is context
    assert remembering(context, None) is context


def test_focus_entries_are_seen_beside_the_shared_ones(prism: Prism) -> None:
    """Two tiers: shared landmarks and an agent's focus together equal one block that holds both."""
    context = river(prism)
    shared = torch.tensor([0, 1, 30, 59])
    focus = torch.tensor([7, 44])
    tiers = context.store.gather(shared)
    both = context.store.gather(torch.cat((shared, focus)).sort().values)

    def logits(block: SharedKV, extra: list[SharedKV | None]) -> torch.Tensor:
        snapshot = Snapshot(1, 60, block, shared, shared, 0.0, "test", "", "")
        batch = StreamBatch(prism, snapshot)
        rows = [
            batch.admit([0, 1], [PROMPT, PROMPT[:3]], extra).logits,
            batch.step(torch.tensor([8, 9])).logits,
        ]
        return torch.stack(rows)

    got = logits(tiers, [context.store.gather(focus), None])
    torch.testing.assert_close(got[:, 0], logits(both, [None, None])[:, 0], rtol=1e-4, atol=2e-5)
    torch.testing.assert_close(got[:, 1], logits(tiers, [None, None])[:, 1], rtol=1e-4, atol=2e-5)
