"""The steps of a batch: every way of sharing and of cutting a batch gives the same thoughts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from warp_cortex import Context, Prism, Snapshot, StreamBatch
from warp_cortex.kernels import decode_cpu, decode_torch

from tests.engine.greedy import chosen, last_states, middle_states, ragged_tasks, think
from tests.engine.tiny import build_prism, random_ids

Lend = Callable[..., Prism]
FUSABLE = ("qwen2", "qwen3", "llama", "mistral")
TOKENS, STEPS = 50, 8
CLOSE = {"atol": 1e-4, "rtol": 1e-4}


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Tiny models of this test's own, given back at its end."""
    with ExitStack() as stack:
        yield lambda *family: stack.enter_context(build_prism(*family))


def read(prism: Prism) -> Context:
    """Return a context of random tokens."""
    context = Context(prism)
    context.read(random_ids(TOKENS))
    return context


def publish(context: Context, rows: torch.Tensor | None = None) -> Snapshot:
    """Return a snapshot of these rows of the cache, or of the whole cache."""
    kv = context.store.share() if rows is None else context.store.gather(rows)
    return Snapshot(1, TOKENS, kv, kv.positions, kv.positions, 0.0, "test", "", "")


def continued(context: Context, task: list[int]) -> tuple[list[int], Context]:
    """Let a fork of the River read a task and write greedily; return what it fed, and the fork."""
    fork = context.fork()
    fork.read(task)
    fed = list(task)
    for _ in range(STEPS):
        assert fork.logits is not None
        fed.append(int(fork.logits.argmax()))
        fork.write(fed[-1])
    return fed, fork


@pytest.mark.parametrize("family", FUSABLE)
def test_with_everything_shared_an_agent_continues_the_river(lend: Lend, family: str) -> None:
    """With k = all tokens, tokens and pooled states are those of a fork that is fed the same."""
    context = read(lend(family))
    assert context.prism.decoder is not None
    batch = StreamBatch(context.prism, publish(context))
    tasks = ragged_tasks(4)
    thoughts = think(batch, tasks, steps=STEPS)
    for row, task in enumerate(tasks):
        fed, fork = continued(context, task)
        assert thoughts[row] == fed
        torch.testing.assert_close(batch.state(row).last, fork.last, **CLOSE)
        pooled = fork.middle[TOKENS + len(task) :].float().mean(0)
        torch.testing.assert_close(batch.state(row).middle, pooled, **CLOSE)


def test_copies_of_landmarks_are_the_shared_landmarks(lend: Lend) -> None:
    """A private copy in every slot and one shared block give the same tokens and states."""
    context = read(lend())
    snapshot = publish(context, torch.arange(0, TOKENS, 3))
    found = []
    for copied in (False, True):
        batch = StreamBatch(context.prism, snapshot, copied=copied)
        found.append((think(batch, ragged_tasks(3), steps=STEPS), last_states(batch)))
    assert found[0][0] == found[1][0]
    torch.testing.assert_close(found[0][1], found[1][1], **CLOSE)


def test_a_river_leads_its_streams_in_one_batch(lend: Lend) -> None:
    """Agent 0 over its whole cache writes what it writes alone; the others think as without it."""
    context = read(lend())
    snapshot = publish(context, torch.arange(0, TOKENS, 2))
    led = StreamBatch(context.prism, snapshot, lead=context.store.share())
    alone = StreamBatch(context.prism, snapshot)
    together, others = (think(batch, ragged_tasks(3), steps=STEPS) for batch in (led, alone))
    assert together[0] == continued(context, ragged_tasks(3)[0])[0]
    assert together[1:] == others[1:]


def test_a_leader_is_admitted_alone(lend: Lend) -> None:
    """It sees another block than the others, so that one pass cannot read all their tasks."""
    context = read(lend())
    batch = StreamBatch(context.prism, publish(context), lead=context.store.share())
    with pytest.raises(ValueError, match="admit it alone, not 2 agents at once"):
        batch.admit([0, 1], [[5], [6]], [None, None])


