"""What a run records: every stream's end, and what is taken back behind what was put in."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from warp_cortex import (
    Cortex,
    Finish,
    GateConfig,
    Influence,
    Inject,
    Prism,
    Revoke,
    RiverConfig,
    RunStart,
    Spawn,
    StreamConfig,
    StreamToken,
    Token,
    Trace,
    load_trace,
)
from warp_cortex.run.record import Record

from tests.engine.script import PROMPT, config, scripted
from tests.engine.tiny import build_prism

MODES = ("cooperative", "concurrent")
NUM_STOPS = 12
BUSY = "[TASK: find the lamp] and [TASK: find the key] " * 4


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """A tiny model."""
    with build_prism("qwen2") as built:
        yield built


def inject(number: int, step: int) -> Inject:
    """An injection at a step."""
    return Inject(step=step, injection=number, stream=1, text="t", positions=[1], anchor="next")


def revoke(number: int, step: int) -> Revoke:
    """Its end."""
    return Revoke(step=step, injection=number, rebuilt_tokens=0)


def token(step: int) -> Token:
    """A token of the River."""
    return Token(step=step, id=1, text="a", position=step - 1)


def test_what_comes_early_waits_for_its_injection_and_its_step() -> None:
    """An event about an injection stands behind it, and the steps of a trace never go back."""
    record = Record(Trace())
    for event in (token(4), token(5)):
        record.add(event)
    late = [revoke(1, 7), revoke(2, 6)]
    for event in late:
        record.add_about(event.injection, event)
    for event in (inject(1, 6), token(6), inject(2, 6), token(7)):
        record.add(event)
    kinds = [(event.type, event.step) for event in record.trace.events[2:]]
    assert kinds == [
        ("inject", 6),
        ("token", 6),
        ("inject", 6),
        ("revoke", 6),
        ("token", 7),
        ("revoke", 7),
    ]
    at_once = revoke(1, 7)
    assert record.add_about(1, at_once) is at_once
    assert record.trace.events[-1] is at_once


def test_the_end_takes_what_waits_and_ends_what_is_open() -> None:
    """An event whose injection the trace never got is left out."""
    record = Record(Trace())
    start = RunStart(
        step=3, model="m", checksum="c", prompt="", prompt_tokens=[], seed=0, config={}, versions={}
    )
    spawns = [
        Spawn(step=3, stream=number, task="t", kind="task", trigger=(0, 1), version=1)
        for number in (1, 2)
    ]
    done = Finish(step=4, stream=1, reason="end")
    for event in (start, *spawns, done, inject(1, 4)):
        record.add(event)
    record.add_about(1, revoke(1, 9))
    record.add_about(2, revoke(2, 9))
    record.end("stopped", lambda event: event)
    assert record.trace.events[5:] == [
        revoke(1, 9),
        Finish(step=9, stream=None, reason="stopped"),
        Finish(step=9, stream=2, reason="stopped"),
    ]


def assert_every_stream_ends(trace: Trace) -> None:
    """Assert that each stream and the River have exactly one end, behind their beginning."""
    opened = [event.stream for event in trace.of(Spawn)]
    ended = [event.stream for event in trace.of(Finish)]
    assert sorted(ended, key=str) == sorted([*opened, None], key=str)
    events = trace.events
    for event in trace.of(Spawn):
        (end,) = (other for other in trace.of(Finish) if other.stream == event.stream)
        assert events.index(event) < events.index(end)


@pytest.mark.parametrize("mode", MODES)
def test_a_stop_loses_no_stream(prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Stopped at any event from another thread, every stream that was spawned has its end."""
    scripted(monkeypatch, prism, BUSY)
    for number in range(NUM_STOPS):
        cortex = Cortex(prism, config(mode=mode, river=RiverConfig(max_tokens=150)))
        reached = threading.Event()
        stopper = threading.Thread(target=lambda c=cortex, r=reached: r.wait(30) and c.stop())
        stopper.start()
        num_seen = 0
        for event in cortex.run(PROMPT):
            num_seen += isinstance(event, StreamToken)
            if num_seen > 3 * number:
                reached.set()
        reached.set()
        stopper.join(30)
        assert_every_stream_ends(cortex.trace)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("error", [None, KeyboardInterrupt, ZeroDivisionError])
