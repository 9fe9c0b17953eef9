"""watch: one line runs and shows; whatever is closed, stopped or run again, nothing hangs and
nothing stays.
"""

import threading
import time

import pytest

from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate, labels_of
from warpviz.live.engine_thread import live_runs
from warpviz.views.watch import watch

TRACE = fabricate(num_streams=8, num_tokens=100)


def engine(period_s=0.001):
    """Return an engine that takes about half a second."""
    return FabricatedCortex(TRACE, period_s=period_s)


@pytest.fixture(autouse=True)
def clean_world():
    """No run, view or thread of ours survives a test."""
    yield
    assert not live_runs()
    end = time.monotonic() + 3
    names = ("warpviz-engine", "warpviz-follow", "warpviz-pump")
    while [t for t in threading.enumerate() if t.name.startswith(names)] and time.monotonic() < end:
        time.sleep(0.01)
    assert not [t for t in threading.enumerate() if t.name.startswith(names)]


def test_all_views_end_with_the_whole_run():
    """One line; every view has everything."""
    with watch(engine(), "p", labels=labels_of(TRACE)) as board:
        board.wait(200)
        assert board.trace.events == TRACE.events
        assert len(board.live.timeline) == len(TRACE.events)
        assert len(board.gate.thoughts) == 8
        assert board.council.peak is not None
        assert [type(view).__mro__[1].__name__ for view in board.views] == [
            "LiveRun",
            "GateTuner",
            "CouncilMonitor",
        ]


def test_it_returns_at_once():
    """The cell does not wait for the engine."""
    with watch(engine(0.02), "p") as board:
        assert board.run.is_alive


def test_stop_works_and_the_trace_is_complete():
    """Stop ends the run with the River's finish; the views say so."""
    with watch(engine(0.01), "p") as board:
        time.sleep(0.1)
        board.stop()
        board.wait(5)
        assert board.trace.events[-1].reason == "stopped"
        assert board.live.state().data["status"] == "stopped"


def test_running_the_cell_again_stops_the_earlier_run():
    """One engine per name."""
    first = watch(engine(0.01), "p")
    second = watch(engine(0.01), "p")
    assert first.run.status == "stopped"
    assert second.run.is_alive
    first.close()
    second.close()


def test_closing_one_view_in_mid_run_leaves_the_others():
    """The run and the other views go on."""
    with watch(engine(), "p") as board:
        board.gate.close()
        board.wait(200)
        assert len(board.live.timeline) == len(TRACE.events)
        assert len(board.gate.thoughts) < 8 or board.run.status == "done"


def test_theta_is_shared_between_gate_view_and_engine():
    """Moving theta in LiveRun moves the gate's and the engine's."""
    cortex = engine(0.01)
    with watch(cortex, "p") as board:
        board.live.theta = 0.7
        assert board.gate.theta == 0.7
        assert cortex.theta == 0.7


def test_pause_and_resume():
    """Paused, nothing arrives; resumed, everything does."""
    with watch(engine(), "p") as board:
        board.pause()
        time.sleep(0.02)
        held = len(board.trace.events)
        time.sleep(0.05)
        assert len(board.trace.events) == held
        board.resume()
        board.wait(200)
        assert board.trace.events == TRACE.events


def test_waiting_too_long_says_so():
    """A timeout names the run."""
    with (
        watch(engine(0.05), "p") as board,
        pytest.raises(TimeoutError, match="'watch' has not ended"),
    ):
        board.wait(0.05)


def test_one_page_with_all_views(tmp_path):
    """The dashboard is one self-contained file, linked by theta."""
    with watch(engine(), "p") as board:
        board.wait(200)
        text = board.to_html(tmp_path / "w.html").read_text(encoding="utf-8")
    assert text.count('"kind": ') == 3
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_a_failed_engine_is_shown_and_ends():
    """The error is in the view; wait returns."""
    with watch(FabricatedCortex(TRACE, fail_at=30), "p") as board:
        board.wait(200)
        assert "RuntimeError" in board.live.notice


def test_closing_twice_is_harmless():
    """close() may come at any time."""
    board = watch(engine(0.01), "p")
    board.close()
    board.close()
    assert board.run.status == "stopped"


def test_a_saved_notebook_shows_pictures_of_all_views():
    """Without a kernel the dashboard is still its views' pictures and words."""
    with watch(engine(), "p") as board:
        board.wait(200)
        bundle, _ = board._repr_mimebundle_()
    assert bundle["text/html"].count("<figure>") == 3
    assert "Council at its peak" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
