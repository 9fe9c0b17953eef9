"""What a comparison compares: checked sizes and policies, landmark sets, and the tokens of the
cloud.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.persistence.bounds import inside
from warpviz.topology.persistence.diagrams import MAX_POINTS
from warpviz.topology.points import IntArray, farthest_sample, rows, whole_number

Landmarks = dict[str, dict[int, IntArray]]
RECENT = 16


def checked(
    ks: Sequence[int],
    policies: Sequence[str],
    *,
    max_dim: int,
    num_null: int,
    skip: int,
    max_points: int | None,
) -> tuple[list[int], list[str]]:
    """Return sorted sizes and distinct policies.

    Raises:
        ValueError: nothing to compare, a k no larger than `skip`, a dimension or count out of
        range.
    """
    if max_points is not None:
        whole_number("max_points", max_points, least=1)
    sizes = sorted(set(ks))
    names = list(dict.fromkeys(policies))
    if not sizes or not names:
        msg = f"compare needs at least one k and one policy, got ks {list(ks)!r} and policies {list(policies)!r}"
        raise ValueError(msg)
    if sizes[0] <= skip:
        msg = f"k must be at least {skip + 1} (the {skip} sinks take no part in the geometry), got {sizes[0]!r}"
        raise ValueError(msg)
    if max_dim not in MAX_POINTS:
        msg = f"max_dim must be one of {sorted(MAX_POINTS)}, got {max_dim!r}"
        raise ValueError(msg)
    if num_null < 0 or skip < 0:
        msg = f"num_null and skip must be at least 0, got {num_null!r} and {skip!r}"
        raise ValueError(msg)
    return sizes, names


def recent_window(sizes: Sequence[int]) -> int:
    """Return how many last tokens every policy keeps: the engine's 16, but at most a quarter of the
    smallest k.

    With more, the smallest landmark sets would be the recent window under every policy, and equal.
    """
    return min(RECENT, min(sizes) // 4)


def landmark_sets(
    orders: dict[str, IntArray], sizes: Sequence[int], *, num_tokens: int, skip: int, recent: int
) -> Landmarks:
    """Return sorted token indices by policy and k: the first k of each order, all of it for policy
    "all".

    Raises:
        ValueError: a policy's name is no plain word; an order repeats a token, names one that is
            not there, is too short for the largest k, holds no token after the sinks, or lacks one
            of the `recent` last tokens.
    """
    whole_number("recent", recent, least=0)
    found: Landmarks = {}
    for policy, given in orders.items():
        order = _order(given, policy, num_tokens=num_tokens)
        if sizes[-1] > num_tokens or (len(order) < sizes[-1] and policy != "all"):
            msg = f"k must be at most {min(num_tokens, len(order))} for policy {policy!r}, got {sizes[-1]}"
            raise ValueError(msg)
        found[policy] = {k: np.sort(order if policy == "all" else order[:k]) for k in sizes}
        if empty := [k for k, marks in found[policy].items() if not (marks >= skip).any()]:
            msg = f"policy {policy!r} at k = {empty[0]} keeps none of the tokens after the first {skip}"
            raise ValueError(msg)
        for k, marks in found[policy].items():
            window = min(recent, int((marks >= skip).sum()))
            if missing := sorted(set(range(num_tokens - window, num_tokens)) - set(marks.tolist())):
                msg = f"policy {policy!r} at k = {k} does not keep token {missing[-1]}, one of the last recent = {recent}"
                raise ValueError(msg)
    return found


def forced_rows(used: IntArray, *, num_tokens: int, recent: int, num_landmarks: int) -> IntArray:
    """Return the rows of the cloud `used` that every policy keeps with so many landmarks after the
    sinks, int64 [F].

    They are the last `recent` tokens, or as many of them as there are landmarks. It is one set for
    all policies: "recent" keeps the same window and no sinks, so at one k it has more landmarks and
    a null model of its own; of "all" the draws are the whole cloud whatever is forced.
    """
    return np.flatnonzero(used >= num_tokens - min(recent, num_landmarks)).astype(np.int64)


def _order(order: IntArray, policy: str, *, num_tokens: int) -> IntArray:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", policy):
        msg = f"policy name {policy!r} must be letters, digits, dots, hyphens and underscores: files are named after it"
        raise ValueError(msg)
    rows(order, num_points=num_tokens, name=f"landmarks of policy {policy!r}")
    return order


def used_tokens(
    points: NDArray[np.float32], landmarks: Landmarks, *, skip: int, cap: int
) -> IntArray:
    """Return the sorted token indices of the cloud [n]: all after the sinks, thinned to `cap` but
    keeping landmarks.
    """
    rest = np.arange(skip, len(points), dtype=np.int64)
    if len(rest) <= cap:
        return rest
    largest = [by_k[max(by_k)] for policy, by_k in landmarks.items() if policy != "all"]
    keep = inside(np.unique(np.concatenate([rest[:0], *largest])), skip=skip)
    sample = farthest_sample(points[rest].astype(np.float64), max(cap, len(keep)), keep=keep)
    return np.sort(rest[sample.order])


def cells_of(used: IntArray, landmarks: Landmarks) -> Landmarks:
    """Return the landmarks as rows of the cloud instead of token indices."""
    return {
        policy: {
            k: np.flatnonzero(np.isin(used, marks)).astype(np.int64) for k, marks in by_k.items()
        }
        for policy, by_k in landmarks.items()
    }
