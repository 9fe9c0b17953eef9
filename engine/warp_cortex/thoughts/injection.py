"""Referential injection: an accepted thought enters the River's cache and can be revoked.

The thought is encoded on top of the River's cache, because keys and values depend on the text
before them: copying the stream's own would be wrong. Its positions are virtual: visible text uses
them, too. Visible tokens, their positions and their entries stay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from warp_cortex.attention.shared import Limits
from warp_cortex.cache.store import TEXT
from warp_cortex.config import InjectionConfig
from warp_cortex.context.context import Context
from warp_cortex.context.insertion import encode_over_earlier, enter_before
from warp_cortex.context.queries import weigh

if TYPE_CHECKING:
    from warp_cortex.model.forward_pass import Pass

GAP = 64  # positions that anchor "gap" leaves free for visible text before the thought

# visible tokens so far, those read again behind the thought, tokens of the thought -> its positions
Anchor = Callable[[int, int, int], range]

ANCHOR_RANGES: dict[str, Anchor] = {
    "next": lambda at, _, count: range(at, at + count),
    "past": lambda at, back, count: _from(max(0, at - back - count), count),
    "gap": lambda at, _, count: range(at + GAP, at + GAP + count),
}


def _from(first: int, count: int) -> range:
    return range(first, first + count)


@dataclass(frozen=True, slots=True)
class Injection:
    """One thought in the River's cache.

    text: as written by the template. ids, positions: of its entries. anchor: what chose the
    positions. at: the number of visible tokens when it entered. is_before: whether visible tokens
        were read again behind it.
    """

    id: int
    stream: int
    text: str
    ids: tuple[int, ...]
    positions: tuple[int, ...]
    anchor: str
    at: int
    is_before: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """What an injection changed, for each visible token since.

    first_position: of the first token measured; in a bounded cache, of the first one still held.
    kl: KL(with || without) of the next-token distributions, in nats.
    attention_mass: the share of the token's attention that goes to the injection, in [0, 1].
    """

    first_position: int
    kl: tuple[float, ...]
    attention_mass: tuple[float, ...]


class Injector:
    """The thoughts in one River's cache."""

    def __init__(self, context: Context, config: InjectionConfig) -> None:
        self.context = context
        self.config = config
        self.anchor = config.anchor or "next"
        self.back = config.back or 0
        self.active: dict[int, Injection] = {}
        self._count = 0

    @property
    def num_tokens(self) -> int:
        """Injected entries in the cache."""
        return sum(len(injection.ids) for injection in self.active.values())

    def can_inject(self, thought: str) -> bool:
        """Return whether a thought may be injected.

        It must fit under the cap on injected tokens and before the model's last position.
        """
        ids = self._encode(thought)
        end = self._places(len(ids)).stop
        within = self.num_tokens + len(ids) <= self.config.max_tokens
        return self.config.enabled and within and end <= self.context.prism.spec.max_positions

    def inject(self, thought: str, *, stream: int) -> Injection:
        """Add a thought's entries to the cache, before its last `back` visible tokens.

        Those are read again behind the thought, so that the next token is chosen with it; with none
        the River sees the thought from the token after next on.

        Raises:
            ValueError: `can_inject` is false.
        """
        injection = self._prepared(thought, stream=stream)
        if back := self.back:
            places = _from(injection.positions[0], len(injection.ids))
            enter_before(self.context, list(injection.ids), places, tag=injection.id, back=back)
        else:
            _encode_at(self.context, injection)
        self._count += 1
        self.active[injection.id] = injection
        return injection

    def revoke(self, number: int) -> int:
        """Take one thought out; return how many visible tokens were read again without it.

        Their text stays. Their entries, states and the next token's logits are those of a River
        that never held the thought, bit for bit unless entries were evicted since, or were read
        again that one pass over the prompt had computed.

        Raises:
            ValueError: no such injection is in the cache.
        """
        injection = self._get(number)
        copy, read = replay(self.context, injection, self.active, without=True)
        self.context.adopt(copy.store, [step.out for step in read])
        del self.active[number]
        return len(read)

    def influence(self, number: int) -> Effect:
        """Return what an injection changed so far.

        The text since is replayed on two copies, with the injection and without it. Words that had
        been written when it entered were not changed by it, also where they were read again.

        Raises:
            ValueError: no such injection is in the cache.
        """
        injection = self._get(number)
        _, with_it = replay(self.context, injection, self.active, without=False)
        _, without = replay(self.context, injection, self.active, without=True)
        # the word behind a token read again is a new one only for the last of these tokens
        first = injection.at - 1 if injection.is_before else injection.at
        pairs = [pair for pair in zip(with_it, without, strict=True) if pair[0].position >= first]
        kl = tuple(_kl(a.out.logits[0], b.out.logits[0]) for a, b in pairs)
        first = pairs[0][0].position if pairs else injection.at
        return Effect(first, kl, tuple(a.mass for a, _ in pairs))

    def still(self) -> "Injector":
        """Return the same thoughts over a fork of the River, to be measured while it goes on."""
        other = Injector(self.context.fork(), self.config)
        other.active = dict(self.active)
        return other

    def _prepared(self, thought: str, *, stream: int) -> Injection:
        if not self.can_inject(thought):
            msg = (
                f"the thought of stream {stream} does not fit: "
                f"at most {self.config.max_tokens} injected tokens"
            )
            raise ValueError(msg)
        ids = self._encode(thought)
        at = self.context.num_tokens
        return Injection(
            id=self._count + 1,
            stream=stream,
            text=self.written(thought),
            ids=tuple(ids),
            positions=tuple(self._places(len(ids))),
            anchor=self.anchor,
            at=at,
            is_before=self.back > 0,
        )

    def _places(self, count: int) -> range:
        """Return the positions of a thought of so many tokens that entered now."""
        at = self.context.num_tokens
        return ANCHOR_RANGES[self.anchor](at, self.back, count)

    def written(self, thought: str) -> str:
        """Return what a thought is written as."""
        template = self.config.template or self.context.prism.voice.reference
        return template.format(thought=thought.strip())

    def _encode(self, thought: str) -> list[int]:
        return self.context.prism.encode(self.written(thought))

    def _get(self, number: int) -> Injection:
        if number not in self.active:
            there = ", ".join(map(str, sorted(self.active))) or "none"
            msg = f"no injection {number} is in the cache; there are: {there}"
            raise ValueError(msg)
        return self.active[number]


