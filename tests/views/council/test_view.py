"""CouncilMonitor: bytes are the engine's to the byte, rates are hand-computed, the paper's figures
are the paper's.
"""

import numpy as np
import pytest
from warp_cortex import GateDecision, Memory, Spawn, StreamToken, Token

from tests.views.engines import FabricatedCortex
from tests.views.fabricated import fabricate
from warpviz.live.council import FIELDS, PAPER, CouncilHistory, table
from warpviz.live.engine_thread import EngineThread
from warpviz.views.council import still as council_still
from warpviz.views.council.view import CouncilMonitor

TRACE = fabricate(num_streams=60, num_tokens=120)


def test_every_memory_event_is_a_sample_with_exact_bytes():
    """The table repeats the engine's figures without rounding."""
    with CouncilMonitor(TRACE) as view:
        frame = view.to_table()
        frame = frame[frame.reported]
        events = TRACE.of(Memory)
        assert frame.weights_bytes.tolist() == [e.weights for e in events]
        assert frame.private_kv_bytes.tolist() == [e.private_kv for e in events]
        assert view.peak.total_bytes == max(
            e.weights + e.river_kv + e.shared_kv + e.private_kv + e.evidence for e in events
        )


def test_states_add_up():
    """Thinking, accepted, rejected and failed streams never exceed those spawned, and end as all of
    them.
    """
    council = CouncilHistory()
    for event in TRACE.events:
        council.read([event], live=False)
        if isinstance(event, Memory):
            last = council.samples[-1]
            spawned = council.timeline.counts.spawned
            assert last.thinking + last.accepted + last.rejected + last.failed == spawned
    assert council.samples[-1].accepted + council.samples[-1].rejected == 60


def test_rates_from_a_clock_are_hand_computed():
    """Ten River tokens and twenty stream tokens in half a second are 20 and 40 a second."""
    now = [0.0]
    council = CouncilHistory(clock=lambda: now[0])
    river = [Token(step=i, id=0, text="a", position=i) for i in range(10)]
    stream = [StreamToken(step=0, stream=0, id=0, text="b", position=i) for i in range(20)]
    council.read([], live=True)
    now[0] = 0.25
    council.read(river, live=True)
    now[0] = 0.5
    council.read([*stream], live=True)
    now[0] = 0.6
    council.read([], live=True)
    first = council.rates[0]
    assert first.at_s == 0.5
    assert first.river == 20
    assert sum(rate.streams for rate in council.rates) <= 40


def test_rates_from_event_times_need_no_clock():
    """A saved concurrent run keeps its own times."""
    events = [Token(step=i, id=0, text="a", position=i, time_s=i * 0.1) for i in range(11)]
    council = CouncilHistory(clock=lambda: pytest.fail("a saved run asked the clock"))
    council.read(events, live=False)
    assert [round(rate.river) for rate in council.rates] == [10, 10]


def test_a_saved_cooperative_run_claims_no_seconds():
    """Without times there are no rates."""
    with CouncilMonitor(TRACE) as view:
        assert view.state().arrays["rates"].shape == (0, 3)


def test_the_wire_is_one_row_per_sample():
    """float32 [S, 13], in the order of FIELDS."""
    with CouncilMonitor(TRACE) as view:
        state = view.state()
        changes = sum(isinstance(event, (Spawn, GateDecision)) for event in TRACE.events)
        assert state.arrays["samples"].shape == (len(TRACE.of(Memory)) + changes, len(FIELDS))
        assert state.data["fields"] == list(FIELDS)
        assert np.array_equal(state.arrays["samples"], table(view.council.samples))


def test_the_paper_s_figures_are_labelled_as_the_paper_s(tmp_path):
    """0.93, 1.05, 1.44 and 2.22 GB at 1, 10, 50 and 100 agents, on an RTX 4090, and nothing of ours
    among them.
    """
    assert [(row.agents, row.total_gb) for row in PAPER] == [
        (1, 0.93),
        (10, 1.05),
        (50, 1.44),
        (100, 2.22),
    ]
    with CouncilMonitor(TRACE) as view:
        assert "RTX 4090" in view.state().data["setting"]
        assert "RTX 4090" in view.to_svg()
        assert "2.22" in view.to_svg(tmp_path / "c.svg")
        assert len(view.to_figure().data) == 5
        view.to_html(tmp_path / "c.html")


def test_nothing_reported_yet():
    """An empty view works in every form."""
    with CouncilMonitor() as view:
        assert "no memory" in view.summary()
        assert view.to_table().empty
        assert view.to_svg().startswith("<svg")
        assert view.state().data["peak"] is None


def test_following_ends_with_the_same_samples():
    """A live view gathers what the trace holds."""
    with (
        EngineThread(FabricatedCortex(TRACE, period_s=0.0002), "p", name="c1") as run,
        CouncilMonitor(run) as view,
    ):
        assert view._follower.join(20)
        with CouncilMonitor(TRACE) as saved:
            assert view.to_table().equals(saved.to_table())


def test_a_running_engine_is_asked_what_it_holds():
    """Between the engine's own reports the view asks for one, at most four times a second."""

    class Asked(FabricatedCortex):
        asked = 0

        def memory(self):
            self.asked += 1
            if self.asked == 1:
                msg = "dictionary changed size during iteration"
                raise RuntimeError(msg)
            return Memory(
                step=1, weights=7, river_kv=10**9, shared_kv=0, private_kv=0, num_streams=0
            )

    cortex = Asked(TRACE, period_s=0.0004)
    with EngineThread(cortex, "p", name="c2") as run, CouncilMonitor(run) as view:
        assert view._follower.join(20)
        assert cortex.asked >= 2
        assert view.peak.river_kv_bytes == 10**9
        assert view.notice == ""


def test_the_busiest_moment_is_the_one_with_most_streams():
    """Peak bytes and most agents are two moments, each a report."""
    council = CouncilHistory()
    council.read(TRACE.events, live=False)
    assert council.busiest is not None
    assert council.busiest.reported
    assert council.busiest.thinking == max(s.thinking for s in council.samples if s.reported)
    assert CouncilHistory().busiest is None


def test_a_still_of_many_samples_shows_the_peak():
    """However many samples share a bar, what is said to be held at most is the peak."""
    council = CouncilHistory()
    for step in range(1000):
        council.report(
            Memory(
                step=step,
                weights=0,
                river_kv=10**8 if step == 501 else 10**6,
                shared_kv=0,
                private_kv=0,
                num_streams=0,
            )
        )
    picture = council_still.picture(council.samples, provenance={})
    assert "100.0 MB at most" in picture
    assert picture.count("<rect") <= 5 * council_still.MOST_BARS + 10


def test_the_still_picture_leads_with_what_one_more_agent_costs():
    """Own bytes against a copy of the River's cache each, where most streams thought."""
    with CouncilMonitor(fabricate(num_streams=40, num_tokens=80)) as view:
        busiest = view.council.busiest
        assert busiest is not None
        own = busiest.private_kv_bytes / busiest.thinking
        assert f"One more agent costs {own / 1e6:.2f} MB" in view.to_svg()
    with CouncilMonitor() as empty:
        assert "Bytes held, by owner" in empty.to_svg()
