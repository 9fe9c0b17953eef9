"""From evidence to landmarks: a nested order of tokens, and how well each part of it covers all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from warp_cortex.config.checks import whole, within
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.farthest import greedy
from warp_cortex.landmarks.policies import ALL, Policy, find_policy, policies
from warp_cortex.precision import in_own_precision

UNCERTIFIED_ALPHA = 0.5  # from here on attention can outvote coverage at every pick


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ranking:
    """Landmarks in the order they were picked: those for a smaller k' are the first k' of them.

    Shapes:
        order: int64 [k], token indices: sinks, then the most recent tokens (latest first), then the
            policy's picks.
        radii: float32 [k], cover radius of the points after each pick; never increases.
        scores: float32 [T], what the policy rated; scaled to [0, 1] if it covers, zeros if it rates
            all tokens alike.

    evaluations: how many distances between two points were computed.
    """

    order: Tensor
    radii: Tensor
    scores: Tensor
    evaluations: int = 0

    def landmarks(self, k: int | None = None) -> Tensor:
        """Return the first k landmarks (all by default) as sorted unique indices, int64 [k].

        Raises:
            ValueError: k is smaller than 1 or larger than what was ranked.
        """
        count = (
            len(self.order) if k is None else _at_most(k, len(self.order), what="ranked landmarks")
        )
        return self.order[:count].sort().values


@in_own_precision
@torch.no_grad()
def rank(
    evidence: Evidence,
    *,
    k: int,
    policy: str = "hybrid",
    alpha: float = 0.3,
    sinks: int = 4,
    recent: int = 16,
    generator: Generator | None = None,
) -> Ranking:
    """Choose k of T tokens as landmarks, the first `sinks` and the last `recent` ones among them.

    Policy "recent" keeps no sinks. Policy "all" ignores k, keeps every token in text order and has
    radius 0 throughout, since it is never cut. The first `sinks` tokens are no targets of the radii
    under any policy (their norms are outliers). alpha weighs a covering policy's score against
    coverage; `generator` is handed to the policy's score.

    Raises:
        ValueError: k < 1 or k > T, alpha outside [0, 1], an unknown policy, one whose needs are not
            in the evidence, or a score that is not float32 [T] and finite.
    """
    chosen = find_policy(policy)
    within("alpha", alpha, 0, 1)
    whole("sinks", sinks, least=0)
    whole("recent", recent, least=0)
    tokens = evidence.num_tokens
    if policy == ALL:
        whole("k", k, least=1)
        order = torch.arange(tokens)
        return Ranking(order=order, radii=torch.zeros(tokens), scores=torch.ones(tokens))
    _at_most(k, tokens, what="tokens of the context")
    scores = _rated(chosen, evidence, generator)
    first = _forced(tokens, k=k, sinks=sinks if chosen.keeps_sinks else 0, recent=recent)
    if chosen.covers:
        scores = _unit(scores, closed=first)
    else:
        first += _best(scores, closed=first, picks=k - len(first))
    cover = greedy(
        evidence.points,
        scores,
        first=first,
        picks=k - len(first),
        skip=sinks,
        alpha=alpha if chosen.covers and chosen.score is not None else 0.0,
    )
    return Ranking(
        order=cover.order, radii=cover.radii, scores=scores.cpu(), evaluations=cover.evaluations
    )


@torch.no_grad()
def cover_radius(points: Tensor, landmarks: Iterable[int] | Tensor, *, skip: int = 4) -> float:
    """Return the largest distance from a point to its nearest landmark.

    points: [T, P], whose units the radius has. landmarks: token indices. The first `skip` points
    are left out as targets (attention sinks have outlying norms), not as landmarks.

    Raises:
        ValueError: no landmark is given, or one is outside 0 .. T - 1.
    """
    indices = [int(index) for index in landmarks]
    if not indices or min(indices) < 0 or max(indices) >= len(points):
        found = [index for index in indices if not 0 <= index < len(points)] or "none"
        msg = f"landmarks must be one or more indices from 0 to {len(points) - 1}, got {found}"
        raise ValueError(msg)
    cloud = points.to(torch.float32)
    cover = greedy(
        cloud, cloud.new_zeros(len(cloud)), first=indices, skip=whole("skip", skip, least=0)
    )
    return float(cover.radii[-1])


def certificate(alpha: float) -> float | None:
    """Return the factor 2 (1 - a) / (1 - 2 a) that bounds the hybrid rule's cover radius.

    The radius is at most that factor times the smallest one possible; from alpha = 0.5 on nothing
    is certified and the result is None.

    Each pick lies at least c = (1 - 2 a) / (1 - a) of the largest distance away from all landmarks
    before it, so m picks and the point left farthest out are m + 1 points at least c * radius
    apart, and farther than that from the sinks and recent tokens: no m landmarks, joined by those
    same fixed ones, can cover them with less than c * radius / 2. The optimum it refers to hence
    keeps the fixed landmarks too and chooses the other m freely.
    """
    within("alpha", alpha, 0, 1)
    return None if alpha >= UNCERTIFIED_ALPHA else 2 * (1 - alpha) / (1 - 2 * alpha)


def _rated(policy: Policy, evidence: Evidence, generator: Generator | None) -> Tensor:
    """Return the policy's scores, float32 [T]; zeros if it rates all tokens alike."""
    if missing := [need for need in policy.needs if getattr(evidence, need) is None]:
        able = [
            known.name
            for known in policies()
            if all(getattr(evidence, need) is not None for need in known.needs)
        ]
        msg = (
            f"policy {policy.name!r} needs evidence.{' and evidence.'.join(missing)}, "
            f"which was not given; without it there are: {', '.join(able)}"
        )
        raise ValueError(msg)
    points = evidence.points
    if policy.score is None:
        return points.new_zeros(len(points))
    scores = policy.score(evidence, generator)
    is_tensor = isinstance(scores, Tensor)
    if not is_tensor or scores.dtype != torch.float32 or scores.shape != (len(points),):
        found = f"{scores.dtype} {list(scores.shape)}" if is_tensor else repr(scores)
        msg = f"the score of policy {policy.name!r} must be float32 [{len(points)}], got {found}"
        raise ValueError(msg)
    if not bool(torch.isfinite(scores).all()):
        msg = f"the score of policy {policy.name!r} must be finite, got NaN or an infinity"
        raise ValueError(msg)
    return scores


