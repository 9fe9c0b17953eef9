"""From evidence to landmarks: a nested order of tokens, with the radius their neighbourhoods need
to cover the rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from warp_cortex.config import POLICIES, choice, whole, within
from warp_cortex.landmarks.evidence import Evidence
from warp_cortex.landmarks.farthest import greedy
from warp_cortex.landmarks.policies import SCORES

__all__ = ["Evidence", "Ranking", "certificate", "cover_radius", "rank"]

UNCERTIFIED_ALPHA = 0.5  # from here on attention can outvote coverage at every pick


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Ranking:
    """Landmarks in the order they were picked: those for a smaller k' are the first k' of them.

    Shapes:
        order: int64 [k], token indices: sinks, then the most recent tokens (latest first), then the
        policy's picks. radii: float32 [k], cover radius of the points after each pick; never
        increases. scores: float32 [T], what the policy rated; for the greedy policies attention
        received, scaled to [0, 1].

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
    """Choose k of T tokens as landmarks; k counts the `sinks` first and the `recent` last ones,
    which come first.

    Policy "recent" keeps no sinks; "all" ignores k, keeps every token in text order and has radius
    0 throughout, since it is never cut. The first `sinks` tokens are no targets of the radii under
    any policy (their norms are outliers). alpha only concerns "hybrid"; `generator` only "random".

    Raises:
        ValueError: k < 1 or k > T, alpha outside [0, 1], or an unknown policy.
    """
    choice("policy", policy, POLICIES)
    within("alpha", alpha, 0, 1)
    whole("sinks", sinks, least=0)
    whole("recent", recent, least=0)
    tokens = evidence.num_tokens
    if policy == "all":
        whole("k", k, least=1)
        order = torch.arange(tokens)
        return Ranking(order=order, radii=torch.zeros(tokens), scores=torch.ones(tokens))
    _at_most(k, tokens, what="tokens of the context")
    forced = _forced(tokens, k=k, sinks=0 if policy == "recent" else sinks, recent=recent)
    if policy in SCORES:
        scores = SCORES[policy](evidence, generator)
        first = forced + _best(scores, closed=forced, picks=k - len(forced))
    else:
        scores = _unit(evidence.received, closed=forced)
        first = forced
    cover = greedy(
        evidence.points,
        scores,
        first=first,
        picks=k - len(first),
        skip=sinks,
        alpha=alpha if policy == "hybrid" else 0.0,
    )
    return Ranking(
        order=cover.order, radii=cover.radii, scores=scores.cpu(), evaluations=cover.evaluations
    )


@torch.no_grad()
def cover_radius(points: Tensor, landmarks: Iterable[int] | Tensor, *, skip: int = 4) -> float:
    """Return the largest distance from a point to its nearest landmark, in the units of `points`
    [T, P].

    The first `skip` points are left out as targets (attention sinks have outlying norms), not as
    landmarks.

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
    """Return how many times the optimal cover radius the hybrid rule can need: 2 (1 - a) / (1 - 2
    a); None from .5 on.

    Each pick lies at least c = (1 - 2 a) / (1 - a) of the largest distance away from all landmarks
    before it, so m picks and the point left farthest out are m + 1 points at least c * radius
    apart, and farther than that from the sinks and recent tokens: no m landmarks, joined by those
    same fixed ones, can cover them with less than c * radius / 2. The optimum it refers to hence
    keeps the fixed landmarks too and chooses the other m freely.
    """
    within("alpha", alpha, 0, 1)
    return None if alpha >= UNCERTIFIED_ALPHA else 2 * (1 - alpha) / (1 - 2 * alpha)


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
    """Scale scores to [0, 1] over the tokens that can still be picked: a sink's mass would flatten
    all others.

    All zero where they do not differ, or none can be picked. No number is asked of the device.
    """
    places = torch.tensor(list(closed), dtype=torch.long, device=scores.device)
    taken = torch.zeros(len(scores), dtype=torch.bool, device=scores.device).index_fill_(
        0, places, value=True
    )
    low = scores.masked_fill(taken, torch.inf).amin()
    high = scores.masked_fill(taken, -torch.inf).amax()
    span = high - low
    return torch.where(span > 0, ((scores - low) / span).clamp(0, 1), 0)
