"""Distractor prose: sentences that state no fact of a question."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warpviz.village.world import words

if TYPE_CHECKING:
    from random import Random

FILLERS = (
    "The wind came from the {dir} and the sky was {sky}.",
    "{p} swept the {place} and hummed an old song.",
    "Rain fell on the {place} all {part}.",
    "{p} and {q} talked about the {sky} weather.",
    "Nothing much happened in the {part}.",
    "A dog slept in the {place} until {part}.",
    "{p} cooked {food} for everyone.",
    "In the {part} the {place} was quiet.",
    "{p} felt {mood} and went to bed early.",
    "They ate {food} with {p} and drank tea.",
    "A {mood} stranger passed by the {place}.",
    "{p} read a story to {q} in the {part}.",
    "Smoke rose above the {place} in the {part}.",
    "{p} walked with {q} to the {place} and back.",
    "Someone was singing in the {place}.",
    "The sea was {sky} and the {bird} were loud.",
    "{p} was {mood} because of the {food}.",
    "{p} repaired the roof of the {place}.",
    "Two children played near the {place}.",
    "{p} planted {plant} behind the {place}.",
    "Some {bird} sat on the roof of the {place}.",
    "{p} laughed with {q} about the {food}.",
    "It was a {sky} {part} and {p} slept long.",
    "{p} closed the windows of the {place}.",
    "Fog lay over the {place} this {part}.",
    "{q} helped {p} with the {plant}.",
    "All {part} the {bird} cried over the {place}.",
    "{p} washed the floor of the {place}.",
    "Everyone was {mood} after the {food}.",
    "{p} burned the {food} and felt {mood}.",
    "A {sky} light shone over the {place}.",
    "{p} taught {q} a new song.",
    "Snow covered the {plant} near the {place}.",
    "{p} sat with {q} under a {sky} sky.",
    "Many {bird} came from the {dir}.",
    "{p} told {q} a {mood} story.",
    "Nobody worked in the {place} this {part}.",
    "From the {dir} came a {sky} cloud.",
    "{p} forgot the {food} on the fire.",
    "{p} picked {plant} for {q}.",
    "Old songs were heard in the {place}.",
    "{p} painted the fence of the {place}.",
    "After the {food} {p} felt {mood}.",
    "{p} dreamed of {bird} and {plant}.",
)
DAY = "Day {n}."


def slots(random: Random) -> dict[str, str]:
    """Fresh words for every slot a filler or a title may have."""
    first, second = random.sample(words.NAMES, 2)
    return {
        "p": first,
        "q": second,
        "dir": random.choice(words.SIDES[:4]),
        "sky": random.choice(words.SKIES),
        "part": random.choice(words.PARTS),
        "food": random.choice(words.FOODS),
        "mood": random.choice(words.MOODS),
        "place": random.choice(words.PLACES),
        "bird": random.choice(words.BIRDS),
        "plant": random.choice(words.PLANTS),
    }


class Filler:
    """An endless supply of distractor sentences that never repeats a template nearby."""

    def __init__(self, random: Random) -> None:
        """Store the random generator; days count up from a random day."""
        self._random = random
        self._deck: list[str] = []
        self._day = random.randint(2, 60)

    def sentence(self, *, days: bool = True) -> str:
        """Return the next sentence, starting with a space; `days` allows a rare day counter."""
        if days and self._random.random() < 0.04 and self._day < 99:
            self._day += 1
            return " " + DAY.format(n=self._day)
        if not self._deck:
            self._deck = list(FILLERS)
            self._random.shuffle(self._deck)
        return " " + self._deck.pop().format(**slots(self._random))
