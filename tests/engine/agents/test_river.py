"""The River and the stream lane, step by step: what they write, how they end, and what the Gate is
shown.
"""

from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    Context,
    Cortex,
    Finish,
    GateConfig,
    GateDecision,
    InjectionConfig,
    Prism,
    RiverConfig,
    RouterConfig,
    Spawn,
    StreamBatch,
    StreamConfig,
    StreamToken,
    Synapse,
    SynapseConfig,
    Thought,
    Token,
)
from warp_cortex.agents.river import River
from warp_cortex.agents.sampling import penalise

from tests.engine.oracle import feed
from tests.engine.script import PROMPT, SCRIPT, config, run, scripted
from tests.engine.tiny import build_prism


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def river(prism: Prism, prompt: str = PROMPT, **changes: object) -> River:
    """Return a River that read a prompt."""
    settings = RiverConfig(**{"max_tokens": 12, "temperature": 0.0, **changes})  # type: ignore[arg-type] # a test's own keywords
    return River(prism, settings, context=prism.read(prompt), sinks=4, seed=3)


def test_the_river_writes_what_the_model_would(prism: Prism) -> None:
    """Greedily, its tokens are those of transformers read again from the start at every step."""
    agent, ids = river(prism), prism.encode(PROMPT)
    for _ in range(12):
        written = agent.step()
        assert written is not None
        assert written[0] == int(feed("qwen2", ids)[-1].argmax())
        ids.append(written[0])
    assert agent.context.ids == ids
    assert agent.why_done() == "max_tokens"
    assert agent.text == agent.context.text[len(PROMPT) :]
    assert agent.num_written == 12


def test_a_penalty_counts_from_the_prompts_end(prism: Prism) -> None:
    """What the River wrote is penalised, what it read is not."""
    agent, ids, written = river(prism, repetition_penalty=5.0), prism.encode(PROMPT), []
    for _ in range(12):
        step = agent.step()
        assert step is not None
        assert step[0] == int(
            penalise(feed("qwen2", ids + written)[-1], written, penalty=5.0).argmax()
        )
        written.append(step[0])
    assert len(set(written)) > len(set(river_ids(prism)))


def river_ids(prism: Prism) -> list[int]:
    """Return what the River writes without a penalty."""
    agent = river(prism)
    while agent.why_done() is None:
        agent.step()
    return agent.context.ids[len(PROMPT) :]


def test_the_gate_sees_the_triggers_own_states(prism: Prism) -> None:
    """The River's side of a judgement is the mean of the middle states of the tokens the trigger's
    characters touch.
    """
    agent = river(prism, "né 🙂 [TASK: x] y")
    text, middle = agent.context.text, agent.context.middle
    for word in ("n", "é", "🙂", "[TASK: x]", " y"):
        first = text.index(word)
        rows = range(len(text[:first].encode()), len(text[: first + len(word)].encode()))
        # the character appears with its last byte, so that is the token it is credited to
        if word in "é🙂":
            rows = range(rows.stop - 1, rows.stop)
        got = agent.state((first, first + len(word))).middle
        torch.testing.assert_close(got, middle[list(rows)].mean(0))
    assert agent.context.last is not None
    assert torch.equal(agent.state((0, 1)).last, agent.context.last)


def test_statistics_are_of_every_visible_token(prism: Prism) -> None:
    """Mean and spread of the middle states so far, whenever they are asked for."""
    agent = river(prism)
    for _ in range(5):
        agent.statistics()
        agent.step()
    found = agent.statistics()
    assert found.count == len(PROMPT) + 5
    torch.testing.assert_close(found.mean, agent.context.middle.double().mean(0))
    torch.testing.assert_close(found.std, agent.context.middle.double().std(0, correction=0))


def test_a_thought_is_what_the_model_would_write_after_the_task(prism: Prism) -> None:
    """Forked over everything, a stream's thought is transformers' greedy continuation of context
    and task.
    """
    cortex = Cortex(
        prism,
        config(synapse=SynapseConfig(policy="all"), streams=StreamConfig(max_tokens=8, stop=())),
    )
    (stream,) = cortex.fork(PROMPT, ["find the lamp"])
    ids = prism.encode(PROMPT + " [TASK: find the lamp] thought:")
    for token in stream.ids:
        assert token == int(feed("qwen2", ids)[-1].argmax())
        ids.append(token)
    assert (len(stream.ids), stream.reason) == (8, "budget")
    assert stream.text == prism.decode(stream.ids)


