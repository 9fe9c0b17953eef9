"""The cache: growth, tags, gathering, and the view one forward pass writes through."""

from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import Context, Prism, SharedKV, Snapshot, StreamBatch
from warp_cortex.cache.slots import Slots
from warp_cortex.cache.store import TEXT, KVStore

from tests.engine.tiny import build_prism, random_ids

SHAPE = {"num_layers": 2, "num_kv_heads": 3, "head_dim": 4, "dtype": torch.float32, "device": "cpu"}


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model with grouped queries."""
    with build_prism("qwen2") as built:
        yield built


def append(
    store: KVStore, positions: list[int], *, tag: int = TEXT, fill: float | None = None
) -> None:
    """Append entries whose numbers say which position they are of."""
    where = torch.tensor(positions)
    view = store.view(where, tag=tag)
    for layer in range(2):
        number = where.float() if fill is None else torch.full((len(positions),), fill)
        block = number[None, None, :, None].expand(1, 3, -1, 4) + 1000 * layer
        keys, values = view.update(block, -block, layer)
        assert keys.shape == values.shape == (1, 3, store.length + len(positions), 4)
    view.commit()


def held(store: KVStore) -> list[int]:
    """Return the positions the entries themselves tell of."""
    assert torch.equal(store.data[0, 0, :, : store.length], -store.data[0, 1, :, : store.length])
    assert torch.equal(
        store.data[1, 0, :, : store.length], store.data[0, 0, :, : store.length] + 1000
    )
    return [int(number) for number in store.data[0, 0, 0, : store.length, 0]]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("text"), st.integers(1, 9)),
            st.tuples(st.just("thought"), st.integers(1, 4)),
            st.tuples(st.just("drop"), st.integers(1, 5)),
            st.tuples(st.just("keep"), st.integers(1, 6)),
        ),
        max_size=12,
    )
)
@settings(max_examples=60)
def test_the_cache_is_a_list_of_entries(script: list[tuple[str, int]]) -> None:
    """Appending, dropping by tag and keeping rows do what they do to a list, whatever the order and
    capacity.
    """
    store, model = KVStore(**SHAPE, capacity=1), []
    thought = position = 0
    for action, number in script:
        if action == "text":
            append(store, list(range(position, position + number)))
            model += [(at, TEXT) for at in range(position, position + number)]
            position += number
        elif action == "thought":
            thought += 1
            append(store, list(range(position, position + number)), tag=thought)
            model += [(at, thought) for at in range(position, position + number)]
        elif action == "drop":
            assert store.drop(number) == sum(tag == number for _, tag in model)
            model = [entry for entry in model if entry[1] != number]
        else:
            rows = list(range(0, len(model), number))
            store.keep(torch.tensor(rows, dtype=torch.long))
            model = [model[row] for row in rows]
        assert held(store) == [at for at, _ in model] == store.positions[: store.length].tolist()
        assert store.tags[: store.length].tolist() == [tag for _, tag in model]
        assert store.share().positions.tolist() == [at for at, tag in model if tag == TEXT]
        assert store.length <= store.capacity


def test_appending_costs_amortised_constant_time() -> None:
    """A thousand appends of one entry move the storage no more than log2 of a thousand times."""
    store, moves, before = KVStore(**SHAPE, capacity=1), 0, 0
    for position in range(1000):
        append(store, [position])
        moves += store.data.data_ptr() != before
        before = store.data.data_ptr()
    assert moves <= 12
    assert held(store) == list(range(1000))


def test_a_pass_that_is_not_committed_leaves_no_trace() -> None:
    """An interrupted pass can be repeated as if it had never begun."""
    store = KVStore(**SHAPE, capacity=8)
    append(store, [0, 1])
    view = store.view(torch.tensor([2]))
    view.update(torch.full((1, 3, 1, 4), 9.0), torch.full((1, 3, 1, 4), 9.0), 0)
    assert view.get_seq_length() == store.length == 2
    append(store, [2])
    assert held(store) == [0, 1, 2]


def test_forks_and_prefixes_are_independent() -> None:
    """Neither sees what the other appends."""
    store = KVStore(**SHAPE, capacity=8)
    append(store, [0, 1, 2])
    fork, start = store.fork(), store.prefix(1)
    append(store, [3])
    append(fork, [7])
    append(start, [8])
    assert (held(store), held(fork), held(start)) == ([0, 1, 2, 3], [0, 1, 2, 7], [0, 8])


def test_entries_of_another_layout_are_refused() -> None:
    """A layer with other heads or sizes is named, not broadcast."""
    store = KVStore(**SHAPE)
    with pytest.raises(ValueError, match="only uniform layers are supported"):
        store.view(torch.tensor([0])).update(torch.zeros(1, 1, 1, 4), torch.zeros(1, 1, 1, 4), 0)


def test_a_set_per_head_equals_attention_to_that_heads_own_rows(prism: Prism) -> None:
    """Per-layer and per-head landmarks: entries come from each head's rows, and equal sets are one
    shared set.
    """
    context = Context(prism)
    context.read(random_ids(30, seed=1))
    generator = torch.Generator().manual_seed(0)
    spec = prism.spec
    rows = torch.stack(
        [torch.randperm(30, generator=generator)[:5].sort().values for _ in range(6)]
    ).view(3, 2, 5)
    block = context.store.gather(rows)
    for layer in range(spec.num_layers):
        for head in range(spec.num_kv_heads):
            alone = context.store.gather(rows[layer, head])
            assert torch.equal(block.keys[layer, head], alone.keys[layer, head])
            assert torch.equal(block.values[layer, head], alone.values[layer, head])
    same = context.store.gather(rows[0, 0].expand(3, 2, -1))
    once = context.store.gather(rows[0, 0])
    assert torch.equal(same.keys, once.keys)
    assert torch.equal(same.positions, once.positions)


def test_a_bias_is_the_logarithm_of_how_many_a_landmark_stands_for(prism: Prism) -> None:
    """Entries with log-mass log n per head weigh as n copies of them do, agent by agent and token
    by token.
    """
    context = Context(prism)
    context.read(random_ids(30, seed=1))
    counts = torch.tensor([[[1, 3, 2], [2, 1, 1]]]).expand(3, 2, 3)  # [L, H_kv, K]
    copies = [[0] + [9] * 3 + [20] * 2, [0] * 2 + [9, 20] + [0, 0]]
    once = context.store.gather(torch.tensor([0, 9, 20]))
    heavy = SharedKV(once.keys, once.values, once.positions, counts.float().log().contiguous())
    many = context.store.gather(torch.tensor(copies).expand(3, 2, 6))
    hidden = torch.zeros(3, 2, 6)
    hidden[:, 1, 4:] = float("-inf")  # the second head has two copies less
    many = SharedKV(many.keys, many.values, many.positions, hidden)
    logits = []
    for block in (heavy, many):
        snapshot = Snapshot(1, 30, block, block.positions, block.positions, 0.0, "test", "", "")
        batch = StreamBatch(prism, snapshot)
        first = batch.admit([0, 1], [[5, 6, 7], [8]], [None, None]).logits
        logits.append(torch.stack([first, batch.step(torch.tensor([10, 11])).logits]))
    torch.testing.assert_close(logits[0], logits[1], rtol=1e-4, atol=2e-5)
    assert heavy.num_bytes == once.num_bytes + 3 * 2 * 3 * 4


def test_what_an_agent_leaves_in_a_slot_reaches_nobody(prism: Prism) -> None:
    """An agent whose entries are NaN poisons neither the one that moves into its slot nor the next
    to be admitted.
    """
    context = Context(prism)
    context.read(random_ids(20, seed=1))
    snapshot = Snapshot(
        1, 20, context.store.share(), context.positions, context.positions, 0.0, "test", "", ""
    )
    batch = StreamBatch(prism, snapshot)
    batch.admit([1, 2, 3], [[5] * 12, [6, 7], [8] * 9], [None] * 3)
    batch.slots.data[:, :, 0] = float("nan")
    batch.slots.data[:, :, 2] = float("nan")
    batch.release(0)  # the broken third agent moves into its place
    batch.release(0)
    assert batch.agents == [2]
    batch.admit([4, 5], [[10] * 8, [9]], [None] * 2)
    got = batch.step(torch.tensor([20, 21, 22])).logits
    alone = StreamBatch(prism, snapshot)
    alone.admit([2], [[6, 7]], [None])
    torch.testing.assert_close(
        got[0], alone.step(torch.tensor([20])).logits[0], rtol=1e-4, atol=2e-5
    )
    assert torch.isfinite(got).all()


def test_slots_grow_without_losing_anything() -> None:
    """More agents and longer ones make room; what is held stays, counts are of active agents
    only.
    """
    slots = Slots(**SHAPE, slots=1, capacity=1)
    slots.admit([None])
    slots.view(0, [2], torch.tensor([[10, 11]])).commit()
    slots.data[:, :, 0, :, :2] = 7
    slots.admit([None, None])
    slots.view(1, [1, 5], torch.arange(10).view(2, 5)).commit()
    assert slots.lengths == slots.device_lengths[:3].tolist() == [2, 1, 5]
    assert (slots.data[:, :, 0, :, :2] == 7).all()
    assert slots.positions[0, :2].tolist() == [10, 11]
    assert slots.num_bytes == slots.data.untyped_storage().nbytes()
    assert slots.release(0) == 2
    assert slots.lengths == [5, 1]
    assert slots.positions[0, :5].tolist() == [5, 6, 7, 8, 9]


def test_agents_who_come_one_by_one_move_the_others_rarely() -> None:
    """Two hundred agents, each as long as the last and one entry more: what is held moves a few
    times, and stays.
    """
    slots, moves, before = Slots(**SHAPE, slots=1, capacity=1), 0, 0
    for agent in range(200):
        slots.admit([None])
        slots.view(agent, [1], torch.tensor([[agent]])).commit()
        slots.data[:, :, agent, :, 0] = agent
        moves += slots.data.data_ptr() != before
        before = slots.data.data_ptr()
    for entry in range(1, 50):
        slots.view(0, [1] * 200, torch.full((200, 1), entry)).commit()
        moves += slots.data.data_ptr() != before
        before = slots.data.data_ptr()
    assert moves <= 45
    assert slots.data[0, 0, :200, 0, 0, 0].tolist() == list(range(200))
