"""What a cloud computes from its settings: planes, rankings, clusters, UMAP: each once, none of it
about widgets.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.projection import umap_process
from warpviz.topology.projection.projections import LEAST_UMAP, Projection, clusters, pca
from warpviz.views.base.data_source import DataSource, Ranked
from warpviz.views.base.nearest import Chains
from warpviz.views.base.wire import Array

NUM_CLUSTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The settings a picture depends on, taken from a view at one moment."""

    space: str
    layer: int
    head: int
    policy: str
    alpha: float
    projection: str
    dims: int
    metric: str
    n_neighbors: int
    min_dist: float

    @property
    def which(self) -> dict[str, Any]:
        """The part a ranking depends on."""
        return {
            "space": self.space,
            "layer": self.layer,
            "policy": self.policy,
            "alpha": self.alpha,
        }

    @property
    def cloud(self) -> tuple[Any, ...]:
        """The part the points depend on."""
        return (self.space, self.layer, self.head)

    @property
    def umap(self) -> tuple[Any, ...]:
        """The part a UMAP depends on."""
        return (*self.cloud, self.metric, self.n_neighbors, round(self.min_dist, 4))


@dataclass(slots=True)
class CloudScene:
    """What is shown: the tokens drawn `index` int64 [n], their plane, UMAP by number of axes, and
    the ranking.
    """

    index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    umap: dict[int, Projection] = field(default_factory=dict)
    busy: str = "reading the cache\u2026"
    ranked: Ranked | None = None
    chains: Chains | None = None
    ranks: dict[str, Array] = field(default_factory=dict)
    points: Array = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    plane: Projection | None = None
    # vectors of what came later, as drawn
    beside: Array = field(default_factory=lambda: np.zeros((0, 1), np.float32))


class Maker:
    """Computes the parts of a scene; every part is kept, and asked for from any thread."""

    def __init__(self, source: DataSource, *, seed: int, max_points: int) -> None:
        self.source = source
        self.seed = seed
        self.max_points = max_points
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._locks: dict[tuple[Any, ...], threading.Lock] = {}
        self._lock = threading.Lock()

    def points(self, look: Geometry) -> Array:
        """Return the tokens' vectors, float32 [T, P]."""
        return self.source.points(look.space, look.layer, look.head)

    def index(self, look: Geometry) -> NDArray[np.int64]:
        """Return the tokens drawn: all, or evenly spaced ones and every landmark."""
        num = len(self.points(look))
        if num <= self.max_points:
            return np.arange(num)
        order = self.source.ranked(**look.which).order
        room = max(self.max_points - len(order), 1)
        return np.union1d(np.linspace(0, num - 1, room).astype(np.int64), order)

    def plane(self, look: Geometry) -> Projection:
        """Return the first three principal axes."""
        index = self.index(look)
        key = ("pca", *look.cloud, len(index))
        return self._once(key, lambda: pca(self.points(look)[index], num_axes=3, seed=self.seed))  # type: ignore[no-any-return]

    def clusters(self, look: Geometry) -> Array:
        """Return a k-means cluster per token, uint8 [T], the largest first."""
        key = ("clusters", *look.cloud)
        found = self._once(
            key,
            lambda: clusters(
                self.points(look), method="kmeans", num=NUM_CLUSTERS, seed=self.seed
            ).astype(np.uint8),
        )
        return np.asarray(found)

    def umap(
        self, look: Geometry, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Projection | None:
        """Return the UMAP asked for, computing it if need be; None for so few tokens that PCA is
        the honest choice.

        Raises:
            StoppedError: `should_stop` said so before it was there.
        """
        index = self.index(look)
        if len(index) < LEAST_UMAP:
            return None
        make = lambda: umap_process.shared.fit(
            self.points(look)[index],
            num_axes=look.dims,
            metric=look.metric,
            n_neighbors=look.n_neighbors,
            min_dist=look.min_dist,
            seed=self.seed,
            should_stop=should_stop,
        )
        return self._once(("umap", look.dims, len(index), *look.umap), make)  # type: ignore[no-any-return]

    def known_umap(self, look: Geometry) -> dict[int, Projection]:
        """Return the UMAPs of these settings that are there already, by number of axes."""
        keys = {dims: ("umap", dims, len(self.index(look)), *look.umap) for dims in (2, 3)}
        return {dims: self._kept[key] for dims, key in keys.items() if key in self._kept}

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # two threads that ask for the same compute it once; others are not held up
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]
