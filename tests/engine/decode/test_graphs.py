"""A recorded step is the step: padded rows, fixed prefixes and forgotten storage change nothing
that anybody sees.
"""

import gc
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import (
    Context,
    GateConfig,
    Prism,
    StreamBatch,
    Synapse,
    SynapseConfig,
    Thought,
    Token,
)
from warp_cortex.decode import graphs
from warp_cortex.decode.graphs import Recording

from tests.engine.script import SCRIPT, run, scripted
from tests.engine.tiny import build_model, build_prism, build_tokenizer, random_ids

Lend = Callable[..., Prism]
FUSABLE = ("qwen2", "qwen3", "llama", "mistral")
TEXT = random_ids(50)
TIGHT = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Tiny models of this test's own that record their steps, given back at its end."""

    def lent(family: str = "qwen2") -> Prism:
        prism = stack.enter_context(build_prism(family))
        prism.records_steps = True
        return prism

    with ExitStack() as stack:
        yield lent


def read(prism: Prism) -> Context:
    """Return the context of the text."""
    context = Context(prism)
    context.read(TEXT)
    return context


def come_and_go(prism: Prism, k: int) -> tuple[list[Tensor], StreamBatch]:
    """Return the logits of a ragged batch in which agents end and others take their slots, and the
    batch.
    """
    snapshot = Synapse(SynapseConfig(k=k, sinks=2, recent=4)).publish(read(prism))
    batch = StreamBatch(prism, snapshot, slots=12, capacity=16)
    found = [
        batch.admit(
            list(range(9)), [random_ids(1 + n % 4, seed=n) for n in range(9)], [None] * 9
        ).logits
    ]
    for count in range(9, 3, -1):
        found.append(batch.step(torch.tensor(random_ids(count, seed=count))).logits)
        batch.release(count // 2)
    found.append(
        batch.admit([20, 21, 22], [random_ids(n, seed=n) for n in (2, 5, 1)], [None] * 3).logits
    )
    found += [batch.step(torch.tensor(random_ids(6, seed=step))).logits for step in range(3)]
    return found, batch


@pytest.mark.parametrize("k", [8, len(TEXT)])
@pytest.mark.parametrize("family", FUSABLE)
def test_recorded_streams_think_what_streams_think(lend: Lend, family: str, k: int) -> None:
    """In batches of every size, with rows nobody has: the same logits, states and entries."""
    prism = lend(family)
    got, recorded = come_and_go(prism, k)
    prism.records_steps = False
    want, plain = come_and_go(prism, k)
    assert recorded.slots.recorded
    assert not plain.slots.recorded
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, **TIGHT)
    for slot, held in enumerate(recorded.slots.lengths):
        torch.testing.assert_close(recorded.state(slot).middle, plain.state(slot).middle, **TIGHT)
        one, other = (batch.slots.data[:, :, slot, :, :held] for batch in (recorded, plain))
        torch.testing.assert_close(one, other, **TIGHT)


