"""The texts and questions of the council's benchmark, each with a judge of answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from warp_cortex import Prism

from warpviz.bench.council import claims
from warpviz.bench.council.facts import fact
from warpviz.bench.council.prose import SOURCES, passage, planted

SINGLE = "single"
CONFUSABLE = "confusable"


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
        yield confusable(seed + number)


def single(prism: Prism, source: str, num_tokens: int, seed: int) -> World:
    """Return a world of one fact in a passage of about that many tokens."""

    def count(text: str) -> int:
        return len(prism.encode(text))

    told = fact(seed)
    paragraphs = passage(source, count, num_tokens=num_tokens, seed=seed)

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


def confusable(seed: int) -> World:
    """Return a world of sixteen facts about two places, one of which is asked for."""
    told = claims.claim(seed)

    def judge(answer: str) -> str:
        return claims.judged(answer, told.attribute, told.value)

    return World(
        task=CONFUSABLE,
        source="two places",
        num_tokens=0,
        seed=seed,
        text=told.text,
        question=told.question,
        judge=judge,
    )
