"""Words that may stand around the sentence of a fact: who said it, when, and additions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

OPENINGS = (
    "That morning",
    "Today",
    "This week",
    "Now",
    "They say that",
    "{r} said that",
    "As {r} told {s},",
    "Everyone knows that",
    "After the rain",
    "In the night",
    "The diary of {r} says that",
)
TAILS = (
    ", they say",
    ", {r} said",
    ", as {r} told {s}",
    " this week",
    " after all",
    ", and {r} knows it",
    ", and nobody asked why",
    " because {r} wanted it so",
)
OPENED = 0.3
TAILED = 0.2


def dress(template: str, random: Random) -> str:
    """Return the template, sometimes with an opening or an addition.

    The slots {r} and {s} are two more people.
    """
    if random.random() < TAILED:
        template = template.removesuffix(".") + random.choice(TAILS) + "."
    if random.random() >= OPENED:
        return template
    rest = template if template.startswith("{") else template[0].lower() + template[1:]
    return f"{random.choice(OPENINGS)} {rest}"