@pytest.mark.parametrize("kernels", [True, False])
def test_a_slot_is_reused_as_if_it_were_new(lend: Lend, kernels: bool) -> None:
    """An agent in a used slot thinks what it thinks in a fresh one, next to any neighbours."""
    context = read(lend())
    decoder = context.prism.decoder
    assert decoder is not None
    decoder.parts = decoder.parts if kernels else decode_torch
    snapshot = publish(context, torch.arange(0, TOKENS, 2))
    used = StreamBatch(context.prism, snapshot)
    think(used, ragged_tasks(3), steps=3)
    used.slots.data[:, :, 1] = float("nan")  # even if the agent before it broke
    used.release(1)
    tokens = chosen(used.step(torch.tensor([5, 6])))
    first = chosen(used.admit([9], [[7, 8]], [None]))
    fresh = StreamBatch(context.prism, snapshot)
    assert first == chosen(fresh.admit([9], [[7, 8]], [None]))
    for _ in range(STEPS):
        tokens = chosen(used.step(torch.tensor([*tokens[:2], *first])))
        first = chosen(fresh.step(torch.tensor(first)))
        assert tokens[2:] == first
    torch.testing.assert_close(used.state(2).middle, fresh.state(0).middle, **CLOSE)


@pytest.mark.parametrize("kind", ["landmarks", "copies", "a leader"])
def test_steps_of_few_agents_at_once_change_nothing(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A batch cut into pieces for the layers gives the same tokens, states and entries."""
    context = read(lend())
    snapshot = publish(context, torch.arange(0, TOKENS, 3))
    lead = context.store.share() if kind == "a leader" else None
    thoughts, batches = [], []
    for most in (512, 2):
        monkeypatch.setattr(decode_cpu, "MOST_AGENTS", most)
        batch = StreamBatch(context.prism, snapshot, copied=kind == "copies", lead=lead)
        thoughts.append(think(batch, ragged_tasks(5), steps=STEPS))
        batches.append(batch)
    assert thoughts[0] == thoughts[1]
    for state in (last_states, middle_states, lambda batch: batch.slots.data):
        torch.testing.assert_close(state(batches[0]), state(batches[1]), **CLOSE)


def test_logits_of_few_agents_at_once_change_nothing(lend: Lend) -> None:
    """The vocabulary projection in blocks chooses what one projection chooses."""
    context = read(lend())
    found = [
        think(StreamBatch(context.prism, publish(context)), ragged_tasks(5), steps=STEPS, rows=rows)
        for rows in (1, 2, 512)
    ]
    assert found[0] == found[1] == found[2]


def test_a_full_slot_is_never_overrun(lend: Lend) -> None:
    """Stepping past the room of a slot moves the entries to larger storage and changes none."""
    context = read(lend())
    batch = StreamBatch(context.prism, publish(context), slots=2, capacity=4)
    roomy = StreamBatch(context.prism, publish(context), slots=2, capacity=64)
    assert think(batch, ragged_tasks(2), steps=20) == think(roomy, ragged_tasks(2), steps=20)
    held = batch.slots.lengths[0]
    torch.testing.assert_close(
        batch.slots.data[:, :, 0, :, :held], roomy.slots.data[:, :, 0, :, :held], **CLOSE
    )


def test_going_back_takes_the_same_step_again(lend: Lend) -> None:
    """Entries behind a restored length are written anew; logits and positions are the same."""
    context = read(lend())
    batch = StreamBatch(context.prism, publish(context))
    think(batch, ragged_tasks(3), steps=2)
    lengths = list(batch.slots.lengths)
    first = batch.step(torch.tensor([5, 6, 7])).logits
    positions = batch.slots.positions.clone()
    batch.step(torch.tensor([8, 9, 10]))
    batch.slots.restore(lengths)
    torch.testing.assert_close(batch.step(torch.tensor([5, 6, 7])).logits, first)
    assert batch.slots.lengths == [held + 1 for held in lengths]
    for slot, held in enumerate(batch.slots.lengths):
        assert torch.equal(batch.slots.positions[slot, :held], positions[slot, :held])


def test_a_step_is_the_same_with_other_storage_for_rotations(lend: Lend) -> None:
    """The rotary tables of a batch cover its storage, also after that has grown."""
    context = read(lend())
    snapshot = replace(publish(context), step=TOKENS)
    small = StreamBatch(context.prism, snapshot, capacity=1)
    large = StreamBatch(context.prism, snapshot, capacity=100)
    for batch in (small, large):
        batch.admit([0], [[5]], [None])
    for token in random_ids(30):
        one, other = (batch.step(torch.tensor([token])).logits for batch in (small, large))
        assert torch.equal(one, other)
