"""KVCloud: a cache as a cloud of tokens, whose landmarks follow k in the browser."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import traitlets
from numpy.typing import ArrayLike

from warpviz.topology.hooks import StoppedError
from warpviz.topology.projection.projections import LEAST_UMAP, METRICS
from warpviz.views.base import export, wire
from warpviz.views.base.added_points import AddedPoints, given_points
from warpviz.views.base.data_source import ALL, ALWAYS, SKIP, DataSource, source_of
from warpviz.views.base.newest_worker import NewestWorker, wait_for_all
from warpviz.views.base.pump import Patch
from warpviz.views.base.view import View
from warpviz.views.cloud import still as cloud_still
from warpviz.views.cloud.scene import CloudScene, Geometry, Maker

MOST_POINTS = 50_000
MOST_GROUPED = 20_000  # more tokens are grouped only for the colours
NO_DETAIL: dict[str, wire.Array] = {
    "cluster": np.zeros(0, np.uint8),
    "near": np.zeros((0, 0), np.uint32),
    "near_distance": np.zeros((0, 0), np.float32),
}
COLOURS = ("position", "received", "kind", "cluster", "rank", "distance", "cell")
GEOMETRY = (
    "space",
    "layer",
    "head",
    "policy",
    "alpha",
    "metric",
    "n_neighbors",
    "min_dist",
    "projection",
    "dims",
)


class KVCloud(View):
    """A cloud of a context's tokens, by keys, rotated keys, values or hidden states.

    `given` is a Context, a Cortex, a DataSource or an array [T, P]. Traits: k, alpha, layer (-1
    all), space, selection, and head (-1 all, -2 mean), policy, projection ("pca", "umap"), dims (2,
    3), colour, cover ("none", "discs", "cells"), metric, n_neighbors, min_dist.
    """

    entry = "cloud/view.js"
    title = "KV cloud"
    stem = "kv-cloud"
    span: ClassVar[int] = 7

    head = traitlets.Int(ALL).tag(sync=True)
    policy = traitlets.Unicode("hybrid").tag(sync=True)
    projection = traitlets.Enum(("pca", "umap"), "umap").tag(sync=True)
    dims = traitlets.Enum((2, 3), 2).tag(sync=True)
    colour = traitlets.Enum(COLOURS, "position").tag(sync=True)
    cover = traitlets.Enum(("none", "discs", "cells"), "none").tag(sync=True)
    metric = traitlets.Enum(METRICS, "euclidean").tag(sync=True)
    n_neighbors = traitlets.Int(15, min=2, max=200).tag(sync=True)
    min_dist = traitlets.Float(0.1, min=0.0, max=1.0).tag(sync=True)
    height = traitlets.Int(460).tag(sync=True)

    def __init__(
        self, given: Any, *, seed: int = 0, max_points: int = MOST_POINTS, **settings: Any
    ) -> None:
        self.source: DataSource = source_of(given, seed=seed)
        self.maker = Maker(self.source, seed=seed, max_points=max_points)
        self.scene = CloudScene()
        super().__init__(provenance={**self.source.facts, "seed": seed}, **settings)
        self._worker = NewestWorker(on_error=self._failed, name="warpviz-cloud")
        self._slow = NewestWorker(on_error=self._failed, name="warpviz-umap")
        self.observe(lambda _: self._worker.submit(self._compute), list(GEOMETRY))
        self.observe(
            lambda change: change["new"] == "cluster" and self._worker.submit(self._compute),
            "colour",
        )
        self._worker.submit(self._compute)

    def wait(self, timeout_s: float = 300.0) -> "KVCloud":
        """Wait until everything has been computed, UMAP included; return the view.

        Raises:
            TimeoutError: it takes longer.
        """
        wait_for_all(self._worker, self._slow, timeout_s=timeout_s)
        return self

    def settle(self, timeout_s: float) -> None:
        """Wait for the first picture, which may be PCA."""
        self._worker.wait(timeout_s)

    @property
    def ready(self) -> bool:
        """Whether there is a picture."""
        return self.scene.plane is not None and self.scene.ranked is not None

    def complete(self) -> None:
        """Wait for the picture and group the tokens, neither of which a page can do later."""
        self.settle(export.PATIENCE_S)
        self._detail(self._look())

    def close(self) -> None:
        """Stop the workers and close the view."""
        for name in ("_worker", "_slow"):
            if hasattr(self, name):
                getattr(self, name).close()
        super().close()

    def _look(self) -> Geometry:
        return Geometry(**{name: getattr(self, name) for name in GEOMETRY})

    def _compute(self, overtaken: Any) -> None:
        """Bring everything up to date but the UMAP, which has a thread of its own."""
        self.notice = ""
        look = self._look()
        self._show(look)
        if overtaken():
            return
        ranked = self.source.ranked(**look.which)
        found = self.source.chains(**look.which)
        arrays = self.source.rank_arrays(**look.which)
        with self.lock:
            self.scene.ranked = ranked
            self.scene.chains = found
            self.scene.ranks = {**self.scene.ranks, **arrays}
            self.push(data=self._facts_shown(), arrays=arrays)
        if self.colour == "cluster":
            self._detail(look)
        self._slow.submit(lambda stale: self._later(look, stale))

    def _later(self, look: Geometry, overtaken: Any) -> None:
        """Add what takes a while: groups with their names, neighbours, the UMAP."""
        if self.source.num_tokens <= MOST_GROUPED:
            self._detail(look)
        if overtaken():
            return
        if look.projection == "umap" and look.dims not in self.scene.umap:
            self._project(look, overtaken)

    def _detail(self, look: Geometry) -> None:
        """Group the tokens, name the groups, and find every token's neighbours."""
        if self.scene.detailed == look.cloud:
            return
        grouped = self.maker.clusters(look)
        names = self.maker.names(look)
        near, far = self.maker.neighbours(look)
        with self.lock:
            if self._look().cloud != look.cloud:
                return
            self.scene.names = names
            self.scene.detailed = look.cloud
            found = {"cluster": grouped, "near": near, "near_distance": far}
            self.scene.ranks.update(found)
            self.push(data={"cluster_names": names}, arrays=found)

    def _show(self, look: Geometry) -> None:
        """Show the principal plane, and the UMAPs of these settings that are known."""
        points = self.maker.points(look)
        index = self.maker.index(look)
        plane = self.maker.plane(look)
        known = self.maker.known_umap(look)
        with self.lock:
            scene = self.scene
            scene.points = points
            if scene.detailed != look.cloud:
                scene.detailed = ()
                scene.names = []
                scene.ranks.update(NO_DETAIL)
            scene.index = index
            scene.plane = plane
            scene.umap = known
            scene.added = points[:0]
            scene.place(self.source, self.source.added, look)
            waits = (
                look.projection == "umap"
                and look.dims not in scene.umap
                and len(index) >= LEAST_UMAP
            )
            scene.busy = "PCA for now, UMAP is on its way\u2026" if waits else ""
            arrays = {**self.scene.arrays(self.source), **({} if scene.detailed else NO_DETAIL)}
            self.push(data=self._facts_shown(), arrays=arrays)

    def _project(self, look: Geometry, overtaken: Any) -> None:
        try:
            made = self.maker.umap(look, should_stop=overtaken)
        except StoppedError:
            return
        if made is None or overtaken():
            return
        with self.lock:
            if self._look().umap == look.umap:
                added = self.scene.added[: len(self.scene.index) - len(made.coords)]
                self.scene.umap[look.dims] = made.extend(added) if len(added) else made
                self.scene.busy = ""
                self.push(data=self._facts_shown(), arrays=self.scene.arrays(self.source))

    def _failed(self, error: BaseException) -> None:
        with self.lock:
            self.scene.busy = ""
            self.push(data={"busy": ""})
        self.report(error)

    def extend(
        self,
        tokens: Sequence[str],
        points: ArrayLike,
        *,
        kinds: Sequence[str] | None = None,
        about: Sequence[str] | None = None,
    ) -> None:
        """Add tokens with vectors [n, P]; they glide in, and no other point moves."""
        self.add_points([given_points(tokens, points, kinds, about)])

    def add_points(self, parts: Sequence[AddedPoints]) -> None:
        """Add points, all of them in one message to the browser."""
        with self.lock:
            self.source.added += parts
            if self.scene.plane is None:
                return  # the first picture will have them
            self.scene.place(self.source, parts, self._look())
            self.push(
                data={**self._tokens_shown(), **self._facts_shown()},
                arrays=self.scene.arrays(self.source),
            )

    @property
    def shown(self) -> str:
        """Which projection is on screen: "pca" until the UMAP is known."""
        return "umap" if self.projection == "umap" and self.dims in self.scene.umap else "pca"

    @property
    def coordinates(self) -> wire.Array:
        """The coordinates on screen, float32 [n, dims]."""
        if self.shown == "umap":
            return wire.float32(self.scene.umap[self.dims].coords)
        plane = self.scene.plane
        return (
            np.zeros((0, self.dims), np.float32)
            if plane is None
            else wire.float32(plane.coords[:, : self.dims])
        )

    def state(self) -> Patch:
        """Return tokens, coordinates, attention and ranking."""
        source = self.source
        data = {
            "title": self.title,
            "stem": self.stem,
            "skip": SKIP,
            "metrics": METRICS,
            "spaces": source.spaces,
            "num_layers": source.num_layers,
            "num_heads": source.num_heads,
            "policies": cloud_still.policies(),
            "provenance": self.provenance,
            **self._tokens_shown(),
            **self._facts_shown(),
        }
        return Patch(data=data, arrays={**self.scene.arrays(self.source), **self.scene.ranks})

    def _tokens_shown(self) -> dict[str, Any]:
        source = self.source
        about = [line for part in source.added for line in part.about]
        return {"tokens": source.all_tokens, "num_text": source.num_tokens, "about": about}

    def _facts_shown(self) -> dict[str, Any]:
        scene = self.scene
        kept = scene.plane.share.cumsum()[1:3] if scene.plane else ()
        shares = [f"PCA keeps {share:.0%} of the variance" for share in kept]
        names = list(dict.fromkeys(self.source.all_kinds))
        model = self.source.facts.get("model", "")
        return {
            "kind_names": names,
            "always": ALWAYS,
            "explained": shares,
            "busy": scene.busy,
            "cluster_names": scene.names,
            "model": model,
            "summary": self.summary(),
        }

    def summary(self) -> str:
        """Return the cloud in words."""
        return cloud_still.summary(self)

    def to_table(self) -> Any:
        """Return one row per token drawn."""
        return cloud_still.table(self)

    def to_figure(self) -> Any:
        """Return the cloud as a plotly figure."""
        return cloud_still.figure(self.wait())

    def draw_svg(self) -> str:
        """Return the cloud as SVG."""
        return cloud_still.picture(self)
