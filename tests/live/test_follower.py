"""Following a run: every sink gets every event once, in order, though one comes late, fails or
leaves.
"""

import threading
import time

import pytest

from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower

TRACE = fabricate(num_streams=3, num_tokens=40)


class Collector:
    """A sink that remembers."""

    def __init__(self):
        self.events, self.statuses = [], []

    def __call__(self, events, status):
        """Keep what it is called with."""
        self.events.extend(events)
        self.statuses.append(status)


@pytest.fixture
def run():
    """Return a run of about a third of a second, stopped at the end."""
    with EngineThread(FabricatedCortex(TRACE, period_s=0.001), "p") as engine:
        yield engine


def follow_to_the_end(follower):
    """Wait for the follower's own end."""
    follower._thread.join(10)
    assert not follower._thread.is_alive()


def test_every_event_arrives_once_in_order(run):
    """Two sinks both end with the whole trace and the final status."""
    sinks = Collector(), Collector()
    follower = Follower(run, period_s=0.01)
    for sink in sinks:
        follower.add(sink)
    follow_to_the_end(follower.start())
    for sink in sinks:
        assert sink.events == TRACE.events
        assert sink.statuses[-1] == "done"


def test_a_late_sink_gets_the_beginning_too(run):
    """Adding in mid-run loses nothing."""
    follower = Follower(run, period_s=0.01).start()
    time.sleep(0.05)
    late = Collector()
    follower.add(late)
    follow_to_the_end(follower)
    assert late.events == TRACE.events


def test_a_failing_sink_is_dropped_and_the_others_go_on(run):
    """An exception in one view is kept; the others go on."""

    def broken(events, status):
        msg = "no"
        raise ValueError(msg)

    good = Collector()
    follower = Follower(run, period_s=0.01)
    follower.add(broken)
    follower.add(good)
    follow_to_the_end(follower.start())
    assert [str(error) for error in follower.errors] == ["no"]
    assert good.events == TRACE.events


def test_closing_in_mid_run_ends_the_thread_not_the_run(run):
    """The engine does not notice a closed follower."""
    sink = Collector()
    follower = Follower(run, period_s=0.01)
    follower.add(sink)
    follower.start()
    assert follower.close()
    assert run.join(10)
    assert run.status == "done"
    assert len(sink.events) <= len(TRACE.events)


def test_a_run_that_begins_later_is_followed_all_the_same():
    """A view made before the run starts is not left empty."""
    sink = Collector()
    engine = EngineThread(FabricatedCortex(TRACE), "p", name="later")
    follower = Follower(engine, period_s=0.01)
    follower.add(sink)
    follower.start()
    time.sleep(0.05)
    with engine:
        follow_to_the_end(follower)
    assert sink.events == TRACE.events


def test_a_removed_sink_hears_nothing_more(run):
    """Removing is immediate; removing twice is harmless."""
    sink = Collector()
    follower = Follower(run, period_s=0.01)
    follower.add(sink)
    follower.remove(sink)
    follower.remove(sink)
    follow_to_the_end(follower.start())
    assert sink.events == []


def test_a_sink_may_close_the_follower(run):
    """Closing from inside the follower's own thread does not wait for itself."""
    follower = Follower(run, period_s=0.01)
    follower.add(lambda events, status: follower.close())
    follow_to_the_end(follower.start())


def test_no_thread_stays_behind(run):
    """After the run, nothing of the follower lives."""
    follower = Follower(run, period_s=0.01).start()
    follow_to_the_end(follower)
    assert not [t for t in threading.enumerate() if t.name.startswith("warpviz-follow")]


def test_an_event_is_told_soon_and_nothing_is_asked_meanwhile(run):
    """The engine's thread wakes the follower; a follower that has ended is not called
    any more.
    """
    follower = Follower(run, period_s=0.01)
    times = []
    follower.add(lambda events, status: times.append((time.monotonic(), len(events), status)))
    follow_to_the_end(follower.start())
    assert run.taps == []
    assert max(count for _, count, status in times if status == "running") < len(TRACE.events) / 2


def test_a_silent_engine_costs_little():
    """Paused, a follower looks at the status a few times a second, not at every period."""
    with EngineThread(FabricatedCortex(TRACE, period_s=0.001), "p", name="silent") as engine:
        engine.pause()
        looked = []
        follower = Follower(engine, period_s=0.001)
        follower.deliver = lambda: looked.append(time.monotonic())
        follower.start()
        time.sleep(0.35)
        assert 1 <= len(looked) <= 6
        follower.close()
        assert engine.taps == []
