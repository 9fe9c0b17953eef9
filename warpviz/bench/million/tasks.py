"""Tasks for very many agents over one village context, no two alike.

Each is a question together with who asks it of whom.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from warpviz.village.world import protocol, words
from warpviz.village.world.document import document
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.world import Question, World

FORMS = (
    "for {a} and {b}: {q}",
    "for {a} from {b}: {q}",
    "{a} told {b}: {q}",
    "{a} wrote to {b}: {q}",
    "{a} went with {b}: {q}",
    "{a} and {b} wondered: {q}",
    "{a} asked {b}: {q}",
    "{a} asked for {b}: {q}",
)
ASKED = tuple(
    RELATIONS[name] for name in ("location", "owner", "count", "time", "trade", "password")
)
FACTS = 24
LEAST = 16  # tokens of a document
KNOWN_EVERY = 4  # one agent in four asks for something the context says


@dataclass(frozen=True, slots=True)
class AgentTask:
    """What one agent is asked.

    question: its index in `VillageTasks.questions`. known: whether the context answers it.
    """

    text: str
    question: int
    known: bool


class VillageTasks:
    """A seeded village text, and a task of its own for every agent number.

    `text` is what the River has read: a document that ends with the River's own need for the fact
    `wanted`.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.facts = _world(seed).questions()
        self.wanted = self.facts[0]
        asked = {(question.relation, question.subject) for question in self.facts}
        unknown = [pair for pair in _askable() if pair not in asked]
        self.questions = [
            (question.relation, question.subject) for question in self.facts
        ] + unknown
        random = np.random.default_rng(seed)
        askings = len(FORMS) * len(words.NAMES) * (len(words.NAMES) - 1)
        self._known = _Shuffle(len(self.facts) * askings, random)
        self._unknown = _Shuffle(len(unknown) * askings, random)

    @property
    def most(self) -> int:
        """Number of agents that can have a task of their own."""
        return KNOWN_EVERY * self._known.size

    def text(self, length: Callable[[str], int], tokens: int) -> str:
        """Return the context: a document of about `tokens` tokens, a need, and the River's task.

        Raises:
            ValueError: that is too few tokens for a document.
        """
        world = _world(self.seed)
        need = protocol.need(
            self.wanted, world.random, protocol.person(self.wanted, world.random)
        ).text
        end = need + self.trigger
        if (least := LEAST + length(end)) > tokens:
            msg = (
                f"a context of {tokens} tokens has no room for a text; at least {least} are needed"
            )
            raise ValueError(msg)
        return document(world, tokens - length(end), length).text + end

    @property
    def trigger(self) -> str:
        """The task the River wrote last."""
        return protocol.task(self.wanted).text

    def task(self, agent: int) -> AgentTask:
        """Return the task of agent number `agent`, from 0.

        Raises:
            ValueError: there are fewer different tasks.
        """
        if not 0 <= agent < self.most:
            last = f"{self.most - 1:,}"
            msg = f"agent {agent:,} has no task of its own; there are tasks for agents 0 to {last}"
            raise ValueError(msg)
        turn, place = divmod(agent, KNOWN_EVERY)
        known = place == 0
        number = self._known[turn] if known else self._unknown[turn * (KNOWN_EVERY - 1) + place - 1]
        asking, question = divmod(
            number, len(self.facts) if known else len(self.questions) - len(self.facts)
        )
        question += 0 if known else len(self.facts)
        return AgentTask(self._word(asking, question), question, known)

    def plain(self, question: int) -> str:
        """Return a question as the village asks it."""
        relation, subject = self.questions[question]
        return RELATIONS[relation].task.format(o=subject)

    def _word(self, asking: int, question: int) -> str:
        count = len(words.NAMES)
        pair, form = divmod(asking, len(FORMS))
        one, other = divmod(pair, count - 1)
        other += other >= one
        return FORMS[form].format(a=words.NAMES[one], b=words.NAMES[other], q=self.plain(question))


class _Shuffle:
    """A seeded one-to-one map of the numbers below `size`: multiply and shift, no table."""

    def __init__(self, size: int, random: np.random.Generator) -> None:
        self.size = size
        self._shift = int(random.integers(size))
        self._factor = next(
            n for n in map(int, random.integers(size // 3, size, 1000)) if np.gcd(n, size) == 1
        )

    def __getitem__(self, index: int) -> int:
        return (index * self._factor + self._shift) % self.size


def _world(seed: int) -> World:
    return World(seed, FACTS, "heldout", single=0.0, hops=0.0)


def _askable() -> list[tuple[str, str]]:
    """Return every pair of relation and subject that a village may have."""
    things = [f"{adjective} {noun}" for adjective in words.ADJECTIVES for noun in words.OBJECTS]
    gates = [f"{side} {gate}" for side in words.SIDES for gate in words.GATES]
    subjects = {
        "location": things,
        "owner": things,
        "count": list(words.STORES),
        "time": list(words.EVENTS),
        "trade": list(words.NAMES),
        "password": gates,
    }
    return [(relation.name, subject) for relation in ASKED for subject in subjects[relation.name]]


def answers(question: Question, thought: str) -> bool:
    """Whether a thought is the exact answer."""
    return thought.strip() == protocol.answer(question).text.strip()
