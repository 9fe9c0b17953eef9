"""CouncilMonitor: bytes by owner, agents by state and tokens over a run, with the paper's table."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple
from time import monotonic
from typing import Any, ClassVar

import numpy as np
from warp_cortex import Event, RunStart, Trace

from warpviz.drawing.text import counted
from warpviz.live.council import (
    FIELDS,
    PAPER,
    PAPER_SETTING,
    CouncilHistory,
    CouncilSample,
    Rate,
    table,
)
from warpviz.live.engine_thread import EngineThread
from warpviz.views.base.following import Following, run_given
from warpviz.views.base.pump import Patch
from warpviz.views.base.wire import Array
from warpviz.views.council import still as council_still
from warpviz.views.run.view import provenance_of

ASK_S = 0.25
LIVE = frozenset({"running", "paused"})


class CouncilMonitor(Following):
    """Shows what the agents of a run hold and do.

    `given` is a Trace, an EngineThread, or None for an empty view that `take` fills. Bytes are
    those that the engine measured (Memory events), never estimates. Rates are of wall-clock time:
    the events' times or, live, `clock`. A saved cooperative run has no times and shows tokens per
    beat instead.
    """

    entry = "council/view.js"
    title = "Council"
    stem = "council"
    span: ClassVar[int] = 5
    rate_hz: ClassVar[float] = 5.0

    def __init__(
        self,
        given: Trace | EngineThread | None = None,
        *,
        clock: Callable[[], float] = monotonic,
        **settings: Any,
    ) -> None:
        given = run_given(given)
        self.council = CouncilHistory(clock=clock)
        self._status = ""
        self._clock = clock
        self._asked_s = -ASK_S
        if isinstance(given, Trace):
            self.council.read(given.events, live=False)
        super().__init__(provenance=provenance_of(self.council.timeline.start), **settings)
        if isinstance(given, EngineThread):
            self.attach(given)

    def take(self, events: Sequence[Event], status: str = "") -> None:
        """Show more of the run; any thread may call it."""
        with self.lock:
            samples = len(self.council.samples)
            rates = len(self.council.rates)
            self.council.read(events, live=status in LIVE)
            self._ask(status)
            start = bool(events) and isinstance(events[0], RunStart)
            if start:
                self._facts.update(provenance_of(self.council.timeline.start))
            fresh = self.council.samples[samples:]
            paced = self.council.rates[rates:]
            changed = status != self._status
            self._status = status
            grown = {"samples": table(fresh)} if fresh else {}
            if paced:
                grown["rates"] = _rates(paced)
            if grown or changed or start:
                self.push(data=self._data(), append=grown)

    def _ask(self, status: str) -> None:
        """Ask a running engine what it holds now: its own reports may be far apart."""
        memory = (
            getattr(self.run.cortex, "memory", None)
            if self.run is not None and status in LIVE
            else None
        )
        now = self._clock()
        if memory is None or now - self._asked_s < ASK_S or not self.council.timeline.events:
            return
        self._asked_s = now
        try:
            self.council.report(memory())
        except RuntimeError:  # the engine changed it meanwhile; there will be another report
            return

    def _data(self) -> dict[str, Any]:
        start = self.council.timeline.start
        peak = self.council.peak
        busiest = self.council.busiest
        return {
            "fields": list(FIELDS),
            "paper": [asdict(row) for row in PAPER],
            "setting": PAPER_SETTING,
            "model": start.model if start else "",
            "status": self._status,
            "peak": asdict(peak) if peak else None,
            "busiest": asdict(busiest) if busiest else None,
        }

    def state(self) -> Patch:
        """Return all samples."""
        data = {
            **self._data(),
            "title": self.title,
            "stem": self.stem,
            "provenance": self.provenance,
        }
        return Patch(
            data=data,
            arrays={"samples": table(self.council.samples), "rates": _rates(self.council.rates)},
        )

    @property
    def peak(self) -> CouncilSample | None:
        """The sample of the most bytes; None before the first report."""
        return self.council.peak

    def summary(self) -> str:
        """Return the peak's bytes by owner, in words."""
        with self.lock:
            peak = self.council.peak
        if peak is None:
            return "Council: no memory has been reported yet."
        mb = {name: getattr(peak, name) / 1e6 for name in FIELDS if name.endswith("_bytes")}
        return (
            f"Council at its peak: {peak.total_bytes / 1e6:.1f} MB held, "
            f"weights {mb['weights_bytes']:.1f}, River {mb['river_kv_bytes']:.1f}, "
            f"shared {mb['shared_kv_bytes']:.1f}, private {mb['private_kv_bytes']:.1f}, "
            f"to choose landmarks {mb['evidence_bytes']:.1f} MB; "
            f"{counted(peak.thinking, 'stream')} thinking."
        )

    def to_table(self) -> Any:
        """Return one row per sample, with exact bytes."""
        import pandas as pd

        with self.lock:
            return pd.DataFrame(
                [astuple(sample) for sample in self.council.samples], columns=list(FIELDS)
            )

    def to_figure(self) -> Any:
        """Return bytes by owner as stacked bars over beats."""
        with self.lock:
            return council_still.figure(self.council.samples)

    def draw_svg(self) -> str:
        """Return the bars and the paper's table as SVG."""
        with self.lock:
            return council_still.picture(self.council.samples, provenance=self.provenance)


def _rates(rates: Sequence[Rate]) -> Array:
    return np.array([astuple(rate) for rate in rates], dtype=np.float32).reshape(-1, 3)
