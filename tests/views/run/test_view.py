"""LiveRun without a browser: state, exports and words agree with the trace; live filling loses
nothing.
"""

import json
import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from warp_cortex import Failure, Finish, GateDecision, Spawn, Token, Trace

from tests.views.calibrated import measured
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import HOSTILE, fabricate
from tests.views.leaks import live_views
from warpviz.live.cloud import cloud_of
from warpviz.live.engine_thread import EngineThread
from warpviz.views.run.view import LiveRun

TRACE = fabricate(num_streams=6, num_tokens=120)


@pytest.fixture(autouse=True)
def clean_world():
    """No view, pump or follower stays behind."""
    before = len(live_views())
    yield
    assert len(live_views()) == before
    assert not [
        t for t in threading.enumerate() if t.name.startswith(("warpviz-follow", "warpviz-pump"))
    ]


@pytest.fixture
def view():
    """Return a view of the fabricated run, closed at the end."""
    with LiveRun(TRACE) as made:
        yield made


def test_the_state_holds_one_row_per_event(view):
    """A browser that mounts gets the whole run."""
    state = view.state()
    assert len(state.data["rows"]) == len(TRACE.events)
    assert state.data["status"] == ""
    assert state.arrays == {}


def test_theta_begins_as_recorded(view):
    """The shared trait starts at the run's own threshold."""
    assert view.theta == 0.45


def test_the_table_has_a_row_per_stream_and_the_run_s_verdicts(view):
    """Outcome, similarity and thought come from the trace."""
    table = view.to_table()
    assert len(table) == len(TRACE.of(Spawn))
    accepted = set(table[table.outcome.isin(["accepted", "injected"])].stream)
    assert accepted == {d.stream for d in view.timeline.events if getattr(d, "accepted", False)}
    assert table.similarity.notna().all()