@pytest.mark.parametrize("family", FUSABLE)
def test_a_recorded_river_writes_what_a_river_writes(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    """Across stretches, growing storage and a bounded window: logits, states and remembered queries
    are the same.
    """
    monkeypatch.setattr(graphs, "STRETCH", 4)
    prism = lend(family)
    rivers = []
    for is_recorded in (True, False):
        prism.records_steps = is_recorded
        context = read(prism)
        for number, token in enumerate(random_ids(80, seed=4)):
            context.write(token)
            if number > 60:
                context.evict(sinks=2, window=16)
        rivers.append(context)
    got, want = rivers
    assert got.logits is not None
    for one, other in (
        (got.logits, want.logits),
        (got.last, want.last),
        (got.middle, want.middle),
        (got.store.share().keys, want.store.share().keys),
        (got.attention(), want.attention()),
    ):
        torch.testing.assert_close(one, other, **TIGHT)


def test_what_cannot_be_static_is_not_recorded() -> None:
    """The plain parts, which float64 takes, are taken as they are: they would meet memory that
    nobody wrote.
    """
    with Prism(build_model("qwen2").double(), build_tokenizer(), name="double") as prism:
        prism.records_steps = True
        context = read(prism)
        context.store.data[:, :, :, context.store.length :] = float("nan")
        context.write(5)
        assert context.logits is not None
        assert context.logits.isfinite().all()
        assert not context.store.recorded


def test_a_step_taken_once_is_not_recorded(lend: Lend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second step over the same storage is recorded, and every later one is that recording
    again.
    """
    made: list[Recording] = []

    class Counted(Recording):
        def __init__(self, *args: Any, **more: Any) -> None:
            made.append(self)
            super().__init__(*args, **more)

    monkeypatch.setattr(graphs, "Recording", Counted)
    context = read(lend())
    context.write(5)
    assert not made
    for token in (6, 7, 8):
        context.write(token)
    assert len(made) == 1


def test_what_was_returned_is_not_written_over(lend: Lend) -> None:
    """A recording writes its outputs where they always are; what somebody was given stays as it
    was.
    """
    context = read(lend())
    given = []
    for token in (5, 6, 7):
        context.write(token)
        assert context.last is not None
        given.append(
            (context.last, context.last.clone(), context.middle[-1], context.middle[-1].clone())
        )
    assert all(
        torch.equal(last, was) and torch.equal(middle, before)
        for last, was, middle, before in given
    )


def test_revoking_is_as_exact_as_ever(lend: Lend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoking every thought leaves the bits of a River that never held one, however its steps were
    recorded.
    """
    monkeypatch.setattr(graphs, "STRETCH", 8)
    prism = lend()
    scripted(monkeypatch, prism)
    cortex, _ = run(prism, gate=GateConfig(theta=-1))
    assert max(cortex.influence(1).kl) > 0
    for number in (1, 2):
        cortex.revoke(number)
    plain, _ = run(prism, gate=GateConfig(theta=1))
    assert cortex.context is not None
    assert plain.context is not None
    assert cortex.context.logits is not None
    assert torch.equal(cortex.context.logits, plain.context.logits)
    assert torch.equal(cortex.context.store.share().keys, plain.context.store.share().keys)


@pytest.mark.parametrize("mode", ["cooperative", "concurrent"])
def test_a_run_is_the_same_run(lend: Lend, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """The River's text and every thought are those of a run without recordings, in turns and side
    by side.
    """
    prism = lend()
    scripted(monkeypatch, prism)
    runs = []
    for is_recorded in (True, False):
        prism.records_steps = is_recorded
        cortex, _ = run(prism, mode=mode, gate=GateConfig(theta=1))
        assert "".join(event.text for event in cortex.trace.of(Token)) == SCRIPT
        runs.append({thought.stream: thought.text for thought in cortex.trace.of(Thought)})
    assert len(runs[0]) == 2
    assert runs[0] == runs[1]


def test_recordings_end_with_their_storage(lend: Lend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that moves, and a stretch that is over, leave no recording behind: it would hold
    their memory.
    """
    monkeypatch.setattr(graphs, "STRETCH", 16)
    context = read(lend())
    context.write(5)
    (first,) = map(weakref.ref, context.store.recorded.values())
    while context.num_tokens < 66:
        context.write(6)
    assert len(context.store.recorded) == 1
    gc.collect()
    assert first() is None, "the stretch before"
    (second,) = map(weakref.ref, context.store.recorded.values())
    context.evict(sinks=2, window=8)
    assert not context.store.recorded
    gc.collect()
    assert second() is None, "the storage before"
    assert not context.fork().store.recorded


@given(st.integers(1, 20_000), st.integers(0, 20_000))
def test_a_batch_is_recorded_for_a_size_near_its_own(agents: int, spare: int) -> None:
    """No fewer rows than agents, no more than there are slots, and at most a quarter of them for
    nobody.
    """
    rows = graphs.size_for(agents, most=agents + spare)
    assert agents <= rows <= agents + spare
    assert rows <= 1.25 * agents


def test_few_sizes_serve_all_batches() -> None:
    """A thousand agents who end one by one need some thirty recordings."""
    sizes = {graphs.size_for(agents, most=1000) for agents in range(1, 1001)}
    assert len(sizes) <= 8 + 4 * 7
