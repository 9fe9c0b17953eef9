"""GateTuner without a browser: decisions, figures and exports follow theta; a running engine
follows it too.
"""

import re
import time

import numpy as np
import pytest
from warp_cortex import GateDecision

from tests.views.calibrated import measured
from tests.views.engines import FabricatedCortex
from tests.views.fabricated import HOSTILE, fabricate, labels_of
from warpviz.live.engine_thread import EngineThread
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.run.view import LiveRun

TRACE = fabricate(num_streams=20, num_tokens=200)
LABELS = labels_of(TRACE)


@pytest.fixture
def view():
    """Return a labelled view of one run."""
    with GateTuner(TRACE, labels=LABELS) as made:
        yield made


def test_it_begins_with_what_happened(view):
    """Scorer, theta and decisions are the run's own."""
    assert (view.scorer, view.theta) == ("centred", 0.45)
    assert view.outcome().num_accepted == sum(d.accepted for d in TRACE.of(GateDecision))
    assert (view.to_table().would_accept == view.to_table().accepted).all()


def test_theta_moves_the_table_and_the_words(view):
    """At -1 everything passes, at 1 nothing but a perfect match."""
    view.theta = -1.0
    assert view.to_table().would_accept.all()
    assert "20 of 20 thoughts" in view.summary()
    view.theta = 1.0
    assert view.outcome().num_accepted == int((view.to_table().similarity >= 1).sum())


def test_the_wire_carries_every_similarity(view):
    """Arrays are [F, S] float32, labels 1 good and 2 bad, rows as many as thoughts."""
    state = view.state()
    assert state.arrays["similarities"].shape == (20, 3)
    assert state.arrays["similarities"].dtype == np.float32
    assert sorted(set(state.arrays["labels"].tolist())) == [1, 2]
    assert [row[1] for row in state.data["thoughts"]] == [t.stream for t in view.thoughts]
    assert state.data["scorers"] == ["centred", "raw", "standardised"]


def test_many_runs_side_by_side(tmp_path):
    """A thousand thoughts of ten runs: numbered, and 400 kB as a page."""
    traces = [fabricate(seed=s, num_streams=100, num_tokens=60) for s in range(10)]
    with GateTuner(traces, labels=[labels_of(t) for t in traces]) as view:
        assert len(view.thoughts) == 1000
        assert set(view.to_table().run) == set(range(10))
        assert view.provenance["num_runs"] == 10
        assert view.to_html(tmp_path / "g.html").stat().st_size < 600_000


def test_the_area_is_in_the_words_only_with_labels(view):
    """Unlabelled runs claim no precision."""
    assert "area under the ROC curve" in view.summary()
    with GateTuner(TRACE) as bare:
        assert "Precision" not in bare.summary()


def test_exports(view, tmp_path):
    """Figure, SVG, CSV and JSON show the same thoughts."""
    assert sum(len(t.x) for t in view.to_figure().data) == 60
    assert view.to_svg(tmp_path / "g.svg").count("<circle") == 3 * view.outcome().num_accepted
    assert len(view.to_csv(tmp_path / "g.csv").read_text().splitlines()) == 22
    assert '"theta": 0.45' in view.to_json(tmp_path / "g.json").read_text()


def test_hostile_thoughts_are_data():
    """No export holds markup from a thought."""
    with GateTuner(fabricate(num_streams=len(HOSTILE), hostile=True)) as view:
        for text in (
            view.to_svg(),
            view.to_figure().to_json(),
            view._repr_mimebundle_()[0]["text/html"],
        ):
            assert "<img src=x" not in text
            assert "<script>window" not in text


def test_no_thoughts_yet():
    """An empty view works in every form."""
    with GateTuner() as view:
        assert view.outcome().num_accepted == 0
        assert view.to_table().empty
        assert view.to_svg().startswith("<svg")
        assert view.state().arrays["similarities"].shape == (0, 3)
        view.to_figure()


