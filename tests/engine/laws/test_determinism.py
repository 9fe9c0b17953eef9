"""Law 5: the same seed gives the same trace, byte for byte; two threads give a legal order of the
same events.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from warp_cortex import (
    Cortex,
    CortexConfig,
    Event,
    Finish,
    GateConfig,
    GateDecision,
    Inject,
    InjectionConfig,
    Prism,
    Publish,
    RiverConfig,
    RunStart,
    Spawn,
    StreamConfig,
    StreamToken,
    SynapseConfig,
    Thought,
    Token,
    Trace,
    load_trace,
)

from tests.engine.script import PROMPT, SCRIPT, config, run, scripted
from tests.engine.tiny import build_prism

WARM = {
    "river": RiverConfig(max_tokens=40, temperature=1.2, repetition_penalty=1.3),
    "streams": StreamConfig(max_tokens=8, temperature=0.9, stop=()),
    "gate": GateConfig(theta=-1),
    "synapse": SynapseConfig(k=20, policy="random", focus=3),
}
VARIANTS = {
    "default": {},
    "warm": WARM,
    "bounded": {"river": RiverConfig(max_tokens=200, window=24), "gate": GateConfig(theta=-1)},
    "all": {"synapse": SynapseConfig(policy="all"), "gate": GateConfig(theta=-1)},
}


@pytest.fixture(scope="module", params=["qwen2", "gpt2"])
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model, with and without rotary positions."""
    with build_prism(request.param) as built:
        yield built


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_the_same_seed_writes_the_same_bytes(
    prism: Prism, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events and arrays of two runs are the same files; greedy and warm, with every kind of
    memory.
    """
    settings = {"synapse": SynapseConfig(k=20, space="rotated"), **VARIANTS[name]}
    if name != "warm":
        scripted(monkeypatch, prism)
    folders = []
    for number in (1, 2):
        cortex, _ = run(prism, **settings)
        folders.append(cortex.trace.save(tmp_path / str(number)))
        assert np.isfinite(cortex.trace.arrays["hidden"]).all()
    for file in ("trace.jsonl", "trace.npz"):
        assert (folders[0] / file).read_bytes() == (folders[1] / file).read_bytes()
    assert "time_s" not in (folders[0] / "trace.jsonl").read_text()
    assert load_trace(folders[0]).events == cortex.trace.events


def test_another_seed_writes_another_text(prism: Prism) -> None:
    """With a temperature the seed decides; without one it does not."""

    def text(seed: int, temperature: float) -> str:
        river = RiverConfig(max_tokens=20, temperature=temperature)
        return str(
            run(prism, seed=seed, river=river, synapse=SynapseConfig(k=8, space="values"))[
                0
            ].summary()["river_text"]
        )

    assert text(1, 1.0) != text(2, 1.0)
    assert text(1, 0.0) == text(2, 0.0)


def test_forks_do_not_depend_on_their_neighbours(prism: Prism) -> None:
    """With a temperature too, a stream's thought is that of its number and seed, alone or among
    others, in any slot.
    """
    settings = {"streams": StreamConfig(max_tokens=10, temperature=0.8, stop=(), slots=3)}
    cortex = Cortex(prism, config(**settings, synapse=SynapseConfig(k=8, space="values")))
    tasks = ["one", "two and more", "three", "four", "five"]
    together = [stream.ids for stream in cortex.fork(PROMPT, tasks)]
    assert [stream.ids for stream in cortex.fork(PROMPT, tasks)] == together
    assert cortex.fork(PROMPT, tasks[:1])[0].ids == together[0]
    assert len({tuple(ids) for ids in together}) == 5


def lawful(trace: Trace) -> None:
    """Assert that every event comes after what it needs."""
    order: dict[type[Event], int] = {
        Spawn: 0,
        StreamToken: 1,
        Thought: 2,
        GateDecision: 3,
        Inject: 4,
        Finish: 5,
    }
    versions = {event.version for event in trace.of(Publish)}
    for spawn in trace.of(Spawn):
        own = [event for event in trace.events if getattr(event, "stream", None) == spawn.stream]
        places = [order[type(event)] for event in own]
        assert places == sorted(places)
        assert isinstance(own[0], Spawn)
        assert isinstance(own[-1], Finish)
        assert places.count(0) == places.count(5) == 1
        assert spawn.version in versions
        positions = [event.position for event in own if isinstance(event, StreamToken)]
        assert positions == list(range(positions[0], positions[0] + len(positions)))
    steps = [event.step for event in trace.events]
    assert steps == sorted(steps)
    assert [event.position for event in trace.of(Token)] == list(
        range(len(PROMPT), len(PROMPT) + len(trace.of(Token)))
    )
    assert isinstance(trace.events[0], RunStart)
    assert [event.reason for event in trace.of(Finish) if event.stream is None] == ["end"]


def essence(trace: Trace) -> dict[str, object]:
    """Return what may not depend on who was faster."""
    streams = {event.stream: (event.text, event.reason) for event in trace.of(Thought)}
    tasks = {event.stream: (event.task, event.trigger) for event in trace.of(Spawn)}
    return {
        "streams": streams,
        "tasks": tasks,
        "text": "".join(event.text for event in trace.of(Token)),
    }


def test_two_threads_give_a_legal_order_of_the_same_events(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concurrent lanes: every event after what it needs, each with its time, and the same tasks,
    thoughts and text.
    """
    still = {
        "injection": InjectionConfig(enabled=False),
        "synapse": SynapseConfig(k=20, space="values"),
    }
    scripted(monkeypatch, prism)
    plain, _ = run(prism, **still)
    lawful(plain.trace)
    for _ in range(3):
        other, _ = run(prism, mode="concurrent", **still)
        lawful(other.trace)
        assert essence(other.trace) == essence(plain.trace)
        timed = [
            event.time_s
            for event in other.trace.events
            if isinstance(event, (Token, StreamToken, Finish))
        ]
        assert timed == sorted(timed)


def test_a_cooperative_run_of_a_script_is_lawful_with_injections(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted thoughts enter while the River still writes; the text stays the script."""
    scripted(monkeypatch, prism)
    cortex, _ = run(prism, gate=GateConfig(theta=-1), synapse=SynapseConfig(k=20, space="values"))
    lawful(cortex.trace)
    assert cortex.summary()["river_text"] == SCRIPT
    assert len(cortex.trace.of(Inject)) == 2
    assert isinstance(cortex.config, CortexConfig)
