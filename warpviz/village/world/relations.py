"""The kinds of facts a world holds and the sentences that speak about them.

Slots: {o} subject, {v} value, {c} container on the way (two-hop only), {p} and {q} people.
`held_out_facts` are sentence shapes that training never shows.
"""

from __future__ import annotations

from warpviz.village.world import words
from warpviz.village.world.closed_set_relations import COUNT, PASSWORD, TIME, TRADE
from warpviz.village.world.relation import Relation

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

RELATIONS = {
    relation.name: relation
    for relation in (LOCATION, OWNER, COUNT, TIME, TRADE, PASSWORD, CONTAINER, ROOM)
}
NEED_OPENINGS = ("{need}", "{need}", "Then {need}", "Soon {need}", "Now {need}")