@dataclass(frozen=True, slots=True)
class Replayed:
    """One visible token read again: the pass, and the token's attention mass on the injection."""

    position: int
    out: "Pass"
    mass: float


def replay(
    context: Context, injection: Injection, active: dict[int, Injection], *, without: bool
) -> tuple[Context, list[Replayed]]:
    """Read the text since an injection again, with or `without` it, on a copy of the context.

    Return the copy and the tokens read. Tokens enter one at a time, and other thoughts at their old
    places, so that the result has the same bits as the first time. The context itself does not
    change, even if this is interrupted.
    """
    store = context.store
    row = int((store.tags[: store.length] == injection.id).nonzero()[0])
    entries = zip(
        store.tags[row : store.length].tolist(),
        store.positions[row : store.length].tolist(),
        strict=True,
    )
    copy = context.over(store.prefix(row))
    read: list[Replayed] = []
    done = {injection.id} if without else set()
    for tag, position in entries:
        if tag == TEXT:
            mass = _Mass(copy, injection.id, position)
            read.append(Replayed(position, copy.reread(position, tap=mass), mass.mean))
        elif tag not in done:
            done.add(tag)
            _encode_at(copy, active[tag])
    return copy, read


class _Mass:
    """A tap that measures the attention of the token at `position` to the injection `tag`."""

    def __init__(self, context: Context, tag: int, position: int) -> None:
        store = context.store
        self._store = store
        self._rows = (store.tags[: store.length] == tag).nonzero().flatten()
        self._distance = position - store.positions[: store.length]
        self._layers: list[float] = []

    def __call__(self, layer: int, query: Tensor, limits: Limits) -> None:
        """Add one layer's queries [1, H_q, 1, D].

        The token's own key is in the store already, after the rows held before the pass.
        """
        if not self._rows.numel():
            return
        keys = self._store.data[layer, 0, :, : self._distance.numel() + 1]
        seen = self._distance < (limits.window or float("inf"))
        seen = functional.pad(seen, (0, 1), value=True)  # the token sees itself
        weights = weigh(query[0], keys, seen[None], limits)  # [H_q, 1, T]
        self._layers.append(float(weights[..., self._rows].sum(-1).mean()))

    @property
    def mean(self) -> float:
        """The mass, in [0, 1], mean over layers and heads."""
        return sum(self._layers) / len(self._layers) if self._layers else 0.0


def _encode_at(context: Context, injection: Injection) -> None:
    places = _from(injection.positions[0], len(injection.ids))
    if injection.is_before:
        encode_over_earlier(context, list(injection.ids), places, tag=injection.id)
    else:
        context.encode_at(list(injection.ids), places, tag=injection.id)


def _kl(left: Tensor, right: Tensor) -> float:
    """Return KL(left || right) of two next-token distributions given as logits [V], in nats."""
    p = left.double().log_softmax(-1)
    q = right.double().log_softmax(-1)
    return max(0.0, float((p.exp() * (p - q)).sum()))