def test_a_run_given_up_has_all_its_ends(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str, error: type[BaseException] | None
) -> None:
    """Left or failed in its consumer, the trace says how every agent ended: it was stopped."""
    scripted(monkeypatch, prism, BUSY)
    cortex = Cortex(prism, config(mode=mode, streams=StreamConfig(max_tokens=300, stop=())))

    def consume() -> None:
        events = cortex.run(PROMPT)
        for event in events:
            if isinstance(event, StreamToken):
                events.close()
                if error is not None:
                    raise error

    if error is None:
        consume()
    else:
        with pytest.raises(error):
            consume()
    assert_every_stream_ends(cortex.trace)
    assert {event.reason for event in cortex.trace.of(Finish)} == {"stopped"}
    assert cortex.trace.has_ended
    assert (cortex.trace.events[-1].time_s is None) == (mode == "cooperative")


@pytest.mark.parametrize("mode", MODES)
def test_what_is_taken_back_by_another_thread_stands_behind_its_injection(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """As soon as the cache holds a thought it is measured and revoked, before the trace says so."""
    scripted(monkeypatch, prism, BUSY)
    cortex = Cortex(prism, config(mode=mode, gate=GateConfig(theta=-1)))
    is_over = threading.Event()

    def take_back() -> None:
        while not is_over.is_set():
            run = cortex._run
            for number in list(run.injector.active) if run is not None else ():
                cortex.influence(number)
                cortex.revoke(number)

    taker = threading.Thread(target=take_back)
    taker.start()
    steps = [event.step for event in cortex.run(PROMPT)]
    is_over.set()
    taker.join(30)
    assert steps
    trace = cortex.trace
    places: dict[int, int] = {}
    num_about = 0
    for place, event in enumerate(trace.events):
        if isinstance(event, Inject):
            places[event.injection] = place
        elif isinstance(event, Revoke | Influence):
            num_about += 1
            assert places[event.injection] < place
    assert num_about
    assert len(trace.of(Revoke)) == len({event.injection for event in trace.of(Revoke)})


def test_what_is_taken_back_late_is_in_its_own_run_s_trace(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measurement that ends when its Cortex has begun another run is not in that run's trace."""
    scripted(monkeypatch, prism, BUSY)
    cortex = Cortex(prism, config(gate=GateConfig(theta=-1)))
    list(cortex.run(PROMPT))
    first = cortex.trace
    run = cortex._run
    assert run is not None
    still = run.injector.still
    numbers = list(run.injector.active)

    def slowly():
        injector = still()
        list(cortex.run(PROMPT))
        return injector

    monkeypatch.setattr(run.injector, "still", slowly)
    effect = cortex.influence(numbers[0])
    assert first.events[-1] is effect
    assert not cortex.trace.of(Influence)


@pytest.mark.parametrize("mode", MODES)
def test_a_run_is_saved_while_it_goes(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: str
) -> None:
    """`save` names a folder: its trace is there at the first event, and whole after the last."""
    scripted(monkeypatch, prism, BUSY)
    cortex = Cortex(prism, config(mode=mode))
    assert cortex.saved_at is None
    events = cortex.run(PROMPT, save=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    next(events)
    assert cortex.saved_at == tmp_path / "out" / "trace.jsonl"
    assert cortex.saved_at.exists()
    list(events)
    loaded = load_trace(tmp_path / "out")
    assert loaded.events == cortex.trace.events
    assert set(loaded.arrays) >= {"keys", "hidden"}
    list(cortex.run(PROMPT))
    assert cortex.saved_at is None


def test_a_saved_run_that_is_left_has_its_arrays(
    prism: Prism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Closing the run half way closes the files, with its end and what its viewers need."""
    scripted(monkeypatch, prism, BUSY)
    cortex = Cortex(prism, config())
    for event in cortex.run(PROMPT, save=tmp_path):
        if isinstance(event, StreamToken):
            break
    loaded = load_trace(tmp_path)
    assert loaded.events == cortex.trace.events
    assert loaded.events[-1].type == "finish"
    assert set(loaded.arrays) >= {"keys", "hidden"}


def test_the_number_of_threads_is_recorded(prism: Prism, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can change the last bits of a sum, and with them a token."""
    scripted(monkeypatch, prism, "a")
    cortex = Cortex(prism, config())
    list(cortex.run(PROMPT))
    assert cortex.trace.of(RunStart)[0].threads == torch.get_num_threads()