@pytest.mark.parametrize("focus", [0, 5])
def test_a_saved_or_read_context_can_be_forked(prism: Prism, focus: int) -> None:
    """From a text, a context or a snapshot the same tasks give the same thoughts; slots may be
    fewer than tasks.
    """
    cortex = Cortex(
        prism,
        config(
            synapse=SynapseConfig(k=20, focus=focus), streams=StreamConfig(slots=2, max_tokens=6)
        ),
    )
    tasks = [f"task {number}" for number in range(5)]
    text, context = cortex.fork(PROMPT, tasks), prism.read(PROMPT)
    again = cortex.fork(context, tasks)
    assert [s.ids for s in text] == [s.ids for s in again]
    assert all(len(s.focus) == focus for s in text)
    if not focus:
        snapshot = Synapse(cortex.config.synapse).publish(context)
        assert [s.ids for s in cortex.fork(snapshot, tasks)] == [s.ids for s in text]
    assert context.num_tokens == len(PROMPT)


def test_a_stop_text_ends_a_thought_and_is_not_part_of_it(prism: Prism) -> None:
    """The thought is cut where the stop text begins, also when it begins in an earlier token."""
    free = config(streams=StreamConfig(max_tokens=12, stop=()))
    (whole,) = Cortex(prism, free).fork(PROMPT, ["find it"])
    stop = whole.text[4:6]
    cut = config(streams=StreamConfig(max_tokens=12, stop=("never there", stop)))
    (stream,) = Cortex(prism, cut).fork(PROMPT, ["find it"])
    assert stream.text == whole.text[: whole.text.index(stop)]
    assert stream.reason == "stop text"
    assert len(stream.ids) <= len(whole.ids)


def test_the_gate_judges_the_states_of_the_thoughts_own_tokens(prism: Prism) -> None:
    """The pooled state is the mean over the thought's fed tokens, not over its prompt."""
    context = prism.read(PROMPT)
    batch = StreamBatch(prism, Synapse(SynapseConfig(policy="all")).publish(context))
    prompt, thought = prism.encode("task:"), [70, 80, 90]
    batch.admit([1], [prompt], [None])
    fork = context.fork()
    fork.read(prompt)
    torch.testing.assert_close(batch.state(0).middle, fork.middle[-1], rtol=1e-4, atol=1e-5)
    for token in thought:
        batch.step(torch.tensor([token]))
        fork.write(token)
    torch.testing.assert_close(
        batch.state(0).middle, fork.middle[-3:].mean(0), rtol=1e-4, atol=1e-5
    )
    assert fork.last is not None
    torch.testing.assert_close(batch.state(0).last, fork.last, rtol=1e-4, atol=1e-5)


def test_the_summary_is_the_run(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every row of the summary says what the events say, and JSON can hold it."""
    scripted(monkeypatch, prism)
    cortex, events = run(prism, gate=GateConfig(theta=-1), synapse=SynapseConfig(k=20, focus=3))
    found = cortex.summary()
    assert found["prompt_tokens"] == len(PROMPT)
    assert (
        found["river_text"]
        == SCRIPT
        == "".join(event.text for event in events if isinstance(event, Token))
    )
    assert found["river_tokens"] == len(SCRIPT)
    spawns = [event for event in events if isinstance(event, Spawn)]
    assert (
        [row["task"] for row in found["streams"]]
        == [spawn.task for spawn in spawns]
        == ["find the lamp", "find the key"]
    )
    for row, thought, gate in zip(
        found["streams"], cortex.trace.of(Thought), cortex.trace.of(GateDecision), strict=True
    ):
        own = [
            event
            for event in events
            if isinstance(event, StreamToken) and event.stream == row["id"]
        ]
        assert row["thought"] == thought.text == "".join(event.text for event in own).strip()
        assert thought.num_tokens == len(own)
        assert row["similarity"] == gate.similarity == gate.similarities[gate.scorer]
        assert row["landmarks"] == 23
    assert found["bytes"]["private_kv"] > 0
    assert found["bytes"]["weights"] == prism.weight_bytes
    assert len(found["injections"]) == 2
    assert cortex.trace.arrays["thoughts"].shape == (2, prism.spec.hidden_size)


def test_switches_switch_off(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the router nothing is opened, without injections nothing enters, without the gate all
    thoughts pass.
    """
    scripted(monkeypatch, prism)
    alone, _ = run(prism, router=RouterConfig(enabled=False))
    assert alone.trace.of(Spawn) == []
    quiet, _ = run(prism, gate=GateConfig(enabled=False), injection=InjectionConfig(enabled=False))
    assert [event.accepted for event in quiet.trace.of(GateDecision)] == [True, True]
    assert quiet.summary()["injections"] == []
    short, _ = run(prism, river=RiverConfig(max_tokens=0))
    assert [event.reason for event in short.trace.of(Finish)] == ["max_tokens"]
    assert isinstance(short.context, Context)
