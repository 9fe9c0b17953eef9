"""Fast steps: the model's arithmetic written out must be the model's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import torch
from warp_cortex import Context, Prism
from warp_cortex.agents.stepper import EMPTY, Room, Stepper
from warp_cortex.decode.weights import fuse, unfusable
from warp_cortex.kernels import decode_cpu

from tests.engine.tiny import build_prism, random_ids

Lend = Callable[..., Prism]
FUSABLE = ("qwen2", "qwen3", "llama", "mistral")
TOKENS, OWN = 50, 12


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Tiny models of this test's own, given back at its end."""
    with ExitStack() as stack:
        yield lambda *family: stack.enter_context(build_prism(*family))


def tasks_of(agents: int) -> torch.Tensor:
    """Return ragged tasks, padded with EMPTY."""
    tasks = torch.full((agents, 5), EMPTY)
    for row in range(agents):
        length = 2 + row % 4
        tasks[row, :length] = torch.tensor(random_ids(length, seed=row))
    return tasks


def read(prism: Prism) -> Context:
    """Return a context of random tokens."""
    context = Context(prism)
    context.read(random_ids(TOKENS))
    return context


def continued(context: Context, task: list[int]) -> tuple[list[int], Context]:
    """Let a fork of the River feed a task and then write greedily; return what it fed, and the
    fork.
    """
    fork, fed = context.fork(), []
    for number in range(OWN):
        assert fork.logits is not None
        token = task[number] if number < len(task) else int(fork.logits.argmax())
        fed.append(token)
        fork.write(token)
    return fed, fork


@pytest.mark.parametrize("family", FUSABLE)
def test_with_everything_shared_an_agent_continues_the_river(lend: Lend, family: str) -> None:
    """With k = all tokens, final states and pooled middle states are those of a fork that is fed
    the same.
    """
    context = read(lend(family))
    tasks = tasks_of(4)
    stepper = Stepper(
        context.prism, Room(agents=4, capacity=OWN), shared=context.store.share(), base=TOKENS
    )
    stepper.seat(tasks)
    stepper.run(OWN)
    for row in range(4):
        task = [token for token in tasks[row].tolist() if token != EMPTY]
        fed, fork = continued(context, task)
        assert stepper.script[row, :OWN].tolist() == fed
        torch.testing.assert_close(stepper.last[row], fork.last, atol=1e-4, rtol=1e-4)
        pooled = fork.middle[TOKENS + len(task) :].float().sum(0)
        torch.testing.assert_close(stepper.middle[row], pooled, atol=1e-3, rtol=1e-3)


def test_copies_of_landmarks_are_the_shared_landmarks(lend: Lend) -> None:
    """A private copy in every slot and one shared block give the same tokens and states."""
    context = read(lend())
    rows = torch.arange(0, TOKENS, 3)
    block = context.store.gather(rows)
    shared = Stepper(context.prism, Room(agents=3, capacity=OWN), shared=block, base=TOKENS)
    room = Room(agents=3, capacity=OWN + len(rows), common=len(rows))
    copied = Stepper(context.prism, room, shared=None, base=TOKENS)
    copied.data[:, 0, :, :, : len(rows)] = block.keys[:, None]
    copied.data[:, 1, :, :, : len(rows)] = block.values[:, None]
    for stepper in (shared, copied):
        stepper.seat(tasks_of(3))
        stepper.run(OWN)
    assert torch.equal(shared.script, copied.script)
    torch.testing.assert_close(shared.last, copied.last, atol=1e-4, rtol=1e-4)


def test_a_river_leads_its_streams_in_one_batch(lend: Lend) -> None:
    """Agent 0 over its whole cache writes what it writes alone, and the others what they think
    without it.
    """
    context = read(lend())
    block = context.store.gather(torch.arange(0, TOKENS, 2))
    led = Stepper(
        context.prism,
        Room(agents=3, capacity=OWN),
        shared=block,
        base=TOKENS,
        lead=context.store.share(),
    )
    alone = Stepper(context.prism, Room(agents=3, capacity=OWN), shared=block, base=TOKENS)
    for stepper in (led, alone):
        stepper.seat(tasks_of(3))
        stepper.run(OWN)
    assert led.script[0, :OWN].tolist() == continued(context, tasks_of(3)[0, :2].tolist())[0]
    assert torch.equal(led.script[1:], alone.script[1:])


