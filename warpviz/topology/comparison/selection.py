"""What a comparison compares: checked sizes and policies, landmark sets, the cloud's tokens."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warpviz.topology.persistence.bounds import inside
from warpviz.topology.persistence.diagrams import MAX_POINTS
from warpviz.topology.points import IntArray, farthest_sample, rows, whole_number

Landmarks = dict[str, dict[int, IntArray]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a comparison reads points, chooses landmarks and draws its null model.

    Raises:
        ValueError: a dimension or count out of range.
    """

    alpha: float
    layer: int | None
    space: str
    head: int | str | None
    max_dim: int
    seed: int
    num_null: int
    skip: int
    recent: int

    def __post_init__(self) -> None:
        if self.max_dim not in MAX_POINTS:
            msg = f"max_dim must be one of {sorted(MAX_POINTS)}, got {self.max_dim!r}"
            raise ValueError(msg)
        for name in ("num_null", "skip", "recent"):
            whole_number(name, getattr(self, name), least=0)


def checked(
    ks: Iterable[int] | int, policies: Iterable[str] | str, *, skip: int
) -> tuple[list[int], list[str]]:
    """Return sorted sizes and distinct policies; one size or one name needs no list.

    Raises:
        ValueError: nothing to compare, or a k that is no whole number or no larger than `skip`.
    """
    given = ks if isinstance(ks, Iterable) else [ks]
    sizes = sorted({whole_number("k", k, least=1) for k in given})
    names = [policies] if isinstance(policies, str) else list(dict.fromkeys(policies))
    if not sizes or not names:
        found = f"ks {sizes!r} and policies {names!r}"
        msg = f"compare needs at least one k and one policy, got {found}"
        raise ValueError(msg)
    if sizes[0] <= skip:
        why = f"the {skip} sinks take no part in the geometry"
        msg = f"k must be at least {skip + 1} ({why}), got {sizes[0]!r}"
        raise ValueError(msg)
    return sizes, names


def landmark_sets(
    orders: dict[str, IntArray], sizes: Sequence[int], *, num_tokens: int, skip: int, recent: int
) -> Landmarks:
    """Return sorted token indices by policy and k: the first k of each order, for "all" all of it.

    Raises:
        ValueError: a policy's name is no plain word; an order repeats a token, names one that does
            not exist, is too short for the largest k, holds no token after the sinks, or lacks one
            of the `recent` last tokens.
    """
    found: Landmarks = {}
    for policy, given in orders.items():
        order = _order(given, policy, num_tokens=num_tokens)
        if sizes[-1] > num_tokens or (len(order) < sizes[-1] and policy != "all"):
            most = min(num_tokens, len(order))
            msg = f"k must be at most {most} for policy {policy!r}, got {sizes[-1]}"
            raise ValueError(msg)
        found[policy] = {k: np.sort(order if policy == "all" else order[:k]) for k in sizes}
        if empty := [k for k, marks in found[policy].items() if not (marks >= skip).any()]:
            what = f"none of the tokens after the first {skip}"
            msg = f"policy {policy!r} at k = {empty[0]} keeps {what}"
            raise ValueError(msg)
        for k, marks in found[policy].items():
            window = min(recent, int((marks >= skip).sum()))
            if missing := sorted(set(range(num_tokens - window, num_tokens)) - set(marks.tolist())):
                lost = f"token {missing[-1]}, one of the last recent = {recent}"
                msg = f"policy {policy!r} at k = {k} does not keep {lost}"
                raise ValueError(msg)
    return found


def forced_rows(used: IntArray, *, num_tokens: int, recent: int, num_landmarks: int) -> IntArray:
    """Return the rows of the cloud `used` that every policy keeps, int64 [F].

    They are the last `recent` tokens, or as many of them as there are landmarks after the sinks. It
    is one set for all policies: "recent" keeps the same window and no sinks, so at one k it has
    more landmarks and a null model of its own; of "all" the draws are the whole cloud whatever is
    forced.
    """
    return np.flatnonzero(used >= num_tokens - min(recent, num_landmarks)).astype(np.int64)


def _order(order: IntArray, policy: str, *, num_tokens: int) -> IntArray:
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", policy):
        accepted = "letters, digits, dots, hyphens and underscores: files are named after it"
        msg = f"policy name {policy!r} must be {accepted}"
        raise ValueError(msg)
    rows(order, num_points=num_tokens, name=f"landmarks of policy {policy!r}")
    return order


def used_tokens(
    points: NDArray[np.float32], landmarks: Landmarks, *, skip: int, cap: int
) -> IntArray:
    """Return the token indices of the cloud [n], sorted: all after the first `skip` tokens.

    More than `cap` are thinned to the farthest points, every landmark among them.
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
