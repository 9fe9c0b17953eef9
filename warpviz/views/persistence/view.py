"""PersistenceCompare: the shape of a context against the shape of its landmarks at any k."""

import threading
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import traitlets

from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import COMPLEXES, MAX_POINTS
from warpviz.topology.persistence.store import DiagramStore
from warpviz.topology.points import whole_number
from warpviz.views.base import export, wire
from warpviz.views.base.data_source import SKIP, DataSource, source_of
from warpviz.views.base.newest_worker import NewestWorker, wait_for_all
from warpviz.views.base.pump import Patch
from warpviz.views.base.view import View
from warpviz.views.persistence import comparison_model, wire_arrays
from warpviz.views.persistence import still as persistence_still
from warpviz.views.persistence.comparison_model import CURVE, Bars, Ground, Pair

MOST_POINTS = 1024
FIRST_S = 1.5  # wait at most so long for the first pictures, which need the processor too
REST_S = 0.3  # k must rest so long before loops and dimensions that are not shown are computed


class PersistenceCompare(View):
    """Persistence diagrams of a context and of its landmarks: matched, with 2r and a null model.

    `given` is a Context, a Cortex, a DataSource or an array [T, P]. A process computes the diagrams
    of the whole context, once per machine (`store`); the kernel computes those of the landmarks as
    k moves. `complex` is that of the landmarks: Rips, a witness complex whose witnesses are the
    whole context, or alpha on three principal axes, then on both sides. The curve is always Rips.
    Traits: k, alpha, layer, space, selection, and policy, complex, dim (0, 1, 2), axes ("death",
    "length"), panel ("barcode", "betti", "image").
    """

    entry = "persistence/view.js"
    title = "Persistence"
    stem = "persistence"
    span: ClassVar[int] = 12
    rate_hz: ClassVar[float] = 60.0  # the user moves a slider and waits

    policy = traitlets.Unicode("hybrid").tag(sync=True)
    max_dim = traitlets.Int(1).tag(sync=True)
    complex = traitlets.Enum(COMPLEXES, "rips").tag(sync=True)
    dim = traitlets.Enum((0, 1, 2), 1).tag(sync=True)
    axes = traitlets.Enum(("death", "length"), "death").tag(sync=True)
    panel = traitlets.Enum(("barcode", "betti", "image"), "barcode").tag(sync=True)

    def __init__(
        self,
        given: Any,
        *,
        max_dim: int = 1,
        max_points: int = MOST_POINTS,
        num_null: int = 10,
        seed: int = 0,
        store: DiagramStore | None = None,
        **settings: Any,
    ) -> None:
        if max_dim not in MAX_POINTS:
            msg = f"max_dim must be one of {sorted(MAX_POINTS)}, got {max_dim!r}"
            raise ValueError(msg)
        self.source: DataSource = source_of(given, seed=seed)
        self.num_null = num_null
        self.seed = seed
        self.max_points = min(whole_number("max_points", max_points, least=3), MAX_POINTS[max_dim])
        self.store = store if store is not None else DiagramStore()
        self.base: Ground | None = None
        self.full: Bars | None = None
        self.pair: Pair | None = None
        self._rips: Bars | None = None
        self.curve: dict[int, list[list[float]]] = {}
        self._ranks: dict[str, wire.Array] = {}
        self._busy: dict[str, Any] = {"what": "waiting", "fraction": 0.0}
        super().__init__(
            provenance={**self.source.facts, "seed": seed, "skip": SKIP},
            max_dim=max_dim,
            **settings,
        )
        self._wanted = threading.Event()
        self._slow = NewestWorker(on_error=self._failed, name="warpviz-persistence")
        self._live = NewestWorker(on_error=self._failed, name="warpviz-landmarks")
        self.observe(
            lambda _: self._slow.submit(self._whole),
            ["space", "layer", "policy", "alpha", "complex"],
        )
        self.observe(lambda _: self._live.submit(self._landmarks), ["k"])
        self._slow.submit(self._whole)

    def wait(self, timeout_s: float = 300.0) -> "PersistenceCompare":
        """Wait until diagrams, landmarks and curve have been computed; return the view.

        Raises:
            TimeoutError: they take longer.
        """
        self._wanted.set()
        wait_for_all(self._slow, self._live, timeout_s=timeout_s)
        return self

    @property
    def ready(self) -> bool:
        """Whether the landmarks' bars are known."""
        return self.pair is not None

    def painted(self) -> None:
        """Begin to measure, now that the first picture is there."""
        self._wanted.set()

    def complete(self) -> None:
        """Wait for diagrams, landmarks and curve."""
        self.wait(export.PATIENCE_S)

    def close(self) -> None:
        """Stop the workers and close the view; a process that still computes is killed."""
        if hasattr(self, "_live"):
            self._wanted.set()
            self._slow.close()
            self._live.close()
        super().close()

    def receive(self, content: Any, buffers: Any) -> None:
        """Handle cancel and compute."""
        del buffers
        if content.get("op") == "cancel":
            self._slow.cancel()
            self._say("cancelled", 1.0)
        elif content.get("op") == "compute":
            self._slow.submit(self._whole)

    def _whole(self, overtaken: Any) -> None:
        """Compute the cloud, the whole's diagrams and the curve."""
        self.notice = ""
        self._wanted.wait(FIRST_S)
        self._wanted.set()
        self._say("reading points", 0.02)
        points = self.source.points(self.space, self.layer)
        which = {name: getattr(self, name) for name in ("space", "layer", "policy", "alpha")}
        ranks = self.source.rank_arrays(**which)
        order = self.source.ranked(**which).order
        base = comparison_model.ground(points, order, skip=SKIP, most=self.max_points)
        with self.lock:
            same = self.base is not None and np.array_equal(self.base.distances, base.distances)
            if not same or self.base is None or not np.array_equal(self.base.order, base.order):
                self.curve = {}
            self.base = base
            self._ranks = {**ranks, "base_radii": ranks["radii"]}
            self._rips = self._rips if same else None
            self.full = None
            self.push(data=self._known(), arrays={**self._ranks, **self._curve_arrays()})
        self._live.submit(self._landmarks)
        rips = self._rips
        if rips is None:
            rips = comparison_model.whole(
                points[base.used],
                store=self.store,
                max_dim=self.max_dim,
                say=self._say,
                overtaken=overtaken,
            )
        if rips is None:
            return
        full = rips
        kind = self.complex
        if kind == "alpha":
            full = comparison_model.bars_of(base, None, max_dim=self.max_dim, kind=kind)
        arrays = wire_arrays.full_arrays(base, full, kind=kind)
        with self.lock:
            self._rips = rips
            self.full = full
            self.push(data=self._known(), arrays=arrays)
        self._live.submit(self._landmarks)
        self._draw_curve(base, rips, overtaken)

    def _draw_curve(self, base: Ground, full: Bars, overtaken: Any) -> None:
        done = {row[0] for row in self.curve.get(0, [])}
        ks = [k for k in comparison_model.curve_ks(base) if k not in done]
        for number, k in enumerate(ks):
            self._say(f"random landmarks, k = {k}", number / len(ks))
            try:
                row = comparison_model.curve_row(
                    base,
                    k,
                    full=full,
                    max_dim=self.max_dim,
                    num_null=self.num_null,
                    seed=self.seed,
                    should_stop=overtaken,
                )
            except StoppedError:
                return
            with self.lock:
                for dim, values in row.items():
                    self.curve.setdefault(dim, []).append(values)
                self.push(arrays=self._curve_arrays())
        self._say("", 1.0)

    def _landmarks(self, overtaken: Any) -> None:
        """Compute the landmarks' diagrams at the present k."""
        with self.lock:
            base = self.base
            full = self.full
            k = self.k
            kind = self.complex
        if base is None:
            return
        pair = comparison_model.marks_at(base, k, max_dim=self.max_dim, kind=kind)
        first = min(self.dim, self.max_dim)
        if full is not None:
            # what is on screen comes first
            pair = comparison_model.match(pair, full, [first])
        arrays = wire_arrays.match_arrays(pair) | wire_arrays.ragged("loop_marks", [])
        self._show(pair, arrays, overtaken)
        if not self._live.pause(REST_S):
            return
        if full is not None and not overtaken():
            pair = comparison_model.match(pair, full, [dim for dim in pair.bars if dim != first])
        if not overtaken():
            arrays = wire_arrays.match_arrays(pair, but=first)
            self._show(pair, arrays | wire_arrays.loop_arrays(base, pair, kind=kind), overtaken)

    def _show(self, pair: Pair, arrays: dict[str, wire.Array], overtaken: Any) -> None:
        with self.lock:
            if not overtaken():
                self.pair = pair
                facts = {**wire_arrays.pair_facts(pair), "summary": self.summary()}
                self.push(data=facts, arrays=arrays)

    def _say(self, what: str, fraction: float) -> None:
        with self.lock:
            self._busy = {"what": what, "fraction": fraction}
            self.push(data={"busy": self._busy})

    def _failed(self, error: BaseException) -> None:
        self._say("", 1.0)
        self.report(error)

    def state(self) -> Patch:
        """Return everything computed so far."""
        arrays = {**self._ranks, **self._curve_arrays()}
        data = {
            "title": self.title,
            "stem": self.stem,
            "provenance": self.provenance,
            "tokens": self.source.tokens,
            "busy": self._busy,
            **self._known(),
        }
        if self.base is not None and self.full is not None:
            arrays |= wire_arrays.full_arrays(self.base, self.full, kind=self.complex)
        if self.base is not None and self.pair is not None:
            arrays |= wire_arrays.match_arrays(self.pair)
            arrays |= wire_arrays.loop_arrays(self.base, self.pair, kind=self.complex)
            data |= wire_arrays.pair_facts(self.pair)
        return Patch(data=data, arrays=arrays)

    def _known(self) -> dict[str, Any]:
        return {
            "summary": self.summary(),
            "dimension": None if self.base is None else self.base.dimension,
            "num_used": 0 if self.base is None else len(self.base.used),
            "num_tokens": self.source.num_tokens,
            "num_null": self.num_null,
            "model": self.source.facts.get("model", ""),
        }

    def _curve_arrays(self) -> dict[str, wire.Array]:
        dims = range(self.max_dim + 1)
        return {
            f"curve_h{dim}": wire.float32(self.curve.get(dim, [])).reshape(-1, len(CURVE))
            for dim in dims
        }

    def comparison(self, **settings: Any) -> Any:
        """Return a `warpviz.topology.Comparison` at the present k, or at `ks`."""
        return persistence_still.comparison(self, **settings)

    def to_json(self, path: Path | str) -> Path:
        """Write the comparison as JSON and its arrays as npz, which `warpviz.load` reads."""
        return persistence_still.write_json(self, path)

    def summary(self) -> str:
        """Return the comparison in words."""
        return persistence_still.summary(self)

    def to_table(self) -> Any:
        """Return one row per bar: dimension, side, birth, death, partner."""
        return persistence_still.table(self)

    def to_figure(self) -> Any:
        """Return both diagrams as a plotly figure."""
        return persistence_still.figure(self.wait())

    def draw_svg(self) -> str:
        """Return both diagrams as SVG."""
        return persistence_still.picture(self)
