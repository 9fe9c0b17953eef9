"""Single facts of different kinds: a sentence to plant, a question about it, and its answer."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

WORDS = (
    "amber birch cedar delta ember falcon granite harbour indigo juniper kestrel lantern".split()
)
PLACES = ("archive", "boathouse", "cellar", "greenhouse", "laboratory", "observatory", "vestry")
NAMES = ("Agnes Holt", "Boris Lund", "Clara Venn", "Diego Prats", "Edda Foss", "Milo Kranz")
CITIES = ("Bergen", "Cordoba", "Dublin", "Gdansk", "Lisbon", "Odessa", "Turin", "Zagreb")
TOWNS = ("Ashford", "Brackley", "Corby", "Dunmow", "Fakenham", "Helston", "Kendal", "Wooler")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
DISHES = (
    "barley soup",
    "fried trout",
    "lentil stew",
    "mushroom pie",
    "pumpkin curry",
    "rye dumplings",
)
THINGS = ("bicycle", "brass clock", "canoe", "piano", "telescope", "typewriter")
COLOURS = ("black", "blue", "green", "orange", "purple", "red", "white", "yellow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact. value: what an answer must contain."""

    kind: str
    sentence: str
    question: str
    value: str

    def is_in(self, text: str) -> bool:
        """Tell whether a text gives the value, in whatever case and between other words."""
        return f" {_bare(self.value)} " in f" {_bare(text)} "


def _two_words(draw: random.Random) -> str:
    return "-".join(draw.sample(WORDS, 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fact. sentence, question: hold `{subject}`, the sentence `{value}`, too."""

    name: str
    sentence: str
    question: str
    subjects: tuple[str, ...]
    value: Callable[[random.Random], str]


KINDS = (
    Kind(
        name="password",
        sentence="The password of the {subject} is {value}.",
        question="What is the password of the {subject}?",
        subjects=PLACES,
        value=_two_words,
    ),
    Kind(
        name="birthplace",
        sentence="{subject} was born in {value}.",
        question="Where was {subject} born?",
        subjects=NAMES,
        value=lambda draw: draw.choice(CITIES),
    ),
    Kind(
        name="bus",
        sentence="The bus to {subject} has the number {value}.",
        question="Which number does the bus to {subject} have?",
        subjects=TOWNS,
        value=lambda draw: str(draw.randrange(11, 99)),
    ),
    Kind(
        name="dish",
        sentence="On {subject}s the canteen serves {value}.",
        question="What does the canteen serve on {subject}s?",
        subjects=DAYS,
        value=lambda draw: draw.choice(DISHES),
    ),
    Kind(
        name="price",
        sentence="The old {subject} was sold for {value} pounds.",
        question="For how many pounds was the old {subject} sold?",
        subjects=THINGS,
        value=lambda draw: str(draw.randrange(12, 99) * 10),
    ),
    Kind(
        name="colour",
        sentence="The door of {subject}'s house is {value}.",
        question="Which colour has the door of {subject}'s house?",
        subjects=NAMES,
        value=lambda draw: draw.choice(COLOURS),
    ),
)


def fact(seed: int) -> Fact:
    """Return the fact of a seed; the kinds take turns."""
    draw = random.Random(seed)
    kind = KINDS[seed % len(KINDS)]
    subject = draw.choice(kind.subjects)
    value = kind.value(draw)
    return Fact(
        kind=kind.name,
        sentence=kind.sentence.format(subject=subject, value=value),
        question=kind.question.format(subject=subject),
        value=value,
    )


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.casefold()))