def test_every_export_is_written_and_says_where_it_comes_from(view, tmp_path):
    """HTML, SVG, CSV and JSON hold the model's name, the seed and the settings."""
    view.to_html(tmp_path / "a.html")
    view.to_svg(tmp_path / "a.svg")
    view.to_csv(tmp_path / "a.csv")
    view.to_json(tmp_path / "a.json")
    for name in ("a.html", "a.svg", "a.csv", "a.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "fabricated" in text, name
        assert "checksum" in text, name
    assert len(json.loads((tmp_path / "a.json").read_text())["rows"]) == 6


def test_the_figure_has_a_bar_per_stream(view):
    """The plotly form shows every stream once."""
    assert sum(len(bar.y) for bar in view.to_figure().data) == 6


def test_a_500_token_replay_with_its_cloud_is_small(tmp_path):
    """The whole run of 500 tokens, a hundred streams and a cloud fits into 5 MB, by far."""
    trace = fabricate(num_streams=100, num_tokens=500)
    cloud = np.random.default_rng(0).normal(size=(1200, 2))
    with LiveRun(trace, cloud=cloud) as view:
        assert view.to_html(tmp_path / "run.html").stat().st_size < 1_000_000


def test_a_cloud_is_scaled_into_the_unit_square():
    """Any finite [T, 2] is accepted, anything else named."""
    with LiveRun(TRACE, cloud=[[0, 10], [5, 20], [10, 10]]) as view:
        assert view.state().arrays["cloud"].tolist() == [[0, 0], [0.5, 1], [1, 0]]
    for bad in (np.zeros((3, 3)), np.array([[0, np.inf]]), np.zeros(4)):
        with pytest.raises(ValueError, match=r"cloud must be finite and of shape \[T, 2\]"):
            LiveRun(TRACE, cloud=bad)


def test_hostile_text_is_data_in_every_export(tmp_path):
    """No export holds markup from the model: no tag it wrote is a tag, no script of the page ends
    early.
    """
    with LiveRun(fabricate(num_streams=len(HOSTILE), hostile=True)) as view:
        page = view.to_html(tmp_path / "a.html").read_text(encoding="utf-8")
        svg = view.to_svg()
        still = view._repr_mimebundle_()[0]["text/html"]
        figure = view.to_figure().to_json()
    for text in (page, svg, still, figure):
        assert "<img src=x" not in text
        assert "<script>window.pwned" not in text
    assert page.count("</script") == 2
    assert "\x1b" not in svg
    assert "\u202e" not in svg


def test_the_summary_counts_what_happened(view):
    """The words give streams, verdicts and tokens."""
    text = view.summary()
    assert re.search(r"6 streams, 0 of them thinking", text)
    assert "fabricated" in text


def test_following_loses_nothing_and_ends_with_the_run():
    """A followed run gives the same state as its trace."""
    cortex = FabricatedCortex(TRACE, period_s=0.0005)
    with LiveRun.follow(cortex, "p", name="t1") as view, LiveRun(TRACE) as saved:
        assert view._follower.join(20)
        assert view.state().data["rows"] == saved.state().data["rows"]
        assert view.state().data["status"] == "done"
        assert view.provenance["model"] == "fabricated"


def test_stop_pause_and_resume_reach_the_engine():
    """The buttons' messages do what they say; a saved run ignores them."""
    with (
        EngineThread(FabricatedCortex(TRACE, period_s=0.01), "p", name="t2") as run,
        LiveRun(run) as view,
    ):
        view._on_message(view, {"op": "pause"}, [])
        assert run.status == "paused"
        view._on_message(view, {"op": "resume"}, [])
        assert run.status == "running"
        view._on_message(view, {"op": "stop"}, [])
        assert run.join(5)
        assert run.status == "stopped"
    with LiveRun(TRACE) as saved:
        saved._on_message(saved, {"op": "stop"}, [])
        assert saved.notice == ""


def test_closing_the_view_in_mid_run_hangs_nothing():
    """The engine goes on; the view's threads end."""
    with EngineThread(FabricatedCortex(TRACE, period_s=0.001), "p", name="t3") as run:
        LiveRun(run).close()
        assert run.is_alive
        assert run.join(10)


def test_an_engine_s_error_is_shown():
    """What the engine raised becomes the view's notice."""
    with LiveRun.follow(FabricatedCortex(TRACE, fail_at=20), "p", name="t4") as view:
        assert view._follower.join(10)
        assert view.notice.startswith("RuntimeError: <img")
        assert view.state().data["status"] == "failed"
        assert "the engine failed" in view.summary()
        assert "thinking" not in view.summary()


def test_following_a_cortex_needs_its_prompt():
    """The message says what is missing."""
    with pytest.raises(ValueError, match="needs the prompt"):
        LiveRun.follow(FabricatedCortex(TRACE))


def test_an_empty_and_a_failed_run_can_be_shown():
    """No events, or a stream that failed before it thought: every form still works."""
    with LiveRun() as view:
        assert "no model yet" in view.summary()
        assert view.to_table().empty
        assert view.to_svg().startswith("<svg")
    events = [
        Spawn(step=1, stream=0, task="t", kind="task", trigger=(0, 1), version=0),
        Failure(step=1, stream=0, message="overran"),
        Finish(step=1, stream=None, reason="error"),
    ]
    with LiveRun(Trace(events=events)) as view:
        assert view.to_table().reason.tolist() == ["overran"]
        assert "1 failed" in view.summary()
        assert " 1 stream, 0 of them thinking" in view.summary()
        view.to_figure()


def test_a_finished_run_brings_its_own_map():
    """Keys in the trace become a place per visible token, NaN where the cache had let go; False
    asks for none.
    """
    rng = np.random.default_rng(0)
    num_tokens = len(TRACE.events[0].prompt_tokens) + len(TRACE.of(Token))
    positions = np.arange(5, num_tokens)
    keys = rng.normal(size=(2, 2, len(positions), 8)).astype(np.float16)
    trace = Trace(events=TRACE.events, arrays={"keys": keys, "positions": positions})
    with LiveRun(trace) as view, LiveRun(trace, cloud=False) as bare:
        cloud = view.state().arrays["cloud"]
        assert cloud.shape == (num_tokens, 2)
        assert np.isnan(cloud[:5]).all()
        assert (cloud[5:] >= 0).all()
        assert (cloud[5:] <= 1).all()
        assert "cloud" not in bare.state().arrays


def test_the_map_keeps_what_lies_apart_apart():
    """Two far groups of keys stay two groups; the same run gives the same map."""
    keys = np.zeros((1, 1, 20, 6), dtype=np.float16)
    keys[:, :, 10:, 2] = 5
    trace = Trace(
        arrays={
            "keys": keys + np.random.default_rng(1).normal(size=keys.shape).astype(np.float16) * 0.1
        }
    )
    trace.events = [Token(step=i + 1, id=0, text="a", position=i) for i in range(20)]
    first, again = cloud_of(trace), cloud_of(trace)
    assert first is not None
    assert abs(first[:10, 0].mean() - first[10:, 0].mean()) > 4
    assert np.array_equal(first, again)
    assert cloud_of(Trace()) is None


def test_a_similarity_that_is_no_number_has_no_mark():
    """A trace from elsewhere may say NaN: the still shows a dash and the verdict, and no place on
    the axis.
    """
    events = [
        replace(event, similarity=float("nan")) if isinstance(event, GateDecision) else event
        for event in TRACE.events
    ]
    with LiveRun(Trace(events=events)) as view, LiveRun(TRACE) as usual:
        text = view.to_svg()
        assert "nan" not in text
        assert "<circle" not in text
        assert "<circle" in usual.to_svg()
        assert text.count("rejected") == usual.to_svg().count("rejected")


def test_strangers_stand_behind_the_axis():
    """A calibrated run: the words, the table and the picture show what strangers do; one without
    has neither column nor bars.
    """
    with LiveRun(measured(TRACE)) as view, LiveRun(TRACE) as plain:
        assert view.theta == 0.05
        assert re.search(r"Theta 0.05 \(likelihood\) accepts \d+% of strangers", view.summary())
        table = view.to_table().set_index("stream")
        assert table.loc[1, "outcome"] == "closed"
        assert table.loc[1, "reason"] == "repeats its task"
        assert table.drop(1).strangers.between(0, 1).all()
        assert 'fill-opacity="0.3"' in view.to_svg()
        assert "repeats its task" in view.to_svg()
        assert "1 had no thought" in view.summary()
        assert "strangers" not in plain.to_table()
        assert 'fill-opacity="0.3"' not in plain.to_svg()
        assert "strangers" not in plain.summary()


def test_a_run_without_a_stream_says_why():
    """The words name the triggers that were on, and what would open one."""
    silent = Trace(
        events=[e for e in fabricate(num_streams=0, num_tokens=9).events if e.type != "memory"]
    )
    with LiveRun(silent) as view:
        assert "No stream opened: the triggers (bracket, phrase) did not fire" in view.summary()


def test_a_question_of_the_page_reaches_the_engine():
    """The engine gets the question; what it refuses is heard; without an engine nothing happens."""

    class Asked(FabricatedCortex):
        def __init__(self, source):
            super().__init__(source, period_s=0.01)
            self.questions = []

        def ask(self, question):
            if question == "?":
                msg = "a question must have 1 to 200 characters, got '?'"
                raise ValueError(msg)
            self.questions.append(question)

    cortex = Asked(TRACE)
    with EngineThread(cortex, "p", name="t9") as run, LiveRun(run) as view, LiveRun(TRACE) as saved:
        view._on_message(view, {"op": "ask", "text": "when is it open?"}, [])
        assert cortex.questions == ["when is it open?"]
        view._on_message(view, {"op": "ask", "text": "?"}, [])
        assert "a question must have 1 to 200 characters" in view.notice
        run.close()
        view._on_message(view, {"op": "ask", "text": "late"}, [])
        assert "no engine runs that could answer" in view.notice
        saved._on_message(saved, {"op": "ask", "text": "x"}, [])
        assert saved.notice == ""
    assert cortex.questions == ["when is it open?"]
