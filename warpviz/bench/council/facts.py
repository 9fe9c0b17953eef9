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


def _password(draw: random.Random) -> Fact:
    place = draw.choice(PLACES)
    value = "-".join(draw.sample(WORDS, 2))
    return Fact(
        kind="password",
        sentence=f"The password of the {place} is {value}.",
        question=f"What is the password of the {place}?",
        value=value,
    )


def _birthplace(draw: random.Random) -> Fact:
    name = draw.choice(NAMES)
    value = draw.choice(CITIES)
    return Fact(
        kind="birthplace",
        sentence=f"{name} was born in {value}.",
        question=f"Where was {name} born?",
        value=value,
    )


def _bus(draw: random.Random) -> Fact:
    town = draw.choice(TOWNS)
    value = str(draw.randrange(11, 99))
    return Fact(
        kind="bus",
        sentence=f"The bus to {town} has the number {value}.",
        question=f"Which number does the bus to {town} have?",
        value=value,
    )


def _dish(draw: random.Random) -> Fact:
    day = draw.choice(DAYS)
    value = draw.choice(DISHES)
    return Fact(
        kind="dish",
        sentence=f"On {day}s the canteen serves {value}.",
        question=f"What does the canteen serve on {day}s?",
        value=value,
    )


def _price(draw: random.Random) -> Fact:
    thing = draw.choice(THINGS)
    value = str(draw.randrange(12, 99) * 10)
    return Fact(
        kind="price",
        sentence=f"The old {thing} was sold for {value} pounds.",
        question=f"For how many pounds was the old {thing} sold?",
        value=value,
    )


def _colour(draw: random.Random) -> Fact:
    name = draw.choice(NAMES)
    value = draw.choice(COLOURS)
    return Fact(
        kind="colour",
        sentence=f"The door of {name}'s house is {value}.",
        question=f"Which colour has the door of {name}'s house?",
        value=value,
    )


KINDS: tuple[Callable[[random.Random], Fact], ...] = (
    _password,
    _birthplace,
    _bus,
    _dish,
    _price,
    _colour,
)


def fact(seed: int) -> Fact:
    """Return the fact of a seed; the kinds take turns."""
    return KINDS[seed % len(KINDS)](random.Random(seed))


def _bare(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.casefold()))
