"""A cloud without its widget: what is computed of its settings, and what is shown of it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.projection import umap_process
from warpviz.topology.projection.projections import LEAST_UMAP, Projection, clusters, pca
from warpviz.views.base.added_points import AddedPoints
from warpviz.views.base.data_source import DataSource, Ranked
from warpviz.views.base.nearest import Chains
from warpviz.views.base.wire import Array, float32, uint32
from warpviz.views.cloud.naming import telling_words
from warpviz.views.cloud.neighbours import nearest_tokens

NUM_CLUSTERS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """The settings that a picture depends on, read from a view at one moment."""

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
        """The part that a ranking depends on."""
        return {
            "space": self.space,
            "layer": self.layer,
            "policy": self.policy,
            "alpha": self.alpha,
        }

    @property
    def cloud(self) -> tuple[Any, ...]:
        """The part that the points depend on."""
        return (self.space, self.layer, self.head)

    @property
    def umap(self) -> tuple[Any, ...]:
        """The part that a UMAP depends on."""
        return (*self.cloud, self.metric, self.n_neighbors, round(self.min_dist, 4))


@dataclass(slots=True)
class CloudScene:
    """What is shown of a cloud.

    `index` int64 [n] are the tokens drawn, in `plane` and in `umap` by number of axes; `points`
    float32 [T, P] are the text's vectors, `added` float32 [m, P] those of the added points drawn.
    """

    index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    umap: dict[int, Projection] = field(default_factory=dict)
    busy: str = "reading the cache\u2026"
    ranked: Ranked | None = None
    chains: Chains | None = None
    ranks: dict[str, Array] = field(default_factory=dict)
    points: Array = field(default_factory=lambda: np.zeros((0, 1), np.float32))
    plane: Projection | None = None
    names: list[str] = field(default_factory=list)
    detailed: tuple[Any, ...] = ()  # the cloud whose clusters and neighbours are known
    added: Array = field(default_factory=lambda: np.zeros((0, 1), np.float32))

    def place(self, source: DataSource, parts: Sequence[AddedPoints], look: Geometry) -> None:
        """Place `parts`, the last of `source.added`, in the plane and in every UMAP."""
        start = len(source.all_tokens) - sum(len(part.tokens) for part in parts)
        for part in parts:
            found = part.fitting(*look.cloud, width=self.points.shape[1])
            if found is not None and self.plane is not None:
                self.umap = {dims: made.extend(found) for dims, made in self.umap.items()}
                self.plane = self.plane.extend(found)
                self.added = np.concatenate([self.added, found]) if len(self.added) else found
                self.index = np.concatenate([self.index, np.arange(start, start + len(found))])
            start += len(part.tokens)

    def arrays(self, source: DataSource) -> dict[str, Array]:
        """Return the coordinates, kinds and tokens drawn, for the browser."""
        listed = source.all_kinds
        number = {kind: place for place, kind in enumerate(dict.fromkeys(listed))}
        is_whole = len(self.index) == len(listed)
        none = np.zeros((0, 3), np.float32)
        umaps = {
            f"umap{dims}": float32(self.umap[dims].coords) if dims in self.umap else none
            for dims in (2, 3)
        }
        return {
            "pca": none if self.plane is None else float32(self.plane.coords),
            **umaps,
            "kind": np.array([number[kind] for kind in listed], dtype=np.uint8),
            "index": uint32([] if is_whole else self.index),
        }


class Maker:
    """Computes the parts of a scene, each once; any thread may ask for them."""

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
        """Return the tokens drawn, int64 [n]: all, or every landmark and evenly spaced others."""
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
        """Return a k-means cluster per token, uint8 [T]; the largest cluster is 0."""
        key = ("clusters", *look.cloud)
        found = self._once(
            key,
            lambda: clusters(
                self.points(look), method="kmeans", num=NUM_CLUSTERS, seed=self.seed
            ).astype(np.uint8),
        )
        return np.asarray(found)

    def names(self, look: Geometry) -> list[str]:
        """Return a name per cluster: the words that stand out in it."""
        key = ("names", *look.cloud)
        found: list[str] = self._once(
            key, lambda: telling_words(self.source.tokens, self.clusters(look))
        )
        return found

    def neighbours(self, look: Geometry) -> tuple[Array, Array]:
        """Return the nearest tokens of every token, uint32 [T, n], and how far, float32 [T, n]."""
        found: tuple[Array, Array] = self._once(
            ("neighbours", *look.cloud), lambda: nearest_tokens(self.points(look))
        )
        return found

    def umap(
        self, look: Geometry, *, should_stop: Callable[[], bool] = lambda: False
    ) -> Projection | None:
        """Return the UMAP of these settings; None for fewer tokens than a UMAP makes sense of.

        Raises:
            StoppedError: `should_stop` returned True meanwhile.
        """
        index = self.index(look)
        if len(index) < LEAST_UMAP:
            return None
        make = partial(
            umap_process.shared.fit,
            num_axes=look.dims,
            metric=look.metric,
            n_neighbors=look.n_neighbors,
            min_dist=look.min_dist,
            seed=self.seed,
            should_stop=should_stop,
        )
        key = ("umap", look.dims, len(index), *look.umap)
        return self._once(key, lambda: make(self.points(look)[index]))  # type: ignore[no-any-return]

    def known_umap(self, look: Geometry) -> dict[int, Projection]:
        """Return the UMAPs of these settings that were computed before, by number of axes."""
        keys = {dims: ("umap", dims, len(self.index(look)), *look.umap) for dims in (2, 3)}
        return {dims: self._kept[key] for dims, key in keys.items() if key in self._kept}

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # a lock per part: threads wait only for what they ask for
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]
