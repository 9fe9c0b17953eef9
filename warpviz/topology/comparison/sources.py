"""Where a comparison's points and landmarks come from: a context, evidence, or arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warpviz.topology.points import IntArray, cloud, whole_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One context as topology sees it: `points` float32 [T, P], and each policy's landmark order,
    int64.
    """

    points: NDArray[np.float32]
    orders: dict[str, IntArray]
    token_texts: tuple[str, ...]
    model: str = "points"
    checksum: str = ""


def read_source(
    given: Any,
    *,
    policies: Sequence[str],
    orders: Mapping[str, ArrayLike] | None,
    k: int,
    alpha: float,
    layer: int | None,
    space: str,
    head: int | str | None,
    sinks: int,
    recent: int,
    seed: int,
    about: Mapping[str, Any],
) -> Source:
    """Return points and landmark orders of a `warp_cortex` Context or Evidence, or of an array [T,
    P].

    Landmarks are chosen in the layer they are measured in, over all its heads. `orders` gives
    landmark orders by policy name instead of asking the engine for them; `about` names what points
    that are no context belong to.

    Raises:
        ValueError: bad points, a description that does not fit them, or a policy that needs
            attention where only points were given.
    """
    is_context = hasattr(given, "evidence")
    points = (
        given.points(space, layer=layer, head=head)
        if is_context
        else getattr(given, "points", given)
    )
    array = cloud(_numpy(points)).astype(np.float32)
    if orders is None:
        evidence = given.evidence(space, layer=layer) if is_context else _evidence(given, array)
        orders = {
            name: engine_order(
                evidence, k=k, policy=name, alpha=alpha, sinks=sinks, recent=recent, seed=seed
            )
            for name in policies
        }
    found = {
        name: whole_numbers(_numpy(order), name=f"landmarks of policy {name!r}")
        for name, order in orders.items()
    }
    if not is_context:
        return _described(array, found, about)
    texts = tuple(given.tokens[position] for position in given.positions.tolist())
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


def engine_order(
    evidence: Any, *, k: int, policy: str, alpha: float, sinks: int, recent: int, seed: int
) -> IntArray:
    """Return the engine's landmark order [k] of a policy; the random one is drawn from `seed`."""
    from torch import Generator
    from warp_cortex import rank

    chance = Generator().manual_seed(seed)
    ranking = rank(
        evidence, k=k, policy=policy, alpha=alpha, sinks=sinks, recent=recent, generator=chance
    )
    return np.asarray(_numpy(ranking.order), dtype=np.int64)


def _evidence(given: Any, array: NDArray[np.float32]) -> Any:
    """Return evidence as it is, and of points what they are evidence of: no attention."""
    if hasattr(given, "received"):
        return given
    import torch
    from warp_cortex import Evidence

    points = torch.from_numpy(array)
    return Evidence(points=points, keys=points)


def _numpy(values: Any) -> NDArray[Any]:
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
