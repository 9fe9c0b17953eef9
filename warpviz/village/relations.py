"""The kinds of facts a world holds and the sentences that speak about them.

Slots: {o} subject, {v} value, {c} container on the way (two-hop only), {p} and {q} people.
`held_out_facts` are sentence shapes that training never shows.
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
        "The {v} is where the {o} lies.",
        "{p} keeps the {o} in the {v}.",
        "{p} found the {o} in the {v}.",
        "The {v} now has the {o} in it.",
        "{p} walked to the {v} with the {o} and left it there.",
        "{p} brought the {o} into the {v}.",
        "In the {v} {p} saw the {o}.",
        "The {o} lies on the floor of the {v}.",
        "From today the {o} is in the {v}.",
    ),
    held_out_facts=(
        "{p} carried the {o} to the {v}.",
        "Down in the {v} stands the {o}.",
        "The {v} keeps the {o} dry.",
        "{p} opened the {v} and there was the {o}.",
    ),
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
        "{p} gave the {o} to {v}.",
        "{v} has the {o}.",
        "{v} got the {o} from {p}.",
        "{v} took the {o} home.",
        "The {o} is with {v}.",
        "It is {v} who has the {o}.",
        "{v} borrowed the {o} from {p}.",
        "The {o} was taken by {v}.",
        "{p} left the {o} with {v}.",
        "From {p} the {o} went to {v}.",
        "{v} asked {p} for the {o} and got it.",
    ),
    held_out_facts=(
        "The {o} went home with {v}.",
        "{v} keeps the {o}.",
        "Only {v} was given the {o}.",
        "To {v} {p} carried the {o}.",
    ),
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
        "{p} has {v} {o} in store.",
        "In store there are {v} {o}.",
        "The book of the store says {v} {o}.",
        "They counted {v} {o}.",
        "{p} wrote that there are {v} {o}.",
        "Of {o} there are {v}.",
        "The {o} in store are {v} in number.",
        "{p} brought {v} {o} to the store.",
        "The {o} were counted and the number was {v}.",
        "{p} checked the {o} and called out {v}.",
        "{v} {o} came by cart.",
        "The village has {v} {o}.",
    ),
    held_out_facts=(
        "For the {o} the list says {v}.",
        "{p} unpacked {v} {o}.",
        "{v} is the number of the {o}.",
        "{p} looked at the {o} and saw {v} of them.",
    ),
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
        "The {o} is at {v}.",
        "The {o} begins at {v}.",
        "{p} moved the {o} to {v}.",
        "At {v} everyone goes to the {o}.",
        "The time of the {o} is {v}.",
        "When it is {v} the {o} begins.",
        "{p} told {q} to come to the {o} at {v}.",
        "For the {o} one must come at {v}.",
        "Everyone must be at the {o} at {v}.",
        "They wait for the {o} until {v}.",
        "The {o} was set for {v} by {p}.",
    ),
    held_out_facts=(
        "They fixed the {o} for {v}.",
        "By {v} the {o} begins.",
        "Not before {v} is the {o}.",
        "{p} wrote {v} next to the {o}.",
    ),
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
        "{o} is a {v}.",
        "{o} the {v} came by.",
        "{o} has long worked as a {v}.",
        "The village has a new {v} called {o}.",
        "{p} works with {o} the {v}.",
        "{o} is known as a good {v}.",
        "{p} called for the {v} and {o} came.",
        "One {v} of the village is {o}.",
        "{p} spoke with a {v} called {o}.",
        "{o} wanted to be a {v} and now is one.",
        "The {v} here is {o}.",
        "With {o} the village has a {v}.",
    ),
    held_out_facts=(
        "{o} earns a living as a {v}.",
        "As a {v} one knows {o}.",
        "They took on {o} as {v}.",
        "{p} needed a {v} and went to {o}.",
    ),
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
        "The word {v} opens the {o}.",
        "The {o} opens for the word {v}.",
        "{p} said {v} and the {o} opened.",
        "At the {o} {p} said {v}.",
        "The {o} has the word {v}.",
        "For the {o} the word is {v}.",
        "The new word at the {o} is {v}.",
        "{p} told {q} to say {v} at the {o}.",
        "Without {v} nobody passed the {o}.",
        "To pass the {o} one must say {v}.",
    ),
    held_out_facts=(
        "The {o} only listens to {v}.",
        "The sign says {v} for the {o}.",
        "The {o} was closed until {p} said {v}.",
        "They took {v} for the {o}.",
    ),
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
        "The {o} was left in the {v}.",
        "{p} keeps the {o} in the {v}.",
        "Inside the {v} {p} hid the {o}.",
        "The {v} has the {o} in it.",
        "{p} opened the {v} and put the {o} in.",
        "In the {v} {p} found the {o}.",
        "{p} found the {o} in the {v}.",
        "The {v} is where the {o} lies.",
        "{p} hid the {o} in the {v}.",
        "From today the {o} is in the {v}.",
    ),
    held_out_facts=(
        "{p} packed the {o} into the {v}.",
        "{p} closed the {v} over the {o}.",
        "Under a book in the {v} is the {o}.",
    ),
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

RELATIONS = {relation.name: relation for relation in (LOCATION, OWNER, COUNT, TIME, TRADE, PASSWORD, CONTAINER, ROOM)}
NEED_OPENINGS = ("{need}", "{need}", "Then {need}", "Soon {need}", "Now {need}")
