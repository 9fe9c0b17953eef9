"""Law 8: bytes reported are bytes held, counted over the tensors that really exist."""

import gc
from collections.abc import Callable, Iterator

import pytest
import torch
from warp_cortex import (
    Context,
    Cortex,
    CortexConfig,
    Memory,
    Prism,
    RiverConfig,
    StreamConfig,
    SynapseConfig,
)
from warp_cortex.run.memory import evidence_bytes, river_bytes, shared_bytes
from warp_cortex.synapse.synapse import Synapse

from tests.engine.tiny import build_prism, random_ids

PROMPT = "The lamp is in the cellar. [TASK: find the lamp] and so on [TASK: find the key] "


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def storages() -> dict[int, int]:
    """Return the bytes of every tensor storage that is alive, by address."""
    tensors = [thing for thing in gc.get_objects() if type(thing) is torch.Tensor]
    return {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}


def held(make: Callable[[], object]) -> tuple[object, int]:
    """Return what `make` gives and the bytes of large tensors it left alive."""
    before = storages()
    made = make()
    gc.collect()
    after = storages()
    return made, sum(size for at, size in after.items() if at not in before and size >= 4096)


def test_weights_are_counted_once(prism: Prism) -> None:
    """Parameters and buffers, each storage once, tied weights included."""
    parts = [*prism.model.parameters(), *prism.model.buffers()]
    assert prism.weight_bytes == sum(t.numel() * t.element_size() for t in parts)
    with build_prism("qwen2", tie_word_embeddings=True) as tied:
        assert tied.weight_bytes == prism.weight_bytes - 260 * 32 * 4


def test_a_token_costs_what_the_spec_says(prism: Prism) -> None:
    """Bytes per token are those by which the cache grows."""
    small, large = prism.new_store(10), prism.new_store(110)
    assert large.num_bytes - small.num_bytes == 100 * prism.spec.kv_bytes_per_token
    assert small.num_bytes == small.data.untyped_storage().nbytes()


def test_a_river_holds_what_it_reports(prism: Prism) -> None:
    """The store's tensor is the only large one of a cache; spare capacity is counted, after growth
    and eviction too.
    """
    store, bytes_held = held(lambda: prism.new_store(200))
    assert bytes_held == store.num_bytes  # type: ignore[attr-defined] # held() gives back what it was given
    context = Context(prism)
    context.read(random_ids(100, seed=1))
    for token in random_ids(300, seed=2):
        context.write(token)
    assert river_bytes(context) == context.store.data.untyped_storage().nbytes()
    before = river_bytes(context)
    context.evict(sinks=2, window=20)
    assert river_bytes(context) == context.store.data.untyped_storage().nbytes() < before


def test_snapshots_are_counted_once_and_by_reference_not_at_all(prism: Prism) -> None:
    """A snapshot costs its copied entries; one that shares the River's storage costs nothing
    more.
    """
    context = Context(prism)
    context.read(random_ids(100, seed=1))
    landmarks = Synapse(SynapseConfig(k=10)).publish(context)
    everything = Synapse(SynapseConfig(policy="all")).publish(context)
    assert landmarks.num_bytes == 10 * prism.spec.kv_bytes_per_token
    assert landmarks.kv.keys.untyped_storage().nbytes() == landmarks.num_bytes
    assert shared_bytes([landmarks, landmarks], context) == landmarks.num_bytes
    assert shared_bytes([everything], context) == 0
    assert shared_bytes([everything], None) == context.store.num_bytes
    old = context.store.num_bytes
    # the River moves to larger storage and the snapshot keeps the old one alive
    for token in random_ids(200, seed=2):
        context.write(token)
    assert shared_bytes([everything], context) == old


@pytest.mark.parametrize("policy", ["hybrid", "all"])
@pytest.mark.parametrize("focus", [0, 4])
def test_a_run_reports_the_storages_of_its_parts(prism: Prism, policy: str, focus: int) -> None:
    """At every step the memory event equals the sum over the storages of cache, snapshots and
    slots.
    """
    config = CortexConfig(
        river=RiverConfig(max_tokens=40),
        streams=StreamConfig(max_tokens=20, slots=2),
        synapse=SynapseConfig(k=12, policy=policy, focus=focus),
    )
    cortex = Cortex(prism, config)
    seen = set()
    for _ in cortex.run(PROMPT):
        here, memory = cortex._run, cortex.memory()
        if here is None or (here.runner.num_active == 0 and memory.private_kv == 0):
            continue
        slots = {
            t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in _slots(cortex)
        }
        waiting = sum(seat.focus.num_bytes for seat in _seats(cortex) if seat.focus is not None)
        assert memory.private_kv == sum(slots.values()) + waiting
        assert memory.river_kv == here.river.context.store.data.untyped_storage().nbytes()
        assert memory.evidence == evidence_bytes(here.river.context, here.synapse) > 0
        seen.add(memory.num_streams)
    assert max(seen, default=0) <= 2
    last = [event for event in cortex.trace.events if isinstance(event, Memory)][-1]
    assert (last.private_kv, last.num_streams) == (0, 0)


def _slots(cortex: Cortex) -> list[torch.Tensor]:
    assert cortex._run is not None
    return [batch.slots.data for batch in cortex._run.runner.batches.values()]  # type: ignore[attr-defined] # StreamLane


def _seats(cortex: Cortex) -> list[object]:
    assert cortex._run is not None
    runner = cortex._run.runner
    return [*runner._inbox, *runner._seats.values()]  # type: ignore[attr-defined] # StreamLane


def test_agents_share_one_copy(prism: Prism) -> None:
    """The shared tier is stored once: a hundred agents add only their own tokens."""
    context = Context(prism)
    context.read(random_ids(400, seed=1))
    cortex = Cortex(
        prism, CortexConfig(synapse=SynapseConfig(policy="all"), streams=StreamConfig(max_tokens=4))
    )
    _, alive = held(lambda: cortex.fork(context, [f"task {n}" for n in range(100)]))
    assert alive < 400 * prism.spec.kv_bytes_per_token
