"""Referential injection: an accepted thought enters the River's cache at virtual positions, revocably.

The thought is encoded on top of the River's cache (keys and values depend on context, so copying the stream's own
would be wrong), at positions that visible text also uses. Visible tokens, their positions and their entries stay.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from warp_cortex.config import InjectionConfig
from warp_cortex.context import Context
from warp_cortex.kv import TEXT

GAP = 64  # positions that anchor "gap" leaves free for visible text before the thought

Anchor = Callable[[int, int], range]

ANCHOR_RANGES: dict[str, Anchor] = {
    "next": lambda at, count: range(at, at + count),
    "past": lambda at, count: range(max(0, at - count), max(0, at - count) + count),
    "gap": lambda at, count: range(at + GAP, at + GAP + count),
}


@dataclass(frozen=True, slots=True)
class Injection:
    """One thought in the River's cache. `at` is the number of visible tokens when it entered."""

    id: int
    stream: int
    text: str
    ids: tuple[int, ...]
    positions: tuple[int, ...]
    anchor: str
    at: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What an injection changed, per visible token written since: KL(with || without) in nats, attention mass on it."""

    first_position: int
    kl: tuple[float, ...]
    attention_mass: tuple[float, ...]


class Injector:
    """The thoughts in one River's cache."""

    def __init__(self, context: Context, config: InjectionConfig) -> None:
        self.context, self.config = context, config
        self.active: dict[int, Injection] = {}
        self._count = 0

    @property
    def num_tokens(self) -> int:
        """Injected entries in the cache."""
        return sum(len(injection.ids) for injection in self.active.values())

    def can_inject(self, thought: str) -> bool:
        """Whether a thought fits under the cap on injected tokens and before the model's last position."""
        ids = self._encode(thought)
        end = ANCHOR_RANGES[self.config.anchor](self.context.num_tokens, len(ids)).stop
        within = self.num_tokens + len(ids) <= self.config.max_tokens
        return self.config.enabled and within and end <= self.context.prism.spec.max_positions

    def inject(self, thought: str, *, stream: int) -> Injection:
        """Append a thought's entries to the cache.

        Raises:
            ValueError: the thought does not fit; `can_inject` tells beforehand.
        """
        if not self.can_inject(thought):
            msg = f"the thought of stream {stream} does not fit: at most {self.config.max_tokens} injected tokens"
            raise ValueError(msg)
        ids = self._encode(thought)
        at = self.context.num_tokens
        positions = ANCHOR_RANGES[self.config.anchor](at, len(ids))
        self._count += 1
        injection = Injection(
            self._count, stream, self._written(thought), tuple(ids), tuple(positions), self.config.anchor, at
        )
        _encode_at(self.context, injection)
        self.active[injection.id] = injection
        return injection

    def revoke(self, number: int) -> int:
        """Take one thought out and return how many visible tokens were read again as if it had never been there.

        Their text stays; their entries, states and the next token's logits are those of a River that never held the
        thought, to the bit unless the cache was bounded and has let go of entries since.

        Raises:
            ValueError: no such injection is in the cache.
        """
        injection = self._get(number)
        tail = self.context.num_tokens - injection.at
        if tail:
            replay(self.context, injection, self.active, without=True)
        else:
            self.context.store.drop(number)
        del self.active[number]
        return tail

    def influence(self, number: int) -> Effect:
        """Return what an injection changed so far, by replaying the text since with and without it on two copies.

        Raises:
            ValueError: no such injection is in the cache.
        """
        injection = self._get(number)
        here, there = self.context.fork(), self.context.fork()
        with_it = replay(here, injection, self.active, without=False)
        without = replay(there, injection, self.active, without=True)
        kl = [_kl(a.logits, b.logits) for a, b in zip(with_it, without, strict=True)]
        return Effect(injection.at, tuple(kl), tuple(step.mass for step in with_it))

    def _written(self, thought: str) -> str:
        return self.config.template.format(thought=thought.strip())

    def _encode(self, thought: str) -> list[int]:
        return self.context.prism.encode(self._written(thought))

    def _get(self, number: int) -> Injection:
        if number not in self.active:
            msg = f"no injection {number} is in the cache; there are: {sorted(self.active) or 'none'}"
            raise ValueError(msg)
        return self.active[number]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One visible token read again: the logits after it [V], and its attention mass on the injection."""

    logits: Tensor
    mass: float


def replay(
    context: Context, injection: Injection, active: dict[int, Injection], *, without: bool
) -> list[Replayed]:  # fmt: skip
    """Rewind the cache to just before an injection and read everything since again, with it or `without` it.

    Tokens go in one at a time and other thoughts at their old places, so that the result has the same bits as the
    first time.
    """
    store = context.store
    row = int((store.tags[: store.length] == injection.id).nonzero()[0])
    tags, positions = store.tags[row : store.length].tolist(), store.positions[row : store.length].tolist()
    ids = context.ids
    steps = [("text", ids[at]) if tag == TEXT else ("thought", tag) for tag, at in zip(tags, positions, strict=True)]
    first = next((at for tag, at in zip(tags, positions, strict=True) if tag == TEXT), context.num_tokens)
    context.rewind(row, num_tokens=first)
    replayed, done = [], set()
    for kind, value in steps:
        if kind == "text":
            mass = _Mass(context, injection.id)
            context.reread(value, tap=mass)
            assert context.logits is not None  # noqa: S101 - a token was just read
            replayed.append(Replayed(context.logits, mass.mean))
        elif value not in done:
            done.add(value)
            if value != injection.id or not without:
                _encode_at(context, active[value])
    return replayed


class _Mass:
    """A tap that sums the attention of one token on an injection's entries, averaged over layers and heads."""

    def __init__(self, context: Context, tag: int) -> None:
        store = context.store
        self._store, self._rows = store, store.tags[: store.length] == tag
        self._layers: list[float] = []

    def __call__(self, layer: int, query: Tensor) -> None:
        if not bool(self._rows.any()):
            return
        end = self._rows.numel() + query.shape[2]
        keys = self._store.data[layer, 0, :, :end].float()
        grouped = query[0].float().reshape(keys.shape[0], -1, query.shape[-1])
        weights = (grouped @ keys.transpose(-1, -2)).softmax(-1)
        self._layers.append(float(weights[..., : self._rows.numel()][..., self._rows].sum(-1).mean()))

    @property
    def mean(self) -> float:
        return sum(self._layers) / len(self._layers) if self._layers else 0.0


def _encode_at(context: Context, injection: Injection) -> None:
    positions = torch.tensor(injection.positions, device=context.prism.device)
    context.encode_at(list(injection.ids), positions, tag=injection.id)


def _kl(left: Tensor, right: Tensor) -> float:
    """Return KL(left || right) of two next-token distributions given as logits [V], in nats."""
    p, q = left.double().log_softmax(-1), right.double().log_softmax(-1)
    return max(0.0, float((p.exp() * (p - q)).sum()))