def _at_most(k: int, most: int, *, what: str) -> int:
    whole("k", k, least=1)
    if k > most:
        msg = f"k must be at most {most}, the number of {what}, got {k}"
        raise ValueError(msg)
    return k


def _forced(tokens: int, *, k: int, sinks: int, recent: int) -> list[int]:
    first = list(range(min(sinks, k, tokens)))
    latest = range(tokens - 1, len(first) - 1, -1)
    return first + list(latest[: min(recent, k - len(first))])


def _best(scores: Tensor, *, closed: Sequence[int], picks: int) -> list[int]:
    taken = set(closed)
    ranked: list[int] = scores.sort(descending=True, stable=True).indices.tolist()
    return [index for index in ranked if index not in taken][:picks]


def _unit(scores: Tensor, *, closed: Sequence[int]) -> Tensor:
    """Scale scores to [0, 1] over the tokens that can still be picked.

    With the forced ones among them a sink's mass would flatten all others. The result is zero where
    scores do not differ or none can be picked. A GPU is never waited for.
    """
    places = torch.tensor(list(closed), dtype=torch.long, device=scores.device)
    taken = torch.zeros(len(scores), dtype=torch.bool, device=scores.device).index_fill_(
        0, places, value=True
    )
    low = scores.masked_fill(taken, torch.inf).amin()
    high = scores.masked_fill(taken, -torch.inf).amax()
    span = high - low
    return torch.where(span > 0, ((scores - low) / span).clamp(0, 1), 0)
