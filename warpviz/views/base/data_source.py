"""The data of a view: a context's tokens, points, attention and landmark rankings, each once."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warpviz.topology.landmarks import RECENT, SINKS, cover_radii
from warpviz.topology.points import cloud
from warpviz.views.base.added_points import AddedPoints, added_by_run
from warpviz.views.base.nearest import Chains, chains
from warpviz.views.base.wire import Array, float32, uint32

ALL = -1
MEAN = -2
MOST_LANDMARKS = 512
SKIP = SINKS  # attention sinks: always landmarks, and left out of radii
ALWAYS = SINKS + RECENT  # landmarks at any k, before the policy chooses
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


class Ranked:
    """Landmarks in pick order, int64 [K], and the cover radius after each pick, float32 [K]."""

    def __init__(self, order: ArrayLike, radii: ArrayLike) -> None:
        self.order: Ints = np.asarray(order, dtype=np.int64)
        self.radii: Floats = float32(radii)

    def landmarks(self, k: int) -> Ints:
        """Return the first k landmarks, sorted."""
        return np.sort(self.order[:k])


class DataSource:
    """A context's tokens and what is computed of them; `source_of` makes one.

    Each result is computed once, and any thread may ask for it. `layer` is a layer or -1 for all
    of them together; `head` is a KV head, -1 for all concatenated, -2 for their mean.

    `added` are points that are not of the text; their token numbers follow the text's.
    """

    def __init__(
        self,
        *,
        tokens: Sequence[str],
        points: Callable[[str, int, int], Floats],
        rank: Callable[[str, int, str, float, int], Ranked],
        received: Callable[[], Floats],
        kinds: Sequence[str] | None = None,
        spaces: Sequence[str] = ("keys",),
        num_layers: int = 1,
        num_heads: int = 1,
        facts: Mapping[str, Any] | None = None,
        added: Sequence[AddedPoints] = (),
    ) -> None:
        self.added = list(added)
        self.tokens = list(tokens)
        self.kinds = list(kinds) if kinds is not None else ["text"] * len(self.tokens)
        self.spaces = tuple(spaces)
        self.num_layers = num_layers
        self.num_heads = num_heads
        self.facts = dict(facts or {})
        self._points = points
        self._rank = rank
        self._received = received
        self._kept: dict[tuple[Any, ...], Any] = {}
        self._lock = threading.RLock()

    @property
    def num_tokens(self) -> int:
        """How many tokens the text has."""
        return len(self.tokens)

    @property
    def all_tokens(self) -> list[str]:
        """The text's tokens, then those of the added points."""
        return self.tokens + [token for part in self.added for token in part.tokens]

    @property
    def all_kinds(self) -> list[str]:
        """The kind of each of `all_tokens`."""
        return self.kinds + [kind for part in self.added for kind in part.kinds]

    def points(self, space: str = "keys", layer: int = ALL, head: int = ALL) -> Floats:
        """Return the tokens' vectors, float32 [T, P]."""
        return np.asarray(
            self._once(("points", space, layer, head), lambda: self._points(space, layer, head))
        )

    def received(self) -> Floats:
        """Return the attention each token receives, float32 [T]."""
        return np.asarray(self._once(("received",), self._received))

    def ranked(self, *, space: str, layer: int, policy: str, alpha: float) -> Ranked:
        """Return up to MOST_LANDMARKS landmarks in pick order."""
        most = min(self.num_tokens, MOST_LANDMARKS)
        key = ("rank", space, layer, policy, round(alpha, 6))
        found: Ranked = self._once(key, lambda: self._rank(space, layer, policy, alpha, most))
        return found

    def chains(self, *, space: str, layer: int, policy: str, alpha: float) -> Chains:
        """Return every token's nearest landmark for every k, in the landmarks' own space."""
        order = self.ranked(space=space, layer=layer, policy=policy, alpha=alpha).order
        key = ("chains", space, layer, policy, round(alpha, 6))
        found: Chains = self._once(key, lambda: chains(self.points(space, layer), order))
        return found

    def rank_arrays(self, *, space: str, layer: int, policy: str, alpha: float) -> dict[str, Array]:
        """Return what the browser needs to follow k without the kernel."""
        which: dict[str, Any] = {"space": space, "layer": layer, "policy": policy, "alpha": alpha}
        ranked = self.ranked(**which)
        links = self.chains(**which)
        return {
            "order": uint32(ranked.order),
            "radii": ranked.radii,
            "chain_start": links.start,
            "chain_pick": links.pick,
            "chain_distance": links.distance,
            "received": self.received(),
        }

    def _once(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._kept:
                self._kept[key] = make()
            return self._kept[key]


def source_of(given: Any, *, seed: int = 0) -> DataSource:
    """Return the DataSource of a Context, a Cortex or numbers [T, P]; a DataSource is returned.

    Numbers may be an array, a tensor, a data frame or nested lists.

    A Context that goes on writing is not followed: its cache is copied as it is now.

    Raises:
        TypeError: `given` is none of these.
        ValueError: `given` is a Cortex that has not run, or the numbers are no cloud of points.
    """
    if isinstance(given, DataSource):
        return given
    num_prompt = trace = None
    if hasattr(given, "context") and not hasattr(given, "evidence"):
        num_prompt = _prompt_tokens(given)
        trace = getattr(given, "trace", None)
        given = given.context
    if given is None:
        msg = "the Cortex has not read anything yet: run it first, or give a text"
        raise ValueError(msg)
    if hasattr(given, "evidence"):
        return _of_context(given, seed, num_prompt, trace)
    try:
        points = cloud(given)
    except TypeError as error:
        msg = f"expected a Context, a Cortex or numbers [T, P], got {type(given).__name__}"
        raise TypeError(msg) from error
    return source_of_arrays(points)


def source_of_arrays(
    points: ArrayLike,
    *,
    tokens: Sequence[str] | None = None,
    received: ArrayLike | None = None,
    kinds: Sequence[str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> DataSource:
    """Return the DataSource of vectors [T, P] that no model needs to have written.

    Landmarks are ranked by the engine's policies, with `received` [T] as the attention that each
    vector receives; by default all receive the same.
    """
    array = float32(points)
    mass = (
        float32(received)
        if received is not None
        else np.full(len(array), 1 / max(len(array), 1), np.float32)
    )

    def rank(_space: str, _layer: int, policy: str, alpha: float, k: int) -> Ranked:
        import torch
        from warp_cortex import Evidence

        rows = torch.from_numpy(array.copy())
        weight = torch.from_numpy(mass.copy())
        return _rank(
            Evidence(points=rows, keys=rows, received=weight),
            k,
            policy,
            alpha,
            0,
        )

    return DataSource(
        tokens=tokens if tokens is not None else [f"point {row}" for row in range(len(array))],
        kinds=kinds,
        points=lambda *_: array,
        rank=rank,
        received=lambda: mass,
        facts={"model": "points", "checksum": "", "seed": 0, **(facts or {})},
    )


def _prompt_tokens(cortex: Any) -> int | None:
    """Return how many tokens a cortex was given, or None if its trace has no start."""
    from warp_cortex import RunStart

    starts = cortex.trace.of(RunStart) if hasattr(cortex, "trace") else []
    return len(starts[-1].prompt_tokens) if starts else None


def _of_context(live: Any, seed: int, num_prompt: int | None, trace: Any) -> DataSource:
    context = live.fork()  # another thread may be writing into the live one
    spec = context.prism.spec
    held = context.positions.tolist()
    labels = context.labels
    kinds = [_kind(position, num_prompt, labels) for position in held]

    def points(space: str, layer: int, head: int) -> Floats:
        which = None if head == ALL else "mean" if head == MEAN else head
        return float32(
            context.points(space, layer=None if layer == ALL else layer, head=which).cpu()
        )

    def rank(space: str, layer: int, policy: str, alpha: float, k: int) -> Ranked:
        evidence = context.evidence(space, layer=None if layer == ALL else layer)
        return _rank(evidence, k, policy, alpha, seed)

    return DataSource(
        tokens=[labels.get(position, context.tokens[position]) for position in held],
        kinds=kinds,
        points=points,
        rank=rank,
        received=lambda: float32(context.received().cpu()),
        spaces=("keys", "rotated", "values", "hidden")
        if spec.has_rope
        else ("rotated", "values", "hidden"),
        num_layers=spec.num_layers,
        num_heads=spec.num_kv_heads,
        facts={"model": spec.name, "checksum": spec.checksum, "tokens": len(held), "seed": seed},
        added=added_by_run(context, trace),
    )


def _kind(position: int, num_prompt: int | None, labels: Mapping[int, str]) -> str:
    if position in labels:
        return "special"  # a token without text, shown by its name
    if not num_prompt:
        return "text"
    return "prompt" if position < num_prompt else "written"


def _rank(evidence: Any, k: int, policy: str, alpha: float, seed: int) -> Ranked:
    from torch import Generator
    from warp_cortex import rank

    ranking = rank(
        evidence, k=k, policy=policy, alpha=alpha, generator=Generator().manual_seed(seed)
    )
    order = ranking.order.cpu().numpy()
    return Ranked(order, cover_radii(evidence.points, order))
