"""LiveRun: a run as an animation, live or from its trace."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from warp_cortex import Event, Inject, RunStart, Trace, why_no_stream, written_without

from warpviz.drawing.text import counted
from warpviz.live.cloud import cloud_of
from warpviz.live.engine_thread import EngineThread
from warpviz.live.rows import Row, RowWriter
from warpviz.live.strangers import accepted_share, null_of
from warpviz.live.stream_card import Phase
from warpviz.live.timeline import Timeline
from warpviz.views.base.following import ACK_MS, Following, run_given
from warpviz.views.base.newest_worker import NewestWorker
from warpviz.views.base.pump import Patch
from warpviz.views.base.wire import Array, float32
from warpviz.views.run import still as run_still

PAIR = 2
ENDED = frozenset({"done", "stopped"})


class LiveRun(Following):
    """Shows a run token by token: the River's text, streams, gate and injections in motion.

    `given` is a Trace, an EngineThread, or None for an empty view that `take` fills. `cloud` is a
    small map of the visible tokens, [T, 2]: by default made from the arrays of the finished run,
    False for none. `autoplay` starts a saved run when it is first seen. A live view has buttons
    that pause, resume and stop the engine; when it is closed, the engine goes on.
    """

    entry = "run/view.js"
    title = "Live run"
    stem = "live-run"
    span: ClassVar[int] = 12
    rate_hz: ClassVar[float] = 25.0

    def __init__(
        self,
        given: Trace | EngineThread | None = None,
        *,
        cloud: Any = None,
        autoplay: bool = True,
        **settings: Any,
    ) -> None:
        given = run_given(given)
        self.timeline = Timeline()
        self.autoplay = autoplay
        self._writer = RowWriter()
        self._rows: list[Row] = []
        self._status = ""
        self._without: dict[str, dict[str, Any]] = {}
        self._rewriter = NewestWorker(on_error=self.report, name="warpviz-rewriting")
        self._wants_cloud = cloud is None
        self._cloud = _plane(None if cloud is False else cloud)
        if isinstance(given, Trace):
            self._fold(given.events)
            self._map(given)
        super().__init__(
            provenance=provenance_of(self.timeline.start), **{**self._own_theta(), **settings}
        )
        if isinstance(given, EngineThread):
            self.attach(given)

    @classmethod
    def follow(
        cls, cortex: Any, prompt: str | None = None, *, name: str = "watch", **settings: Any
    ) -> "LiveRun":
        """Return a view of an EngineThread, or of a cortex that starts on `prompt` in a thread.

        Raises:
            ValueError: a cortex came without a prompt.
        """
        if isinstance(cortex, EngineThread):
            return cls(cortex, **settings)
        if prompt is None:
            msg = "follow(cortex) needs the prompt to run; or pass an EngineThread"
            raise ValueError(msg)
        view = cls(**settings)
        view.attach(EngineThread(cortex, prompt, name=name).start())
        return view

    def take(self, events: Sequence[Event], status: str = "") -> None:
        """Show more of the run; `status` is the engine's. Any thread may call it."""
        with self.lock:
            rows = self._fold(events)
            start = events and isinstance(events[0], RunStart)
            if start:
                self._facts.update(provenance_of(self.timeline.start))
            changed = status != self._status
            self._status = status
            error = self.run.error if self.run is not None and status == "failed" else None
            self.push(
                data=self._engine() if changed or start else None,
                events=({"rows": rows},) if rows else (),
            )
            if changed and status in ENDED and self.run is not None:
                self._map(self.run.trace)
        if error is not None:
            self.report(error)

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Do what the page asks: a question, the text without a thought, or an engine button."""
        op = content.get("op")
        if op == "without":
            number = int(content["injection"])
            self._rewriter.submit(lambda _: self._show_without(number))
        elif op != "ask":
            super().receive(content, buffers)
        elif self.run is not None:
            try:
                self.run.ask(str(content.get("text", "")))
            except (ValueError, TypeError) as error:
                self.report(error)

    def without(self, injection: int) -> str:
        """Return what the River would have written without an injected thought, and show it.

        Raises:
            ValueError: no engine holds the finished run, or no such thought is in its cache.
        """
        return "".join(self._rewritten(injection))

    def _show_without(self, injection: int) -> None:
        self._rewritten(injection)

    def _rewritten(self, injection: int) -> list[str]:
        if self.run is None or not self._rewrites:
            msg = f"no engine holds this run: {self._status or 'it was read from a trace'}"
            raise ValueError(msg)
        cortex: Any = self.run.cortex
        tokens = written_without(cortex, injection)
        entered = {event.injection: event.step for event in self.run.trace.of(Inject)}
        found = {"at": entered[injection], "tokens": tokens}
        with self.lock:
            self._without = {**self._without, str(injection): found}
            self.push(data={"without": self._without})
        return tokens

    @property
    def _rewrites(self) -> bool:
        """Whether an engine is there that can write the text again."""
        if self.run is None or self._status not in ENDED:
            return False
        return all(hasattr(self.run.cortex, name) for name in ("prism", "context", "config"))

    def close(self) -> None:
        """Stop following the run, which goes on, and close the view."""
        if hasattr(self, "_rewriter"):
            self._rewriter.close()
        super().close()

    def _map(self, trace: Trace) -> None:
        """Show the map of the run's own arrays, unless one was given."""
        found = cloud_of(trace) if self._wants_cloud and not len(self._cloud) else None
        if found is not None:
            self._cloud = _plane(found)
            if hasattr(self, "_pump"):
                self.push(arrays={"cloud": self._cloud})

    def _fold(self, events: Sequence[Event]) -> list[Row]:
        self.timeline.extend(events)
        rows = [row for row in map(self._writer.write, events) if row is not None]
        self._rows.extend(rows)
        return rows

    def _own_theta(self) -> dict[str, float]:
        theta = self.timeline.theta(len(self.timeline))
        return {} if theta is None else {"theta": theta}

    def state(self) -> Patch:
        """Return the whole run so far."""
        data = {
            "rows": list(self._rows),
            "autoplay": self.autoplay,
            "title": self.title,
        }
        data |= {"without": self._without} | self._engine()
        data |= {"ack_ms": ACK_MS} if self.run is not None else {}
        arrays: dict[str, Array] = {"cloud": self._cloud} if len(self._cloud) else {}
        return Patch(data={**data, "stem": self.stem, "provenance": self.provenance}, arrays=arrays)

    def _engine(self) -> dict[str, Any]:
        return {"status": self._status, "rewrites": self._rewrites}

    def summary(self) -> str:
        """Return the run in words."""
        with self.lock:
            line = self.timeline
            state = line.at(len(line))
            closed = [card for card in line.cards.values() if card.phase(len(line)) is Phase.CLOSED]
            council = self._council() if state.ended else []
        counts = state.counts
        model = self.timeline.start.model if self.timeline.start else "no model yet"
        failed = self._status == "failed"
        if failed:
            ended = "the engine failed"
        else:
            ended = f"ended: {state.ended}" if state.ended else "not ended"
        doing = "unfinished" if failed else "thinking"
        return (
            f"Live run of {model}: {counted(state.num_prompt_tokens, 'prompt token')}, "
            f"{state.num_river_tokens} written, {ended}. {counted(counts.spawned, 'stream')}, "
            f"{len(state.active)} of them {doing}; {counted(counts.accepted, 'thought')} accepted, "
            f"{counts.rejected} rejected, {counts.injected} injected, {counts.failed} failed."
            + (f" {len(closed)} had no thought." if closed else "")
            + "".join(f" {sentence}" for sentence in council)
        )

    def _council(self) -> list[str]:
        """Return why no stream opened, and what is to be known about theta, in sentences."""
        trace = Trace(self.timeline.events)
        num_dropped = getattr(self.run.cortex, "num_dropped", 0) if self.run is not None else 0
        why = why_no_stream(trace, num_dropped=num_dropped)
        said = [f"No stream opened: {why}."] if why else []
        scorer = run_still.scorer_of(self.timeline)
        theta = self.timeline.theta(len(self.timeline))
        null = null_of(self.timeline.events)
        share = accepted_share(null, scorer, theta) if theta is not None else None
        if share is not None:
            said.append(f"Theta {theta:.3g} ({scorer}) accepts {share:.0%} of strangers.")
        elif theta is not None and _voice(self.timeline.start) not in {"", "village"}:
            said.append(f"Theta {theta:.3g} was not calibrated for this model.")
        return said

    def to_table(self) -> Any:
        """Return one row per stream: task, thought, verdict, and when."""
        import pandas as pd

        with self.lock:
            line = self.timeline
            end = len(self.timeline)
            cards = [card for card in line.cards.values() if card.phase(end) is not Phase.UNBORN]
            rows = [run_still.row(line, card) for card in cards]
            more = run_still.strangers_column(line, cards)
        return pd.DataFrame(rows, columns=list(run_still.COLUMNS)).assign(**more)

    def to_figure(self) -> Any:
        """Return the streams as plotly bars from spawn to verdict, over the run's beats."""
        with self.lock:
            return run_still.figure(self.timeline, title=self.title)

    def draw_svg(self) -> str:
        """Return the run at its end as SVG: text, streams and verdicts."""
        with self.lock:
            return run_still.picture(self.timeline, title=self.title, provenance=self.provenance)


def _voice(start: RunStart | None) -> str:
    """Return the name of a run's voice; an empty text for a run of 0.1."""
    voice = start.config.get("voice") if start else None
    return str(voice.get("name")) if isinstance(voice, dict) else ""


def provenance_of(start: RunStart | None) -> dict[str, Any]:
    """Return where a run's numbers come from: model, checksum, seed and settings."""
    if start is None:
        return {}
    return {
        "model": start.model,
        "checksum": start.checksum,
        "seed": start.seed,
        "config": start.config,
        "run_versions": start.versions,
    }


def _plane(cloud: Any) -> Array:
    """Return points scaled into the unit square, float32 [T, 2]; without a cloud, none.

    A token without a place is NaN.

    Raises:
        ValueError: there are not two numbers per token, or one is infinite.
    """
    if cloud is None:
        return np.zeros((0, PAIR), np.float32)
    points = float32(cloud)
    if points.ndim != PAIR or points.shape[1] != PAIR or np.isinf(points).any():
        msg = f"cloud must be finite and of shape [T, 2], got {points.shape}"
        raise ValueError(msg)
    low = np.nanmin(points, axis=0)
    high = np.nanmax(points, axis=0)
    return float32((points - low) / np.maximum(high - low, 1e-9))
