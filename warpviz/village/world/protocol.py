"""The exact texts of the protocol: need, task, thought, reference, use, unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warpviz.village.world import words
from warpviz.village.world.phrase import Phrase, render
from warpviz.village.world.relations import NEED_OPENINGS, RELATIONS
from warpviz.village.world.sayings import dress
from warpviz.village.world.world import Fact, Question, Split

if TYPE_CHECKING:
    from random import Random

THOUGHT = " thought:"
NOTHING = " nothing is known."
NOTHING_REF = " [Ref: nothing is known.]"


def _slots(question: Question | Fact, person: str) -> dict[str, str]:
    slots = {"o": question.subject, "v": question.value, "p": person}
    if isinstance(question, Question) and question.via is not None:
        slots["c"] = question.via
    return slots


def fact(item: Fact, random: Random, split: Split = "train") -> Phrase:
    """A sentence that states the fact; only split `templates` uses the held-out sentence shapes."""
    relation = RELATIONS[item.relation]
    templates = relation.held_out_facts if split == "templates" else relation.facts
    people = random.sample(
        [name for name in words.NAMES if name not in {item.subject, item.value}], 4
    )
    slots = _slots(item, people[0]) | {"q": people[1], "r": people[2], "s": people[3]}
    return render(dress(random.choice(templates), random), slots)


def person(question: Question, random: Random) -> str:
    """Return a person who is neither the subject nor the answer."""
    return random.choice(
        [name for name in words.NAMES if name not in {question.subject, question.value}]
    )


def need(question: Question, random: Random, who: str) -> Phrase:
    """A sentence after which the River should write the task."""
    opening = random.choice(NEED_OPENINGS)
    template = opening.format(need=random.choice(RELATIONS[question.relation].needs))
    return render(template, _slots(question, who))


def task(question: Question) -> Phrase:
    """The trigger, for example ` [TASK: where is the brass key?]`."""
    return render("[TASK: " + RELATIONS[question.relation].task + "]", _slots(question, ""))


def answer(question: Question) -> Phrase:
    """What a stream writes, for example ` the brass key is in the attic.`."""
    return render(RELATIONS[question.relation].answer, _slots(question, ""))


def ref(question: Question) -> Phrase:
    """The answer as an injected reference."""
    return render("[Ref: " + RELATIONS[question.relation].answer + "]", _slots(question, ""))


def use(question: Question, random: Random, who: str) -> Phrase:
    """The River's sentence that uses the answer."""
    return render(random.choice(RELATIONS[question.relation].uses), _slots(question, who))


def unknown(question: Question, random: Random) -> Phrase:
    """The River's sentence when it knows no answer."""
    return render(random.choice(RELATIONS[question.relation].unknowns), _slots(question, ""))
