"""Landmark policies as plain scores: each function rates every token, and the best rated become
landmarks.

The greedy policies (`farthest`, `hybrid`) cannot be written as one score per token; they live in
`farthest.py`. A policy is added by writing one function and naming it in `SCORES`. All scores are
float32 [T], larger is better.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn.functional import cosine_similarity, max_pool1d

from warp_cortex.landmarks.evidence import Evidence

Policy = Callable[[Evidence, Generator | None], Tensor]

SNAPKV_KERNEL = 7


def random(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score uniformly at random: the null model. Without a generator the draw is the one of seed
    0.
    """
    source = torch.Generator().manual_seed(0) if generator is None else generator
    drawn = torch.rand(evidence.num_tokens, generator=source, device=source.device)
    return drawn.to(evidence.points.device)


def stride(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by repeated bisection, so that any number of best tokens lies nearly evenly spread over
    the text.

    Token i gets minus the rank of its first appearance in floor(T * v), v running through van der
    Corput's sequence in base 2 (0, 1/2, 1/4, 3/4, 1/8, ...): the strides of all sizes, nested in
    one order.
    """
    del generator
    tokens = evidence.num_tokens
    bits = max(1, (tokens - 1).bit_length())
    size = 1 << bits
    number = torch.arange(size)
    reverse = torch.zeros_like(number)
    for bit in range(bits):
        reverse |= ((number >> bit) & 1) << (bits - 1 - bit)
    rank = torch.full((tokens,), size).scatter_reduce(0, number * tokens // size, reverse, "amin")
    return -rank.to(torch.float32).to(evidence.points.device)


def recent(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by recency. Under the name "recent" no sinks are kept, under "streaming" they are.

    Source of "streaming": StreamingLLM (arXiv 2309.17453), attention sinks and a sliding window.
    """
    del generator
    return torch.arange(evidence.num_tokens, dtype=torch.float32, device=evidence.points.device)


def h2o(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by the attention a token received. Source: H2O (arXiv 2306.14048), heavy hitters."""
    del generator
    return evidence.received


def snapkv(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by the window queries' mean attention, max-pooled over 7 neighbours. Source: SnapKV
    (arXiv 2404.14469).
    """
    del generator
    votes = evidence.attention.mean(dim=0)
    return max_pool1d(votes[None, None], SNAPKV_KERNEL, stride=1, padding=SNAPKV_KERNEL // 2)[0, 0]


def tova(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by the last query's attention, averaged over heads. Source: TOVA (arXiv 2401.06104)."""
    del generator
    return evidence.attention[-1]


def keydiff(evidence: Evidence, generator: Generator | None) -> Tensor:
    """Score by minus the cosine similarity to the mean key.

    Source: KeyDiff (arXiv 2504.15364), there per head; here on the concatenated keys, since one set
    serves all heads.
    """
    del generator
    return -cosine_similarity(evidence.keys, evidence.keys.mean(dim=0, keepdim=True), dim=1)


SCORES: dict[str, Policy] = {
    "random": random,
    "stride": stride,
    "recent": recent,
    "streaming": recent,
    "h2o": h2o,
    "snapkv": snapkv,
    "tova": tova,
    "keydiff": keydiff,
}
GEOMETRY = ("farthest", "hybrid")
# at the last queries or at raw keys: all others need points and mass received
LOOKING = ("snapkv", "tova", "keydiff")
