"""The tap on a running engine: every entry once, in order, copied between two events; a watch's
cloud grows by them.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from warp_cortex import (
    Cortex,
    CortexConfig,
    GateConfig,
    Inject,
    Prism,
    RiverConfig,
    Spawn,
    StreamToken,
    Token,
)

from tests.views.leaks import live_views
from warpviz.live.engine_thread import EngineThread, live_runs
from warpviz.live.entries import EntryTap, merged
from warpviz.views.watch import watch

PROMPT = (
    "Alma put the brass key in the cellar. Corin put the rope in the mill. "
    "[TASK: where is the brass key]\n"
)


@pytest.fixture(scope="module")
def prism() -> Iterator[Prism]:
    """The bundled model."""
    with Prism.load("village") as loaded:
        yield loaded


def cortex(prism: Prism) -> Cortex:
    """Return an engine whose gate lets every thought in."""
    return Cortex(prism, CortexConfig(gate=GateConfig(theta=-1), river=RiverConfig(max_tokens=120)))


def tapped(prism: Prism) -> tuple[Cortex, EntryTap, list[EntryTap]]:
    """Run to the end with a tap; return what it took."""
    engine = cortex(prism)
    tap, found = EntryTap(engine), []
    for event in engine.run(PROMPT * 4):
        tap(event)
        found += tap.take()
    return engine, tap, found


def test_every_entry_is_taken_once_and_named(prism: Prism) -> None:
    """The River's tokens are its text, injected ones the thought's, a stream's its task's and its
    thought's.
    """
    engine, tap, found = tapped(prism)
    trace = engine.trace
    written = [token for item in found if item.kind == "written" for token in item.tokens]
    assert "".join(written) == "".join(event.text for event in trace.of(Token))
    injected = {item.about: "".join(item.tokens) for item in found if item.kind == "injected"}
    assert list(injected.values()) == [event.text for event in trace.of(Inject)]
    assert trace.of(Spawn)
    for event in trace.of(Spawn):
        said = "".join(item.text for item in trace.of(StreamToken) if item.stream == event.stream)
        own = "".join(
            token
            for item in found
            if item.about.startswith(f"stream {event.stream},")
            for token in item.tokens
        )
        task = engine.config.voice.ask(event.task, event.kind)
        assert own.startswith(task)
        assert said.startswith(own[len(task) :])
        assert len(own) > len(task)
    assert tap.num_dropped == 0
    assert tap.base.num_tokens == len(trace.events[0].prompt_tokens)


def test_positions_are_those_of_the_text(prism: Prism) -> None:
    """The River's entries stand one behind the other from the prompt's end on."""
    _, tap, found = tapped(prism)
    places = torch.cat([item.held.positions for item in found if item.kind == "written"]).tolist()
    assert places == list(range(tap.base.num_tokens, tap.base.num_tokens + len(places)))


def test_neighbours_are_put_together(prism: Prism) -> None:
    """Merging keeps every entry, in order, of each owner."""
    _, _, found = tapped(prism)
    joined = merged(found)
    assert len(joined) == len({(item.kind, item.about) for item in found})
    assert Counter(t for item in joined for t in item.tokens) == Counter(
        t for item in found for t in item.tokens
    )
    assert all(item.held.num_entries == len(item.tokens) for item in joined)
    assert merged([]) == []


def test_too_many_entries_are_counted_not_kept(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a limit entries of streams are dropped and counted; the River's text never is."""
    monkeypatch.setattr("warpviz.live.entries.MOST_ENTRIES", 3)
    engine, tap, found = tapped(prism)
    assert tap.num_dropped > 0
    assert sum(len(item.tokens) for item in found if item.kind != "written") <= 3
    assert sum(len(item.tokens) for item in found if item.kind == "written") == len(
        engine.trace.of(Token)
    )


def test_a_tap_that_raises_does_not_end_the_run(prism: Prism) -> None:
    """The run goes on without it; what went wrong is kept."""

    def broken(_: object) -> None:
        raise KeyError

    run = EngineThread(cortex(prism), PROMPT * 4, name="tap")
    run.taps.append(broken)
    run.start()
    assert run.join(60)
    assert run.status == "done"
    assert isinstance(run.tap_error, KeyError)
    assert run.taps == []


def test_a_watch_s_cloud_grows_and_nothing_moves(prism: Prism) -> None:
    """From the prompt on: tokens, streams and thoughts come in, the prompt's points stay where they
    were to the bit.
    """
    with watch(cortex(prism), PROMPT * 4) as board:
        board.wait(240)
        cloud = board.cloud
        assert cloud is not None
        assert board.children[-1] is cloud
        cloud.wait()
        cloud.projection = "pca"
        cloud.wait()
        table, trace = cloud.to_table(), board.trace
        num = len(trace.events[0].prompt_tokens)
        assert table.kind.tolist()[:num] == ["prompt"] * num
        assert (table.kind == "written").sum() == len(trace.of(Token))
        assert (table.kind == "injected").sum() == sum(
            len(event.positions) for event in trace.of(Inject)
        )
        assert (table.kind == "stream").any()
        look = board.cloud.scene.plane.coords[:num]
        fresh = type(cloud)(board._tap.base, projection="pca")
        fresh.wait()
        assert np.array_equal(look, fresh.scene.plane.coords)
        fresh.close()


def test_closed_in_mid_run_it_leaves_nothing(prism: Prism) -> None:
    """Run, views and threads end, wherever the run was."""
    board = watch(cortex(prism), PROMPT * 4)
    board.close()
    assert not live_runs()
    assert not live_views()
    assert not [
        t for t in threading.enumerate() if t.name.startswith(("warpviz-follow", "warpviz-engine"))
    ]


def test_without_a_cloud_nothing_is_tapped(prism: Prism) -> None:
    """cloud=False costs the engine nothing."""
    with watch(cortex(prism), PROMPT * 4, cloud=False) as board:
        assert board._tap is None
        assert not [tap for tap in board.run.taps if isinstance(tap, EntryTap)]
        board.wait(240)
        assert board.cloud is None


def test_a_cloud_closed_in_mid_run_holds_nothing_up(prism: Prism) -> None:
    """The run and the other views go on to the end; no sink has failed."""
    with watch(cortex(prism), PROMPT * 4) as board:
        end = time.monotonic() + 30
        while board.cloud is None and time.monotonic() < end:
            time.sleep(0.01)
        assert board.cloud is not None
        board.cloud.close()
        board.wait(240)
        assert board.follower.errors == []
        assert board.run.tap_error is None
        assert len(board.live.timeline) == len(board.trace.events)


def test_a_cloud_that_can_no_longer_grow_says_so(
    prism: Prism, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went wrong while entries were copied is shown at the end; the run is complete."""

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("warpviz.live.entries.text_entries", broken)
    with watch(cortex(prism), PROMPT * 4) as board:
        board.wait(240)
        assert "RuntimeError" in board.live.notice
        assert board.run.status == "done"
