"""GateTuner: the thoughts of one run or many by similarity, judged again as theta moves."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import traitlets
from warp_cortex import Calibration, Event, RunStart, Trace, area

from warpviz.live import regate
from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower
from warpviz.live.regate import GateOutcome, Judge, Labels, Rejudged
from warpviz.live.strangers import accepted_share, null_of
from warpviz.views.base.following import Following, run_given
from warpviz.views.base.pump import Patch
from warpviz.views.base.wire import Array, float32
from warpviz.views.gate import still as gate_still
from warpviz.views.run.view import provenance_of

ENGINE_SCORERS = ("raw", "centred", "standardised")
LABELS = {None: 0, True: 1, False: 2}


class GateTuner(Following):
    """Judges thoughts again at another theta or under another scorer.

    `given` is a Trace, several of them, an EngineThread, or None for an empty view that `take`
    fills. `labels` say which thoughts are good (see `warpviz.live.regate.Labels`). Traits: theta,
    scorer, and tune_engine: under the engine's own scorer, theta moves the theta of an attached
    run's engine too.
    """

    entry = "gate/view.js"
    title = "Gate"
    stem = "gate"
    span: ClassVar[int] = 7

    scorer = traitlets.Unicode("centred").tag(sync=True)
    tune_engine = traitlets.Bool(default_value=True).tag(sync=True)

    def __init__(
        self,
        given: Trace | Sequence[Trace] | EngineThread | None = None,
        *,
        labels: Labels | None = None,
        **settings: Any,
    ) -> None:
        traces = _traces(given)
        self.thoughts: list[Rejudged] = regate.judged_thoughts(traces, labels)
        self._judge = Judge(0, labels)
        self._status = ""
        self.strangers = null_of(event for trace in traces for event in trace.events)
        self._is_measured = False  # whether theta is being set to what the engine measured
        self._engine_scorer: str | None = None
        starts = [
            event for trace in traces for event in trace.events[:1] if isinstance(event, RunStart)
        ]
        facts = {**provenance_of(starts[0] if starts else None), "num_runs": len(traces)}
        super().__init__(provenance=facts, **{**self._recorded(traces), **settings})
        self.observe(self._retune, "theta")
        if isinstance(given, EngineThread):
            self.attach(given)

    @traitlets.validate("scorer")  # type: ignore[untyped-decorator]  # as traitlets ships it
    def _known(self, proposal: Any) -> Any:
        """Refuse a scorer that judged nothing: under it every thought would seem rejected."""
        if proposal["value"] not in self.scorers:
            msg = f"scorer {proposal['value']!r} is unknown; accepted: {', '.join(self.scorers)}"
            raise ValueError(msg)
        return proposal["value"]

    def _recorded(self, traces: Sequence[Trace]) -> dict[str, Any]:
        """Return the runs' own scorer and theta, with which the view begins."""
        if not self.thoughts:
            measured = [event for trace in traces for event in trace.of(Calibration)]
            if not measured:
                return {}
            return {"scorer": measured[-1].scorer, "theta": measured[-1].theta}
        return {"scorer": regate.scorers(self.thoughts)[0], "theta": self.thoughts[-1].threshold}

    def attach(self, run: EngineThread, follower: Follower | None = None) -> None:
        """Follow a run, whose engine theta moves; theta begins as the engine's."""
        self.theta = float(run.cortex.theta)
        super().attach(run, follower)

    def take(self, events: Sequence[Event], status: str = "") -> None:
        """Add the thoughts that these events judged; any thread may call it."""
        with self.lock:
            if events and isinstance(events[0], RunStart):
                self._facts.update(provenance_of(events[0]))
            before = self.scorers
            known = self._judge.measured
            fresh = self._judge.read(events)
            measured = self._judge.measured if self._judge.measured is not known else None
            if measured is not None:
                self.strangers = null_of([measured])
            self.thoughts.extend(fresh)
            changed = status != self._status
            self._status = status
            if measured is not None or (fresh and self.scorers != before):
                self.push(data=self._data(), arrays=self._arrays(self.thoughts))
            elif fresh:
                self.push(append=self._arrays(fresh), events=({"thoughts": _rows(fresh)},))
            elif changed:
                self.push(data={"live": self._is_live})
        if measured is not None:
            self._begin_with(measured)
        if fresh and self._engine_scorer is None:
            self._engine_scorer = self.scorer = fresh[0].scorer

    def _begin_with(self, measured: Calibration) -> None:
        """Show the scorer and the theta that the engine measured and has set already."""
        self._is_measured = True
        try:
            self._engine_scorer = self.scorer = measured.scorer
            self.theta = measured.theta
        finally:
            self._is_measured = False

    def _retune(self, change: Any) -> None:
        run = self.run
        if (
            run is None
            or self._is_measured
            or not self.tune_engine
            or self.scorer != (self._engine_scorer or self.scorer)
        ):
            return
        try:
            run.cortex.theta = float(change["new"])
        except ValueError as error:
            self.report(error)

    @property
    def scorers(self) -> list[str]:
        """The scorers, the one that decides first; before any thought, those of the engine."""
        return regate.scorers(self.thoughts) or sorted(self.strangers) or list(ENGINE_SCORERS)

    @property
    def labels(self) -> list[bool | None]:
        """One label per thought."""
        return [thought.label for thought in self.thoughts]

    @property
    def _is_live(self) -> bool:
        return self.run is not None and self._status in {"", "running", "paused"}

    def outcome(self, theta: float | None = None, scorer: str | None = None) -> GateOutcome:
        """Return what a theta does under a scorer, by default those of the view."""
        values = regate.similarities(self.thoughts, scorer or self.scorer)
        return regate.outcome(values, self.labels, self.theta if theta is None else theta)

    def _data(self) -> dict[str, Any]:
        return {
            "thoughts": _rows(self.thoughts),
            "scorers": self.scorers,
            "strangers": self.strangers,
            "live": self._is_live,
        }

    def _arrays(self, thoughts: Sequence[Rejudged]) -> dict[str, Array]:
        """Return similarities [F, S], labels [F] and recorded decisions [F]."""
        columns = [regate.similarities(thoughts, name) for name in self.scorers]
        return {
            "similarities": float32(
                np.stack(columns, axis=1) if thoughts else np.zeros((0, len(columns)))
            ),
            "labels": np.array([LABELS[thought.label] for thought in thoughts], dtype=np.uint8),
            "recorded": np.array([thought.accepted for thought in thoughts], dtype=np.uint8),
        }

    def state(self) -> Patch:
        """Return all thoughts so far."""
        data = {
            **self._data(),
            "title": self.title,
            "stem": self.stem,
            "provenance": self.provenance,
        }
        return Patch(data=data, arrays=self._arrays(self.thoughts))

    def summary(self) -> str:
        """Return what theta does, in a sentence or two."""
        with self.lock:
            got = self.outcome()
            curve = regate.roc(regate.similarities(self.thoughts, self.scorer), self.labels)
        theta = gate_still.theta_text(self.theta, self.scorer)
        text = (
            f"Gate at theta {theta} under {self.scorer}: {got.num_accepted} of "
            f"{len(self.thoughts)} thoughts would be accepted."
        )
        share = accepted_share(self.strangers, self.scorer, self.theta)
        if share is not None:
            text = f"{text} It accepts {share:.0%} of strangers."
        if got.precision is None or got.recall is None or curve is None:
            return text
        rates = f"Precision {got.precision:.2f}, recall {got.recall:.2f}"
        return f"{text} {rates}, area under the ROC curve {area(curve):.2f}."

    def to_table(self) -> Any:
        """Return one row per thought, most similar first."""
        import pandas as pd

        with self.lock:
            rows = gate_still.rows(
                self.thoughts,
                scorer=self.scorer,
                theta=self.theta,
                scorers=self.scorers,
                null=self.strangers,
            )
        names = [*gate_still.COLUMNS, *(f"similarity_{name}" for name in self.scorers)]
        if self.strangers.get(self.scorer):
            names.append("strangers")
        return pd.DataFrame(rows, columns=names)

    def to_figure(self) -> Any:
        """Return one strip per scorer, coloured by what theta decides."""
        with self.lock:
            return gate_still.figure(
                self.thoughts,
                scorers=self.scorers,
                scorer=self.scorer,
                theta=self.theta,
                null=self.strangers,
            )

    def draw_svg(self) -> str:
        """Return the strips as SVG."""
        with self.lock:
            return gate_still.picture(
                self.thoughts,
                scorers=self.scorers,
                scorer=self.scorer,
                theta=self.theta,
                null=self.strangers,
                provenance=self.provenance,
            )


def _traces(given: Trace | Sequence[Trace] | EngineThread | None) -> list[Trace]:
    if isinstance(given, Sequence) and all(isinstance(trace, Trace) for trace in given):
        return list(given)
    one = run_given(given)
    return [one] if isinstance(one, Trace) else []


def _rows(thoughts: Sequence[Rejudged]) -> list[list[Any]]:
    return [[t.run, t.stream, t.step, t.task, t.thought] for t in thoughts]
