"""During a run other threads may measure, take back thoughts and look: the River loses nothing."""

import threading
from collections.abc import Iterator

import pytest
import torch
from warp_cortex import (
    Cortex,
    GateConfig,
    GateDecision,
    Influence,
    Inject,
    InjectionConfig,
    Prism,
    Revoke,
)

from tests.engine.script import PROMPT, SCRIPT, config, run, scripted
from tests.engine.tiny import build_prism

LONG = SCRIPT + "and so on " * 10


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("llama") as built:
        yield built


@pytest.mark.parametrize("mode", ["cooperative", "concurrent"])
def test_thoughts_are_measured_and_revoked_between_two_steps(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """If a thread revokes each thought as it enters, the River writes as if there were none."""
    scripted(monkeypatch, prism, LONG)
    plain, _ = run(prism, gate=GateConfig(theta=1))
    cortex = Cortex(prism, config(mode=mode, gate=GateConfig(theta=-1)))
    entered: list[int] = []
    news = threading.Semaphore(0)
    errors = []

    def undo() -> None:
        for _ in range(2):
            assert news.acquire(timeout=30)
            try:
                cortex.influence(entered[-1])
                cortex.revoke(entered.pop())
            except ValueError as error:  # gathered for the main thread
                errors.append(error)

    undoing = threading.Thread(target=undo, name="undoing")
    undoing.start()
    for event in cortex.run(PROMPT):
        if isinstance(event, Inject):
            entered.append(event.injection)
            news.release()
    undoing.join(30)
    assert not errors
    assert len(cortex.trace.of(Revoke)) == len(cortex.trace.of(Influence)) == 2
    assert cortex.summary()["river_text"] == LONG
    assert cortex.context is not None
    assert plain.context is not None
    assert cortex.context.ids == plain.context.ids
    assert cortex.context.positions.tolist() == plain.context.positions.tolist()
    assert cortex.context.kinds == plain.context.kinds
    assert torch.equal(cortex.context.store.share().keys, plain.context.store.share().keys)
    assert torch.equal(cortex.context.middle, plain.context.middle)


def test_a_paused_run_can_be_questioned(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause holds the River between two steps, where thoughts can be measured and taken back."""
    scripted(monkeypatch, prism, LONG)
    cortex = Cortex(prism, config(gate=GateConfig(theta=-1)))
    entered = threading.Event()

    def consume() -> None:
        for event in cortex.run(PROMPT):
            if isinstance(event, Inject) and not entered.is_set():
                cortex.pause()
                entered.set()

    worker = threading.Thread(target=consume, name="consumer")
    worker.start()
    assert entered.wait(30)
    assert cortex.influence(1).kl == []
    assert cortex.revoke(1).rebuilt_tokens == 0
    assert worker.is_alive()
    cortex.resume()
    worker.join(30)
    assert cortex.summary()["river_text"] == LONG
    assert cortex.context is not None
    assert set(cortex.context.store.tags[: cortex.context.store.length].tolist()) == {0, 2}


def test_the_gate_forgets_what_is_revoked(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thought judged after all others were taken back is judged as by a River without them."""
    scripted(monkeypatch, prism, SCRIPT + "And [TASK: find the cat] and so on.")
    never, _ = run(prism, gate=GateConfig(theta=-1), injection=InjectionConfig(enabled=False))
    cortex = Cortex(prism, config(gate=GateConfig(theta=-1)))
    entered: list[int] = []
    for event in cortex.run(PROMPT):
        if isinstance(event, Inject):
            entered.append(event.injection)
            if len(entered) == 2:
                for number in entered:
                    cortex.revoke(number)
    want, got = (each.trace.of(GateDecision)[-1].similarities for each in (never, cortex))
    assert len(entered) == 3
    assert got == want
