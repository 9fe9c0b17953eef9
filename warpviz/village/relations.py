"""The kinds of facts a world holds and the sentences that speak about them.

Slots: {o} subject, {v} value, {c} container on the way (two-hop only), {p} a person.
"""

from __future__ import annotations

from dataclasses import dataclass

from warpviz.village import words


@dataclass(frozen=True, slots=True)
class Relation:
    """One kind of fact: its sentences, its question, its answer and what the River writes around it."""

    name: str
    values: tuple[str, ...]
    facts: tuple[str, ...]
    held_out_facts: tuple[str, ...]
    task: str
    answer: str
    needs: tuple[str, ...]
    uses: tuple[str, ...]
    unknowns: tuple[str, ...]


LOCATION = Relation(
    name="location",
    values=words.PLACES,
    facts=(
        "The {o} is in the {v}.",
        "{p} put the {o} in the {v}.",
        "The {o} was left in the {v} by {p}.",
        "The {o} hangs on a hook in the {v}.",
        "In the {v} lies the {o}.",
        "{p} went to the {v} and left the {o} there.",
        "Inside the {v} {p} hid the {o}.",
    ),
    held_out_facts=("{p} carried the {o} to the {v}.", "Down in the {v} stands the {o}."),
    task="where is the {o}?",
    answer="the {o} is in the {v}.",
    needs=("{p} needed the {o}.", "{p} was looking for the {o}.", "{p} asked for the {o}."),
    uses=(
        "{p} got the {o} from the {v}.",
        "{p} went to the {v} and took the {o}.",
        "So {p} found the {o} in the {v}.",
    ),
    unknowns=("Nobody could say where the {o} was.",),
)
OWNER = Relation(
    name="owner",
    values=words.NAMES,
    facts=(
        "The {o} was given to {v}.",
        "{p} lent the {o} to {v}.",
        "The {o} belongs to {v} now.",
        "{v} carries the {o}.",
        "{v} bought the {o} from {p}.",
    ),
    held_out_facts=("The {o} went home with {v}.", "{v} keeps the {o}."),
    task="who has the {o}?",
    answer="the {o} is with {v}.",
    needs=("{p} wondered who had taken the {o}.", "{p} wanted to borrow the {o}."),
    uses=("{p} got the {o} from {v}.", "So {p} borrowed the {o} from {v}."),
    unknowns=("Nobody could say who had the {o}.",),
)
COUNT = Relation(
    name="count",
    values=words.NUMBERS,
    facts=(
        "{p} counted the {o} and wrote down {v}.",
        "The number of {o} in store is {v}.",
        "There are {v} {o} in store.",
        "A cart brought {v} {o} today.",
    ),
    held_out_facts=("For the {o} the list says {v}.", "{p} unpacked {v} {o}."),
    task="how many {o} are there?",
    answer="the number of {o} is {v}.",
    needs=("{p} had to report the {o}.", "{p} opened the book to check the {o}."),
    uses=("{p} reported the {o} as {v}.", "So {p} wrote that the {o} were {v}."),
    unknowns=("Nobody could say how many {o} there were.",),
)
TIME = Relation(
    name="time",
    values=words.TIMES,
    facts=(
        "The {o} will be at {v}.",
        "{p} said that the {o} is set for {v}.",
        "The {o} was moved to {v}.",
        "At {v} comes the {o}.",
        "At {v} {p} must be ready for the {o}.",
    ),
    held_out_facts=("They fixed the {o} for {v}.", "By {v} the {o} begins."),
    task="when is the {o}?",
    answer="the {o} is at {v}.",
    needs=("{p} did not want to miss the {o}.", "{p} got ready for the {o}."),
    uses=("{p} came to the {o} at {v}.", "So {p} was at the {o} at {v}."),
    unknowns=("Nobody could say when the {o} was.",),
)
TRADE = Relation(
    name="trade",
    values=words.TRADES,
    facts=(
        "{o} works as a {v}.",
        "{o} is the new {v} of the village.",
        "{p} met {o} the {v}.",
        "The new {v} is called {o}.",
        "{p} asked the {v} whose name is {o}.",
    ),
    held_out_facts=("{o} earns a living as a {v}.", "As a {v} one knows {o}."),
    task="what is the trade of {o}?",
    answer="{o} works as a {v}.",
    needs=("{p} wanted to write to {o}.", "{p} spoke about {o}."),
    uses=("{p} wrote to {o} the {v}.", "So {p} called {o} a {v}."),
    unknowns=("Nobody could say what the trade of {o} was.",),
)
PASSWORD = Relation(
    name="password",
    values=words.PASSWORDS,
    facts=(
        "The word for the {o} is {v}.",
        "{p} changed the word for the {o} to {v}.",
        "At the {o} one must say {v}.",
        "With the word {v} {p} opened the {o}.",
        "Say {v} at the {o}.",
    ),
    held_out_facts=("The {o} only listens to {v}.", "The sign says {v} for the {o}."),
    task="what is the word for the {o}?",
    answer="the word for the {o} is {v}.",
    needs=("{p} stood before the {o}.", "{p} wanted to pass the {o}."),
    uses=("{p} said {v} at the {o}.", "So {p} passed the {o} with the word {v}."),
    unknowns=("Nobody could say the word for the {o}.",),
)
CONTAINER = Relation(
    name="container",
    values=(),
    facts=(
        "The {o} is in the {v}.",
        "{p} put the {o} in the {v}.",
        "{p} locked the {o} into the {v}.",
        "In the {v} lies the {o}.",
    ),
    held_out_facts=("{p} packed the {o} into the {v}.",),
    task="where is the {o}?",
    answer="the {o} is in the {v}.",
    needs=LOCATION.needs,
    uses=("{p} took the {o} out of the {v}.", "So {p} found the {o} in the {v}."),
    unknowns=LOCATION.unknowns,
)
ROOM = Relation(
    name="room",
    values=words.PLACES,
    facts=(),
    held_out_facts=(),
    task="in which room is the {o}?",
    answer="the {o} is in the {c} and the {c} is in the {v}.",
    needs=("{p} asked for the room of the {o}.", "{p} wanted to know the room of the {o}."),
    uses=("{p} went to the {v} for the {o}.", "So {p} walked to the {v} for the {o}."),
    unknowns=("Nobody could say in which room the {o} was.",),
)

RELATIONS = {
    relation.name: relation
    for relation in (LOCATION, OWNER, COUNT, TIME, TRADE, PASSWORD, CONTAINER, ROOM)
}
NEED_OPENINGS = ("{need}", "{need}", "Then {need}", "Soon {need}", "Now {need}")
