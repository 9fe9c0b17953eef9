"""Laws 1 to 3: what streams see is exactly what transformers' own cache would show them."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from warp_cortex import Context, Prism, Snapshot, StreamBatch, Synapse, SynapseConfig

from tests.engine.oracle import cache_of, feed
from tests.engine.tiny import FAMILIES, LAW_FAMILIES, build_prism, random_ids

TIGHT = {"rtol": 1e-4, "atol": 2e-5}
TEXT = random_ids(60, seed=1)
PROMPTS = [random_ids(length, seed=10 + length) for length in (7, 3, 12, 5)]
EVERY_FAMILY = [f for f in FAMILIES if f != "gemma2"]  # its sliding windows have their own tests


@pytest.fixture(scope="module", params=EVERY_FAMILY)
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model of one family, lent to the engine."""
    with build_prism(request.param) as built:
        yield built


def family_of(prism: Prism) -> str:
    """Return which family's twin is the oracle."""
    return prism.spec.name.removeprefix("tiny-")


def read(prism: Prism, ids: list[int] = TEXT) -> Context:
    """Return the context of some ids."""
    context = Context(prism)
    context.read(ids)
    return context


def publish(context: Context, *, k: int = 64, policy: str = "hybrid") -> Snapshot:
    """Return a snapshot of the context's landmarks."""
    space = "keys" if context.prism.spec.has_rope else "rotated"
    return Synapse(SynapseConfig(k=k, policy=policy, sinks=2, recent=4, space=space)).publish(
        context
    )


def think(
    prism: Prism, snapshot: Snapshot, prompts: list[list[int]], fed: list[list[int]]
) -> Tensor:
    """Return logits [1 + steps, B, V] of agents in one batch that read their prompts and are then
    fed tokens.
    """
    batch = StreamBatch(prism, snapshot)
    rows = [batch.admit(list(range(len(prompts))), prompts, [None] * len(prompts)).logits]
    rows += [batch.step(torch.tensor(tokens)).logits for tokens in fed]
    return torch.stack(rows)


def test_the_models_are_told_apart_from_noise(prism: Prism) -> None:
    """The oracle has teeth: attention matters in these models, so a wrong cache gives clearly other
    logits.
    """
    whole = feed(family_of(prism), TEXT)[-1]
    assert (
        whole - feed(family_of(prism), TEXT[30:], positions=range(30, 60))[-1]
    ).abs().max() > 0.05


def test_all_tokens_make_a_stream_a_fork_of_the_river(prism: Prism) -> None:
    """Law 1: with every token shared, a stream's logits are those of transformers going on with the
    same text.
    """
    steps = random_ids(4, seed=3)
    for policy, k in (("all", 1), ("hybrid", len(TEXT))):
        got = think(
            prism,
            publish(read(prism), k=k, policy=policy),
            [PROMPTS[0]],
            [[token] for token in steps],
        )
        want = feed(family_of(prism), TEXT + PROMPTS[0] + steps)[len(TEXT) + len(PROMPTS[0]) - 1 :]
        torch.testing.assert_close(got[:, 0], want, **TIGHT)


def test_all_tokens_equal_the_rivers_own_continuation(prism: Prism) -> None:
    """Law 1, inside the engine: a fork of the River that reads the stream's prompt has the stream's
    logits.
    """
    river = read(prism)
    got = think(prism, publish(river, policy="all"), [PROMPTS[0]], [])
    fork = river.fork()
    fork.read(PROMPTS[0])
    assert fork.logits is not None
    torch.testing.assert_close(got[0, 0], fork.logits, **TIGHT)
    assert river.num_tokens == len(TEXT)


@pytest.mark.parametrize("k", [1, 6, 24])
def test_shared_landmarks_equal_private_copies(prism: Prism, k: int) -> None:
    """Law 2: agents in one batch over shared landmarks have the logits of transformers' cache
    holding copies.
    """
    snapshot = publish(read(prism), k=k)
    fed = [random_ids(len(PROMPTS), seed=20 + step) for step in range(3)]
    got = think(prism, snapshot, PROMPTS, fed)
    for agent, prompt in enumerate(PROMPTS):
        ids = prompt + [tokens[agent] for tokens in fed]
        positions = range(len(TEXT), len(TEXT) + len(ids))
        want = feed(family_of(prism), ids, positions=positions, cache=cache_of(snapshot.kv))[
            len(prompt) - 1 :
        ]
        torch.testing.assert_close(got[:, agent], want, **TIGHT)


def test_the_fused_kernels_of_transformers_agree(prism: Prism) -> None:
    """Law 2 against transformers' sdpa attention instead of its eager one."""
    snapshot = publish(read(prism), k=12)
    got = think(prism, snapshot, [PROMPTS[2]], [])
    positions = range(len(TEXT), len(TEXT) + len(PROMPTS[2]))
    cache = cache_of(snapshot.kv)
    want = feed(family_of(prism), PROMPTS[2], positions=positions, cache=cache, attention="sdpa")[
        -1
    ]
    torch.testing.assert_close(got[0, 0], want, **TIGHT)


def test_a_ragged_batch_equals_each_agent_alone(prism: Prism) -> None:
    """Law 3: with admissions and releases in between, every agent's logits are those it has
    alone.
    """
    snapshot = publish(read(prism), k=16)
    batch = StreamBatch(prism, snapshot, slots=2, capacity=4)
    alone = {agent: StreamBatch(prism, snapshot) for agent in range(4)}

    def admit(agents: list[int]) -> None:
        got = batch.admit(agents, [PROMPTS[a] for a in agents], [None] * len(agents)).logits
        for row, agent in enumerate(agents):
            want = alone[agent].admit([agent], [PROMPTS[agent]], [None]).logits
            torch.testing.assert_close(got[row], want[0], **TIGHT)

    def step(seed: int) -> None:
        tokens = random_ids(len(batch.agents), seed=seed)
        got = batch.step(torch.tensor(tokens)).logits
        for row, agent in enumerate(batch.agents):
            want = alone[agent].step(torch.tensor([tokens[row]])).logits
            torch.testing.assert_close(got[row], want[0], **TIGHT)
            torch.testing.assert_close(
                batch.state(row).middle, alone[agent].state(0).middle, **TIGHT
            )
            torch.testing.assert_close(batch.state(row).last, alone[agent].state(0).last, **TIGHT)

    def release(agent: int) -> None:
        batch.release(batch.agents.index(agent))

    admit([0, 1])
    step(1)
    admit([2])
    step(2)
    release(0)
    step(3)
    admit([3])
    step(4)
    release(3)
    release(2)
    step(5)
    assert batch.agents == [1]


def test_positions_are_exactly_those_fed(prism: Prism) -> None:
    """Law 6: landmarks keep their positions, a stream's own tokens follow the River's last one,
    ragged or not.
    """
    snapshot = publish(read(prism), k=8)
    assert (
        set(snapshot.kv.positions.tolist())
        == set(snapshot.landmarks.tolist())
        <= set(range(len(TEXT)))
    )
    batch = StreamBatch(prism, snapshot)
    batch.admit([0, 1], PROMPTS[:2], [None, None])
    batch.step(torch.tensor([5, 6]))
    for slot, prompt in enumerate(PROMPTS[:2]):
        held = batch.slots.positions[slot, : batch.slots.lengths[slot]].tolist()
        assert held == list(range(len(TEXT), len(TEXT) + len(prompt) + 1))


def test_every_law_family_is_checked() -> None:
    """The families the design names are all among those these tests run on."""
    assert set(LAW_FAMILIES) <= set(EVERY_FAMILY)
