"""The landmark policies: one registry, in which every policy says what it scores by and needs.

To add a policy here, write its score and add one entry to `BUILT_IN`; elsewhere, call
`warp_cortex.register_policy(Policy("mine", score))`. Settings, rankings, the Synapse and the
accumulation of evidence ask this registry.

The module imports no torch, so that settings can be checked before it is loaded.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warp_cortex import config
from warp_cortex.config.checks import choice

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Generator, Tensor

    from warp_cortex.landmarks.evidence import Evidence

    Score = Callable[[Evidence, Generator | None], Tensor]

ALL = "all"  # the policy that keeps every token
NEEDS = ("keys", "attention", "received")  # fields of `Evidence`; `points` are always there
# these can be summed up chunk by chunk, so that they are ready when a text has been read
SUMMABLE = frozenset({"received"})
SNAPKV_KERNEL = 7


@dataclass(frozen=True, slots=True)
class Policy:
    """How landmarks are chosen among T tokens.

    name: letters, digits, dots, hyphens and underscores; settings and file names contain it.
    score: a function of `Evidence` and a torch.Generator (or None) that returns float32 [T]; larger
        is better. None rates all tokens alike.
    needs: the fields of `Evidence` that `score` reads besides `points`: "keys", "attention" (of the
        last queries), "received" (attention each token received). Without them it is never called.
    covers: picks one token after another by the score mixed with the distance to the tokens picked
        so far (see `farthest.greedy`), instead of the tokens of the best score.
    keeps_sinks: whether the first tokens are kept in any case; the most recent ones always are.
    source: the paper that a score follows.

    Raises:
        TypeError: `score` is no function, or `needs` no tuple.
        ValueError: a name that is no plain word, an unknown need, or nothing to choose by.
    """

    name: str
    score: "Score | None" = None
    needs: tuple[str, ...] = field(default=(), kw_only=True)
    covers: bool = field(default=False, kw_only=True)
    keeps_sinks: bool = field(default=True, kw_only=True)
    source: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]+", self.name):
            msg = (
                "a policy's name must be letters, digits, dots, hyphens and underscores, "
                f"got {self.name!r}"
            )
            raise ValueError(msg)
        if self.score is not None and not callable(self.score):
            msg = f"score must be a function of (evidence, generator), got {self.score!r}"
            raise TypeError(msg)
        if not isinstance(self.needs, tuple):
            msg = f"needs must be a tuple of names, got {self.needs!r}"
            raise TypeError(msg)
        for need in self.needs:
            choice("needs", need, NEEDS)
        if self.score is None and not self.covers and self.name != ALL:
            msg = f"policy {self.name!r} must have a score or covers=True to choose by"
            raise ValueError(msg)

    @property
    def accumulates(self) -> bool:
        """Whether all evidence it needs can be summed up while a text is read."""
        return SUMMABLE.issuperset(self.needs)

    @property
    def composes(self) -> bool:
        """Whether landmarks chosen among the landmarks of each part still cover the whole."""
        return self.covers and self.accumulates


def register_policy(policy: Policy) -> Policy:
    """Add a policy, so that `SynapseConfig` and `rank` accept its name; return it.

    Registering a name again replaces the policy, as when a notebook's cell runs twice.

    Raises:
        TypeError: not a `Policy`.
        ValueError: the name of a built-in policy.
    """
    if not isinstance(policy, Policy):
        msg = f"register_policy needs a Policy, got {policy!r}"
        raise TypeError(msg)
    if any(policy.name == known.name for known in BUILT_IN):
        msg = f"policy {policy.name!r} is built in and cannot be replaced; choose another name"
        raise ValueError(msg)
    _register(policy)
    return policy


def find_policy(name: str) -> Policy:
    """Return the policy of that name.

    Raises:
        ValueError: there is none; the message lists the names and suggests the nearest.
    """
    return _registry[choice("policy", name, tuple(_registry))]


def policies() -> tuple[Policy, ...]:
    """Return every policy registered so far, the built-in ones first."""
    return tuple(_registry.values())


def random(evidence: "Evidence", generator: "Generator | None") -> "Tensor":
    """Score uniformly at random: the null model. Without a generator the seed is 0."""
    import torch

    source = torch.Generator().manual_seed(0) if generator is None else generator
    drawn = torch.rand(evidence.num_tokens, generator=source, device=source.device)
    return drawn.to(evidence.points.device)


def stride(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by repeated bisection: any number of best tokens lies nearly evenly over the text.

    Token i gets minus the rank of its first appearance in floor(T * v), v running through van der
    Corput's sequence in base 2 (0, 1/2, 1/4, 3/4, 1/8, ...): the strides of all sizes, nested in
    one order.
    """
    import torch

    tokens = evidence.num_tokens
    bits = max(1, (tokens - 1).bit_length())
    size = 1 << bits
    number = torch.arange(size)
    reverse = torch.zeros_like(number)
    for bit in range(bits):
        reverse |= ((number >> bit) & 1) << (bits - 1 - bit)
    rank = torch.full((tokens,), size).scatter_reduce(0, number * tokens // size, reverse, "amin")
    return -rank.to(torch.float32).to(evidence.points.device)


def recency(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by position: the last tokens are the best."""
    import torch

    return torch.arange(evidence.num_tokens, dtype=torch.float32, device=evidence.points.device)


def attention_received(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by the attention a token received."""
    return evidence.required("received")


def snapkv(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by the window queries' mean attention, max-pooled over 7 neighbours."""
    from torch.nn.functional import max_pool1d

    votes = evidence.required("attention").mean(dim=0)
    return max_pool1d(votes[None, None], SNAPKV_KERNEL, stride=1, padding=SNAPKV_KERNEL // 2)[0, 0]


def tova(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by the last query's attention, averaged over heads."""
    return evidence.required("attention")[-1]


def keydiff(evidence: "Evidence", _generator: "Generator | None") -> "Tensor":
    """Score by minus the cosine similarity to the mean key.

    The paper does so per head; here keys of all heads are concatenated, because one set of
    landmarks serves all heads.
    """
    from torch.nn.functional import cosine_similarity

    keys = evidence.required("keys")
    return -cosine_similarity(keys, keys.mean(dim=0, keepdim=True), dim=1)


def _register(policy: Policy) -> None:
    _registry[policy.name] = policy
    config.POLICIES = tuple(_registry)
    config.COMPOSABLE = tuple(name for name, known in _registry.items() if known.composes)


BUILT_IN = (
    Policy(ALL),
    Policy("random", random),
    Policy("stride", stride),
    Policy("recent", recency, keeps_sinks=False),
    Policy("streaming", recency, source="StreamingLLM, arXiv 2309.17453"),
    Policy("h2o", attention_received, needs=("received",), source="H2O, arXiv 2306.14048"),
    Policy("snapkv", snapkv, needs=("attention",), source="SnapKV, arXiv 2404.14469"),
    Policy("tova", tova, needs=("attention",), source="TOVA, arXiv 2401.06104"),
    Policy("keydiff", keydiff, needs=("keys",), source="KeyDiff, arXiv 2504.15364"),
    Policy("farthest", covers=True, source="Gonzalez 1985"),
    Policy(
        "hybrid",
        attention_received,
        needs=("received",),
        covers=True,
        source="whale-tda, arXiv 2510.04553",
    ),
)
_registry: dict[str, Policy] = {}
for _policy in BUILT_IN:
    _register(_policy)
