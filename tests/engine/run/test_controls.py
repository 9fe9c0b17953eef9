"""Stop, pause, resume, theta and Ctrl-C, from any thread at any moment: the trace is whole."""

import _thread
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from warp_cortex import (
    Cortex,
    Event,
    Finish,
    GateConfig,
    GateDecision,
    Influence,
    Inject,
    InjectionConfig,
    Memory,
    Prism,
    Publish,
    Revoke,
    RiverConfig,
    RunStart,
    SynapseConfig,
    Token,
    load_trace,
)

from tests.engine.script import PROMPT, config, run, scripted
from tests.engine.tiny import build_prism

MODES = ("cooperative", "concurrent")
LONG = "and so on " * 40


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def assert_whole(cortex: Cortex, folder: Path) -> None:
    """Assert that the trace so far can be saved and loaded, arrays included."""
    loaded = load_trace(cortex.trace.save(folder))
    assert loaded.events == cortex.trace.events
    assert set(loaded.arrays) >= {"keys", "hidden"}


@pytest.mark.parametrize("mode", MODES)
def test_stop_from_another_thread(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """The run ends at its next step with the reason; every stream is closed; nothing hangs."""
    scripted(monkeypatch, prism, "[TASK: find the lamp] " + LONG)
    cortex = Cortex(prism, config(mode=mode))
    stopper = threading.Timer(0.15, cortex.stop)
    stopper.start()
    events = list(cortex.run(PROMPT))
    stopper.join()
    assert cortex.summary()["river_end"] in {"stopped", "max_tokens"}
    assert isinstance(events[-1], Memory)
    assert events[-1].num_streams == 0
    assert events == cortex.trace.events
    assert_whole(cortex, tmp_path)


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_between_two_events_is_kept(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Stopping while the consumer holds an event, or before it asks for the first one, counts."""
    scripted(monkeypatch, prism, LONG)
    cortex = Cortex(prism, config(mode=mode))
    for event in cortex.run(PROMPT):
        if isinstance(event, Token) and event.step >= len(PROMPT) + 5:
            cortex.stop()
    assert cortex.summary()["river_end"] == "stopped"
    if mode == "cooperative":
        assert len(cortex.trace.of(Token)) == 5
    early = cortex.run(PROMPT)
    cortex.stop()
    assert [type(event) for event in early] == [RunStart, Finish]
    assert cortex.summary()["river_end"] == "stopped"
    assert cortex.trace.arrays == {}
    list(cortex.run(PROMPT))
    assert cortex.summary()["river_end"] == "max_tokens", "the next run starts afresh"


@pytest.mark.parametrize("mode", MODES)
def test_pause_and_resume(prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """A pause holds the River and leaves its text as it would be without; stop ends a pause."""
    scripted(monkeypatch, prism, LONG[:100])
    cortex = Cortex(prism, config(mode=mode))
    seen: list[Event] = []
    worker = threading.Thread(target=lambda: seen.extend(cortex.run(PROMPT)), name="consumer")
    cortex.pause()
    worker.start()
    time.sleep(0.3)
    assert not [event for event in cortex.trace.events if isinstance(event, Token)]
    assert worker.is_alive()
    cortex.resume()
    worker.join(20)
    assert cortex.summary()["river_text"] == LONG[:100]
    cortex.pause()
    worker = threading.Thread(target=lambda: list(cortex.run(PROMPT)), name="consumer")
    worker.start()
    time.sleep(0.1)
    cortex.stop()
    worker.join(20)
    assert not worker.is_alive()
    assert cortex.summary()["river_end"] == "stopped"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("closed", [True, False])
def test_a_pause_ends_with_its_run(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str, closed: bool
) -> None:
    """A run that was paused and given up, closed or not, does not hold the next one."""
    scripted(monkeypatch, prism, LONG[:20])
    cortex = Cortex(prism, config(mode=mode))
    given_up = cortex.run(PROMPT)
    next(given_up)
    cortex.pause()
    if closed:
        given_up.close()  # type: ignore[attr-defined] # a generator
    worker = threading.Thread(target=lambda: list(cortex.run(PROMPT)), name="consumer", daemon=True)
    worker.start()
    worker.join(20)
    held = worker.is_alive()
    cortex.stop()
    worker.join(20)
    assert not held
    given_up.close()  # type: ignore[attr-defined] # a generator


@pytest.mark.parametrize("mode", MODES)
def test_a_generator_closed_early_leaves_a_whole_trace(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """A consumer that loses interest ends every thread, and what happened so far can be saved."""
    scripted(monkeypatch, prism, "[TASK: find the lamp] " + LONG)
    cortex = Cortex(prism, config(mode=mode))
    events = cortex.run(PROMPT)
    for event in events:
        if isinstance(event, Token) and event.step > len(PROMPT) + 40:
            break
    events.close()  # type: ignore[attr-defined] # a generator
    assert threading.active_count() == 1 + sum(
        not t.name.startswith("warp") for t in threading.enumerate()[1:]
    )
    assert_whole(cortex, tmp_path)


@pytest.mark.parametrize("mode", MODES)
def test_an_interrupted_kernel_stops(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """Ctrl-C anywhere in a run reaches the user, ends every thread, and leaves a complete trace."""
    scripted(monkeypatch, prism, "[TASK: find the lamp] " + LONG * 3)
    cortex = Cortex(prism, config(mode=mode, river=RiverConfig(max_tokens=430)))

    def strike() -> None:
        while len(cortex.trace.of(Token)) < 30:
            time.sleep(0.002)
        _thread.interrupt_main()

    striker = threading.Thread(target=strike, name="striker")
    striker.start()
    with pytest.raises(KeyboardInterrupt):
        for _ in cortex.run(PROMPT):
            pass
    striker.join()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("warp")]
    assert 30 <= len(cortex.trace.of(Token)) < 430
    assert_whole(cortex, tmp_path)


def test_an_interrupt_while_reading_shows_no_other_run(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted reading leaves an empty trace, without the arrays of an earlier run."""
    scripted(monkeypatch, prism)
    cortex, _ = run(prism)
    assert cortex.trace.arrays

    def strike(done: int, total: int) -> None:
        assert done <= total
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(cortex.run(PROMPT, progress=strike))
    assert cortex.trace.events == []
    assert cortex.trace.arrays == {}
    with pytest.raises(ValueError, match="nothing has run yet"):
        cortex.influence(1)


def test_theta_moves_while_running(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new threshold holds from the next judgement on, and is recorded with it."""
    scripted(monkeypatch, prism)
    cortex = Cortex(prism, config(gate=GateConfig(theta=1.0)))
    for event in cortex.run(PROMPT):
        if isinstance(event, GateDecision):
            cortex.theta = -1.0
    first, second = cortex.trace.of(GateDecision)
    assert (first.threshold, first.accepted) == (1.0, False)
    assert (second.threshold, second.accepted) == (-1.0, True)
    assert len(cortex.trace.of(Inject)) == 1


def test_influence_and_revoke_are_part_of_the_trace(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After or during a run both are recorded events; a revoked thought cannot be measured."""
    scripted(monkeypatch, prism)
    cortex, _ = run(prism, gate=GateConfig(theta=-1), injection=InjectionConfig(max_tokens=30))
    # the second does not fit under the cap
    (number,) = (event.injection for event in cortex.trace.of(Inject))
    effect = cortex.influence(number)
    assert isinstance(effect, Influence)
    assert (
        len(effect.kl)
        == len(effect.attention_mass)
        == cortex.trace.of(Token)[-1].step - effect.first_position
    )
    assert max(effect.kl) > 0
    undone = cortex.revoke(number)
    assert undone.rebuilt_tokens == len(effect.kl)
    assert cortex.trace.events[-2:] == [effect, undone]
    assert isinstance(undone, Revoke)
    with pytest.raises(ValueError, match="no injection 1 is in the cache; there are: none"):
        cortex.influence(number)
    assert cortex.context is not None
    assert set(cortex.context.kinds) == {"text"}


def test_a_bounded_river_remembers_through_its_snapshots(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a window the cache stays small while snapshots keep landmarks from far back."""
    scripted(monkeypatch, prism, "[TASK: find the lamp] " + LONG[:200] + " [TASK: find the key] ")
    river = RiverConfig(max_tokens=400, window=24)
    cortex, _ = run(
        prism, river=river, synapse=SynapseConfig(k=30, recent=4), gate=GateConfig(theta=-1)
    )
    assert cortex.context is not None
    held = cortex.context.positions.tolist()
    assert held[:4] == [0, 1, 2, 3]
    assert len(held) <= 4 + 24 + 24 // 4
    assert held[-1] == cortex.context.num_tokens - 1
    last = cortex.trace.of(Publish)[-1]
    assert [place for place in last.landmarks if 4 <= place < last.step - 30], (
        "only what the window still holds"
    )
    assert cortex.context.kinds.count("injected") > 0
