"""Texts about two similar places whose facts are known, and a judge of what is said of them."""

import random
import re
from dataclasses import dataclass

KINDS_OF_PLACE = ("museum", "mill", "garden", "library", "observatory", "castle")
VILLAGES = ("Alder Cross", "Brook End", "Fern Hollow", "Marsh Gate", "Stone Quay", "Wick Hill")
PEOPLE = (
    "Ada Fenn",
    "Bruno Hale",
    "Celia Marsh",
    "Edwin Stroud",
    "Greta Lowe",
    "Hugo Pike",
    "Irma Vance",
    "Jonas Wray",
    "Lydia Crane",
    "Oscar Thorne",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen twenty"
).split()
NUMBER = r"(\d+(?:,\d{3})*|" + "|".join(SMALL[1:]) + ")"
PERSON = rf"\b({'|'.join(name.replace(' ', ' +') for name in PEOPLE)}|[A-Z][a-z]+ [A-Z][a-z]+)\b"

# a judge must know its sentences: they hold no number, weekday or person
FILLERS = (
    "The path that leads there is lined with old lime trees.",
    "In the morning a light mist often lies over the fields.",
    "Many visitors sit down on the low wall in front of the door and look at the hills.",
    "The door is heavy, and its iron handle is cold even in summer.",
    "Swallows nest under the roof and do not mind the guests.",
    "The floor is made of broad boards that creak at every step.",
    "A brook runs behind the house and can be heard through the open windows.",
    "The walls are white, and ivy has grown over the north side.",
    "Children like the small pond, where dragonflies hover above the reeds.",
    "In a corner there is a stove with green tiles that still warms the hall.",
    "From the upper windows one sees the river and the woods beyond it.",
    "The wind often rattles the shutters, and the lamps sway a little.",
    "The neighbours keep sheep, and a bell rings when they come home.",
    "A narrow stair leads down to a vaulted cellar that smells of apples.",
    "The roof was covered with slate, which shines after the rain.",
    "Old maps hang beside the entrance and show how the river has moved.",
    "A gravel yard lies between the house and the stables.",
    "The hedges are cut low so that the view stays open.",
    "In autumn the leaves are raked into heaps, and hedgehogs sleep in them.",
    "The benches were made by a joiner of the village from a fallen oak.",
    "Painters come here for the light, which is soft at all times of the day.",
    "A stone basin beside the gate collects the water from the spring.",
    "The rooms are cool, and it is wise to bring a coat.",
    "The garden wall has a small gate that is never locked.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One thing that a text states of a place.

    values: a pattern of what an answer may give for it; the first group that matches is the value.
    """

    name: str
    stated: str
    question: str
    values: str


ATTRIBUTES = (
    Attribute(
        name="built",
        stated="{place} was built in {value}.",
        question="In which year was {place} built?",
        values=r"\b(1[5-9]\d\d|20\d\d)\b",
    ),
    Attribute(
        name="architect",
        stated="The architect of {place} was {value}.",
        question="Who was the architect of {place}?",
        values=PERSON,
    ),
    Attribute(
        name="warden",
        stated="The warden of {place} is called {value}.",
        question="Who is the warden of {place}?",
        values=PERSON,
    ),
    Attribute(
        name="closed",
        stated="{place} is closed on {value}s.",
        question="On which day is {place} closed?",
        values=rf"\b({'|'.join(DAYS)})s?\b",
    ),
    Attribute(
        name="price",
        stated="A ticket to {place} costs {value} pounds.",
        question="How many pounds does a ticket to {place} cost?",
        values=rf"£\s*(\d+)|\b{NUMBER}\b",
    ),
    Attribute(
        name="rooms",
        stated="{place} has {value} rooms.",
        question="How many rooms does {place} have?",
        values=rf"\b{NUMBER}\b",
    ),
    Attribute(
        name="walk",
        stated="The walk from the station to {place} takes {value} minutes.",
        question="How many minutes does the walk from the station to {place} take?",
        values=rf"\b{NUMBER}\b",
    ),
    Attribute(
        name="visitors",
        stated="Last year {value} people came to {place}.",
        question="How many people came to {place} last year?",
        values=r"\b(\d+(?:,\d{3})*)\b",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One fact of a text about two places, as a question with its answer."""

    text: str
    question: str
    sentence: str
    attribute: Attribute
    value: str


def claim(seed: int) -> Claim:
    """Return a text about two places and one of its sixteen facts; eight attributes take turns.

    The facts stand in random order, each before some of the fillers.
    """
    draw = random.Random(seed)
    kinds = draw.sample(KINDS_OF_PLACE, 2)
    villages = draw.sample(VILLAGES, 2)
    places = [f"the {kind} of {village}" for kind, village in zip(kinds, villages, strict=True)]
    truth = [_values(draw) for _ in places]
    facts = [
        _stated(attribute, place, values[attribute.name])
        for place, values in zip(places, truth, strict=True)
        for attribute in ATTRIBUTES
    ]
    draw.shuffle(facts)
    fillers = draw.sample(FILLERS, len(FILLERS))
    parts = [" ".join([fact, *fillers[at :: len(facts)]]) for at, fact in enumerate(facts)]
    paragraphs = [" ".join(parts[at : at + 4]) for at in range(0, len(parts), 4)]
    title = f"About {places[0]} and {places[1]}"
    attribute = ATTRIBUTES[seed % len(ATTRIBUTES)]
    which = draw.randrange(2)
    value = truth[which][attribute.name]
    return Claim(
        text="\n\n".join([title, *paragraphs]),
        question=attribute.question.format(place=places[which]),
        sentence=_stated(attribute, places[which], value),
        attribute=attribute,
        value=value,
    )


def judged(answer: str, attribute: Attribute, value: str) -> str:
    """Return whether an answer is "right", "wrong" or "silent".

    It is right if the true value is among those it gives, silent if it gives none of that kind.
    """
    found = [_plain(_group(match)) for match in re.finditer(attribute.values, answer)]
    if not found:
        return "silent"
    return "right" if _plain(value) in found else "wrong"


def _values(draw: random.Random) -> dict[str, str]:
    architect, warden = draw.sample(PEOPLE, 2)
    return {
        "built": str(draw.randrange(1620, 1960)),
        "architect": architect,
        "warden": warden,
        "closed": draw.choice(DAYS),
        "price": str(draw.randrange(3, 19)),
        "rooms": str(draw.randrange(5, 40)),
        "walk": str(draw.randrange(11, 59)),
        "visitors": str(draw.randrange(1200, 9800)),
    }


def _stated(attribute: Attribute, place: str, value: str) -> str:
    text = attribute.stated.format(place=place, value=value)
    return text[0].upper() + text[1:]


def _group(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group)


def _plain(value: str) -> str:
    text = " ".join(value.casefold().replace(",", "").split())
    return str(SMALL.index(text)) if text in SMALL else text
