"""The engine's thread: every way to end it ends it, and nothing stays behind."""

import threading
import time

import pytest
from warp_cortex import Finish, Inject

from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.live.engine_thread import EngineThread, live_runs, stop_all

TRACE = fabricate(num_streams=4, num_tokens=60)


def slow():
    """Return an engine that takes two seconds."""
    return FabricatedCortex(TRACE, period_s=0.005)


def wait_for(condition, timeout_s=5.0):
    """Return whether the condition came true in time."""
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return condition()


@pytest.fixture(autouse=True)
def clean_world():
    """No engine thread before or after."""
    assert not live_runs()
    yield
    assert not live_runs()
    assert wait_for(
        lambda: not [t for t in threading.enumerate() if t.name.startswith("warpviz-engine")]
    )


def test_a_run_ends_by_itself_and_keeps_everything():
    """The thread's trace is the engine's, whole."""
    run = EngineThread(FabricatedCortex(TRACE), "p").start()
    assert run.join(5)
    assert run.status == "done"
    assert run.trace.events == TRACE.events


def test_stop_ends_at_the_next_step_and_the_trace_is_complete():
    """After stop the River's finish is the last event."""
    run = EngineThread(slow(), "p").start()
    assert wait_for(lambda: len(run.trace.events) > 10)
    assert run.close(5)
    assert run.status == "stopped"
    assert run.trace.events[-1] == Finish(
        step=run.trace.events[-1].step, stream=None, reason="stopped"
    )
    assert len(run.trace.events) < len(TRACE.events)


def test_pause_holds_and_resume_goes_on():
    """No event arrives while paused, for as long as one looks; all arrive after resume."""
    run = EngineThread(slow(), "p").start()
    assert wait_for(lambda: len(run.trace.events) > 5)
    run.pause()
    time.sleep(0.03)
    held = len(run.trace.events)
    time.sleep(0.05)
    assert run.status == "paused"
    assert len(run.trace.events) == held
    run.resume()
    assert run.join(20)
    assert len(run.trace.events) == len(TRACE.events)


def test_a_paused_run_can_be_stopped():
    """Stop wakes a paused engine instead of waiting for it."""
    run = EngineThread(slow(), "p").start()
    run.pause()
    assert run.close(5)
    assert run.status == "stopped"


def test_the_same_name_stops_the_earlier_run():
    """Re-running a cell never leaves two engines at work."""
    first = EngineThread(slow(), "p", name="cell").start()
    second = EngineThread(slow(), "p", name="cell").start()
    assert not first.is_alive or first.join(1)
    assert first.status == "stopped"
    assert live_runs() == {"cell": second}
    second.close(5)


def test_different_names_run_side_by_side_and_stop_all_ends_them():
    """Names are independent; stop_all reaches each."""
    runs = [EngineThread(slow(), "p", name=name).start() for name in "ab"]
    assert sorted(live_runs()) == ["a", "b"]
    assert stop_all(5)
    assert [run.status for run in runs] == ["stopped", "stopped"]


def test_an_exception_is_kept_not_lost():
    """A failing engine ends its thread; the error is there to be shown, the trace up to it too."""
    run = EngineThread(FabricatedCortex(TRACE, fail_at=9), "p").start()
    assert run.join(5)
    assert run.status == "failed"
    assert isinstance(run.error, RuntimeError)
    assert len(run.trace.events) == 9


def test_ending_twice_and_before_the_start_is_harmless():
    """stop, close, pause and resume may come at any time and any number of times."""
    run = EngineThread(slow(), "p")
    run.pause()
    run.resume()
    assert run.close(1)
    run = EngineThread(slow(), "p").start()
    for _ in range(3):
        run.stop()
        assert run.close(5)
    run.resume()
    assert run.status == "stopped"


def test_a_run_starts_once():
    """A finished run is not started again by mistake."""
    run = EngineThread(FabricatedCortex(TRACE), "p").start()
    assert run.join(5)
    with pytest.raises(RuntimeError, match="started before"):
        run.start()


def test_leaving_the_with_block_stops():
    """The context manager is a stop button of its own."""
    with EngineThread(slow(), "p") as run:
        assert run.is_alive
    assert run.status == "stopped"


def test_the_main_thread_stays_free():
    """Starting returns while the engine goes on; it steps elsewhere."""
    run = EngineThread(slow(), "p").start()
    assert run.is_alive
    assert run._thread is not threading.current_thread()
    run.close(5)


def test_one_cortex_never_runs_twice_at_once():
    """Another name does not help: a run of the same cortex ends before the next begins."""
    cortex = slow()
    first = EngineThread(cortex, "p", name="one").start()
    second = EngineThread(cortex, "p", name="two").start()
    assert first.status == "stopped"
    assert "one" not in live_runs()
    second.close(5)


def test_what_an_earlier_run_left_in_the_engine_is_not_shown():
    """Until its first event a run's trace is empty, even if the cortex still holds an older one."""
    cortex = FabricatedCortex(TRACE)
    cortex.trace.events.extend(TRACE.events[:5])
    run = EngineThread(cortex, "p")
    assert run.trace.events == []
    run.start()
    assert run.join(5)
    assert len(run.trace.events) == 5 + len(TRACE.events)


def test_influence_is_measured_after_the_run_and_can_be_stopped():
    """Every injection of a finished run is measured once; a stopped run measures nothing."""

    class Measured(FabricatedCortex):
        def __init__(self, **settings):
            super().__init__(TRACE, **settings)
            self.asked = []

        def influence(self, injection):
            self.asked.append(injection)

    wanted = [event.injection for event in TRACE.of(Inject)]
    assert wanted
    for influence, expected in ((True, wanted), (False, [])):
        cortex = Measured()
        run = EngineThread(cortex, "p", influence=influence).start()
        assert run.join(5)
        assert cortex.asked == expected
        assert run.status == "done"
    cortex = Measured(period_s=0.01)
    run = EngineThread(cortex, "p").start()
    assert run.close(5)
    assert cortex.asked == []