@pytest.mark.parametrize("kernels", [True, False])
def test_a_slot_is_reused_as_if_it_were_new(lend: Lend, kernels: bool) -> None:
    """An agent seated in a used slot thinks what it thinks in a fresh one, whoever its neighbours
    are.
    """
    context = read(lend())
    block = context.store.gather(torch.arange(0, TOKENS, 2))
    used = Stepper(
        context.prism, Room(agents=3, capacity=OWN), shared=block, base=TOKENS, kernels=kernels
    )
    used.seat(tasks_of(3))
    used.run(5)
    used.data[:, :, 1] = float("nan")  # even if the one before broke
    used.seat(tasks_of(3)[:1], first=1)
    used.run(OWN - 5)
    fresh = Stepper(context.prism, Room(agents=1, capacity=OWN), shared=block, base=TOKENS)
    fresh.seat(tasks_of(3)[:1])
    fresh.run(OWN - 5)
    assert torch.equal(used.script[1, : OWN - 5], fresh.script[0, : OWN - 5])
    torch.testing.assert_close(used.middle[1], fresh.middle[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", ["landmarks", "copies", "a leader"])
def test_steps_of_few_agents_at_once_change_nothing(
    lend: Lend, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A batch that goes through the layers a few agents at a time writes the same tokens, states
    and entries.
    """
    context = read(lend())
    block, found = context.store.gather(torch.arange(0, TOKENS, 3)), []
    lead = context.store.share() if kind == "a leader" else None
    common = block.num_entries if kind == "copies" else 0
    for most in (512, 2):
        monkeypatch.setattr(decode_cpu, "MOST_AGENTS", most)
        room = Room(agents=5, capacity=OWN + common, common=common)
        shared = None if kind == "copies" else block
        stepper = Stepper(context.prism, room, shared=shared, base=TOKENS, lead=lead)
        stepper.data[:] = 0
        stepper.data[:, 0, :, :, :common] = block.keys[:, None, :, :common]
        stepper.data[:, 1, :, :, :common] = block.values[:, None, :, :common]
        stepper.seat(tasks_of(5))
        stepper.run(OWN)
        found.append(stepper)
    assert torch.equal(found[0].script, found[1].script)
    for name in ("last", "middle", "data"):
        torch.testing.assert_close(
            getattr(found[0], name), getattr(found[1], name), atol=1e-4, rtol=1e-4
        )


def test_logits_of_few_agents_at_once_change_nothing(lend: Lend) -> None:
    """The vocabulary projection in chunks chooses what one projection chooses."""
    context = read(lend())
    found = []
    for rows in (1, 2, 512):
        stepper = Stepper(
            context.prism,
            Room(agents=5, capacity=OWN, rows=rows),
            shared=context.store.share(),
            base=TOKENS,
        )
        stepper.seat(tasks_of(5))
        stepper.run(OWN)
        found.append(stepper.script)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_a_full_slot_is_never_overrun(lend: Lend) -> None:
    """Stepping on after the last entry neither raises nor changes what was written before."""
    context = read(lend())
    stepper = Stepper(
        context.prism, Room(agents=2, capacity=4), shared=context.store.share(), base=TOKENS
    )
    stepper.seat(tasks_of(2))
    stepper.run(4)
    before = stepper.script[:, :4].clone()
    stepper.run(3)
    assert torch.equal(stepper.script[:, :4], before)
    assert stepper.lengths.tolist() == [3, 3]


def test_arranging_weights_holds_nothing_twice_and_leaves_the_model_as_it_was(lend: Lend) -> None:
    """Parameters become views: the same values, the same bytes, and a second call moves nothing."""
    prism = lend()
    before = {name: value.clone() for name, value in prism.model.state_dict().items()}
    held = prism.weight_bytes
    first, second = (fuse(prism.model, prism.layout) for _ in range(2))
    assert prism.weight_bytes == held
    assert first.layers[0].into_mlp.data_ptr() == second.layers[0].into_mlp.data_ptr()
    for name, value in prism.model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("family", ["gemma2", "gpt2", "gpt_neox", "phi3"])
def test_other_families_are_refused_by_reason(lend: Lend, family: str) -> None:
    """A model whose arithmetic is not written out is refused, and the reason is told."""
    prism = lend(family)
    assert unfusable(prism.model, prism.layout) is not None
    with pytest.raises(ValueError, match="cannot take fast steps"):
        fuse(prism.model, prism.layout)
