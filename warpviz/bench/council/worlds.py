"""The texts and questions of the council's benchmark, each with a judge of answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from warp_cortex import Prism

from warpviz.bench.council import claims
from warpviz.bench.council.facts import fact
from warpviz.bench.council.prose import SOURCES, passage, planted

SINGLE = "single"
CONFUSABLE = "confusable"
PROSE_AFTER = 300  # tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One text with one question.

    task: "single", one fact planted in prose, or "confusable", one of sixteen about two places.
    judge: says of an answer whether it is "right", "wrong" or "silent".
    """

    task: str
    source: str
    num_tokens: int
    seed: int
    text: str
    question: str
    judge: Callable[[str], str]

    @property
    def key(self) -> str:
        """What names the world in a record."""
        return f"{self.task} {self.source} {self.num_tokens} {self.seed}"


def worlds(prism: Prism, lengths: tuple[int, ...], count: int, *, seed: int) -> Iterator[World]:
    """Yield `count` worlds of each task, those of every kind in turn.

    Single facts stand in each source of prose, in texts of about each of `lengths` tokens.
    """
    shapes = [(source, length) for length in lengths for source in SOURCES]
    for number in range(count):
        source, length = shapes[number % len(shapes)]
        yield single(prism, source, length, seed + number)
        yield confusable(prism, seed + number)


def single(prism: Prism, source: str, num_tokens: int, seed: int) -> World:
    """Return a world of one fact in a passage of about that many tokens."""
    told = fact(seed)
    paragraphs = passage(source, _counter(prism), num_tokens=num_tokens, seed=seed)

    def judge(answer: str) -> str:
        return "right" if told.is_in(answer) else "wrong"

    return World(
        task=SINGLE,
        source=source,
        num_tokens=num_tokens,
        seed=seed,
        text=planted(paragraphs, told.sentence, seed=seed),
        question=told.question,
        judge=judge,
    )


def confusable(prism: Prism, seed: int) -> World:
    """Return a world of sixteen facts about two places, one of which is asked for.

    Prose of about 300 tokens follows them, so that a window of 256 holds none of the facts.
    """
    told = claims.claim(seed)
    after = passage("documentation", _counter(prism), num_tokens=PROSE_AFTER, seed=seed)

    def judge(answer: str) -> str:
        return claims.judged(answer, told.attribute, told.value)

    return World(
        task=CONFUSABLE,
        source="two places",
        num_tokens=0,
        seed=seed,
        text="\n\n".join([told.text, *after]),
        question=told.question,
        judge=judge,
    )


def _counter(prism: Prism) -> Callable[[str], int]:
    return lambda text: len(prism.encode(text))