def test_a_running_engine_follows_theta():
    """Moving theta moves the engine's at once; the last value wins; the switch turns it off."""
    cortex = FabricatedCortex(TRACE, period_s=0.002)
    with EngineThread(cortex, "p", name="g1") as run, GateTuner(run) as view:
        assert view.theta == 0.45
        for value in np.linspace(0, 0.9, 50):
            view.theta = float(value)
        assert cortex.theta == 0.9
        view.tune_engine = False
        view.theta = 0.1
        assert cortex.theta == 0.9
        view.tune_engine = True
        view.scorer = "raw"
        view._engine_scorer = "centred"
        view.theta = 0.2
        assert cortex.theta == 0.9


def test_an_engine_that_refuses_is_heard():
    """A ValueError of the engine becomes a notice, not a lost exception."""

    class Strict(FabricatedCortex):
        @property
        def theta(self):
            return 0.5

        @theta.setter
        def theta(self, value):
            if value != 0.45:
                msg = "theta must be less daring"
                raise ValueError(msg)

    with EngineThread(Strict(TRACE, period_s=0.01), "p", name="g2") as run, GateTuner(run) as view:
        view.theta = 0.8
        assert "less daring" in view.notice


def test_following_gathers_every_judgement():
    """A live view ends with the thoughts of the trace."""
    with (
        EngineThread(FabricatedCortex(TRACE, period_s=0.0003), "p", name="g3") as run,
        GateTuner(run) as view,
    ):
        assert view._follower.join(20)
        time.sleep(0)
        assert [t.stream for t in view.thoughts] == [d.stream for d in TRACE.of(GateDecision)]
        assert view.scorer == "centred"
        assert view.state().data["live"] is False


def test_a_mistaken_scorer_is_refused_and_named():
    """Under a scorer that judged nothing, every thought would silently be rejected."""
    with pytest.raises(
        ValueError, match="'centered' is unknown; accepted: centred, raw, standardised"
    ):
        GateTuner(TRACE, scorer="centered")


def test_labels_that_raise_are_heard():
    """An error in a user's labels stands in the view, which would otherwise stay empty without a
    word.
    """

    def labels(task, thought):
        msg = "no such task"
        raise KeyError(msg)

    with (
        EngineThread(FabricatedCortex(TRACE), "p", name="g4") as run,
        GateTuner(run, labels=labels) as view,
    ):
        assert view._follower.join(20)
        assert "no such task" in view.notice


@pytest.mark.parametrize("kind", [LiveRun, GateTuner, CouncilMonitor])
def test_what_is_no_run_is_refused(kind):
    """A path or a Cortex would show an empty view."""
    for given in ("trace.jsonl", FabricatedCortex(TRACE)):
        with pytest.raises(TypeError, match="expected a Trace"):
            kind(given)


def test_strangers_in_every_form():
    """The words, the table, the figure and the picture of a calibrated run hold its strangers."""
    with GateTuner(measured(TRACE)) as view:
        assert (view.scorer, view.theta) == ("likelihood", 0.05)
        assert "theta 0.050 under likelihood" in view.summary()
        assert re.search(r"accepts \d+% of strangers", view.summary())
        assert view.to_table().strangers.between(0, 1).all()
        assert view.to_figure().data[0].name == "strangers"
        assert 'fill-opacity="0.25"' in view.to_svg()
        assert view.state().data["strangers"]["likelihood"] == view.strangers["likelihood"]
    with GateTuner(TRACE) as plain:
        assert "strangers" not in plain.to_table()
        assert "strangers" not in plain.summary()
        assert 'fill-opacity="0.25"' not in plain.to_svg()


def test_a_measured_theta_moves_the_view_and_not_the_engine():
    """When the engine has measured its theta, the view shows it and sets nothing."""

    class Watched(FabricatedCortex):
        sets = 0

        @property
        def theta(self):
            return 1.0

        @theta.setter
        def theta(self, value):
            self.sets += 1

    cortex = Watched(measured(TRACE), period_s=0.0003)
    before = cortex.sets
    with EngineThread(cortex, "p", name="g5") as run, GateTuner(run) as view:
        assert view._follower.join(20)
        assert (view.theta, view.scorer) == (0.05, "likelihood")
        assert cortex.sets == before
        view.theta = 0.2
        assert cortex.sets == before + 1
