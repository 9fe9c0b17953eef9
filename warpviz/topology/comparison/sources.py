"""Where a comparison's points and landmarks come from: a context, evidence, or arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warpviz.topology.comparison.selection import Settings
from warpviz.topology.points import IntArray, cloud, numpy_of, whole_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One context as topology sees it.

    points: float32 [T, P]. orders: each policy's landmarks as it picks them, int64 [K].
    """

    points: NDArray[np.float32]
    orders: dict[str, IntArray]
    token_texts: tuple[str, ...]
    model: str = "points"
    checksum: str = ""


def read_source(
    given: Any,
    settings: Settings,
    policies: Sequence[str],
    *,
    k: int,
    orders: Mapping[str, ArrayLike] | None,
    about: Mapping[str, Any],
) -> Source:
    """Return points and landmark orders of a Context, an Evidence or numbers [T, P].

    Landmarks are chosen in the layer they are measured in, over all its heads. `orders` gives
    landmark orders by policy name instead of asking the engine for them; `about` says what points
    without a context belong to.

    Raises:
        TypeError: points that are no numbers.
        ValueError: bad points, a description that does not fit them, or a policy that needs
            attention where only points were given.
    """
    is_context = hasattr(given, "evidence")
    if is_context:
        points = given.points(settings.space, layer=settings.layer, head=settings.head)
    else:
        points = getattr(given, "points", given)
    array = cloud(points).astype(np.float32)
    if orders is None:
        if is_context:
            evidence = given.evidence(settings.space, layer=settings.layer)
        else:
            evidence = _evidence(given, array)
        orders = {name: engine_order(evidence, settings, policy=name, k=k) for name in policies}
    found = {
        name: whole_numbers(order, name=f"landmarks of policy {name!r}")
        for name, order in orders.items()
    }
    if not is_context:
        return _described(array, found, about)
    labels = getattr(given, "labels", {})  # special tokens add no text: they are shown by name
    held = given.positions.tolist()
    texts = tuple(labels.get(position, given.tokens[position]) for position in held)
    spec = given.prism.spec
    return Source(
        points=array, orders=found, token_texts=texts, model=spec.name, checksum=spec.checksum
    )


def _described(
    array: NDArray[np.float32], orders: dict[str, IntArray], about: Mapping[str, Any]
) -> Source:
    if unknown := sorted(set(about) - {"model", "checksum", "token_texts"}):
        msg = f"about has unknown entries {unknown}; accepted: model, checksum, token_texts"
        raise ValueError(msg)
    texts = tuple(str(text) for text in about.get("token_texts", ()))
    if len(texts) not in (0, len(array)):
        msg = f"{len(array)} points need as many token_texts, got {len(texts)}"
        raise ValueError(msg)
    return Source(
        points=array,
        orders=orders,
        token_texts=texts,
        model=str(about.get("model", "points")),
        checksum=str(about.get("checksum", "")),
    )


def engine_order(evidence: Any, settings: Settings, *, policy: str, k: int) -> IntArray:
    """Return the engine's landmark order [k] of a policy; the random one is drawn from the seed."""
    from torch import Generator
    from warp_cortex import rank

    ranking = rank(
        evidence,
        k=k,
        policy=policy,
        alpha=settings.alpha,
        sinks=settings.skip,
        recent=settings.recent,
        generator=Generator().manual_seed(settings.seed),
    )
    return np.asarray(numpy_of(ranking.order), dtype=np.int64)


def _evidence(given: Any, array: NDArray[np.float32]) -> Any:
    """Return evidence as it is, and of points what they are evidence of: no attention."""
    if hasattr(given, "received"):
        return given
    import torch
    from warp_cortex import Evidence

    points = torch.from_numpy(array)
    return Evidence(points=points, keys=points)
