"""A seeded world: facts whose subjects are unique, most often all of one relation."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from warpviz.village.world import words
from warpviz.village.world.relations import RELATIONS

Split = Literal["train", "heldout", "templates"]
SPLITS = ("train", "heldout", "templates")
SINGLE = ("location", "owner", "count", "time", "trade", "password")
WEIGHTS = (5.0, 3.0, 3.0, 1.5, 2.0, 2.0)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true: the subject of a relation and its value."""

    relation: str
    subject: str
    value: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question for a stream; `via` is the container of a two-hop question, else None."""

    relation: str
    subject: str
    value: str
    via: str | None = None

    @property
    def two_hop(self) -> bool:
        """Whether answering needs two facts."""
        return self.via is not None


class World:
    """Facts drawn from a seed.

    single: the chance that all facts share one relation. hops: the chance of two-hop questions.
    Split `heldout` states only facts that training never states; `templates` states the same facts
    in sentence shapes that training never shows either.
    """

    def __init__(
        self,
        seed: int,
        num_facts: int,
        split: Split = "train",
        *,
        single: float = 0.65,
        hops: float = 0.3,
    ) -> None:
        """Draw at most num_facts facts.

        Raises:
            ValueError: num_facts is less than 1, or the split is unknown.
        """
        if num_facts < 1:
            msg = f"num_facts is {num_facts}; a world needs at least 1"
            raise ValueError(msg)
        if split not in SPLITS:
            msg = f"split is {split!r}; choose one of {', '.join(SPLITS)}"
            raise ValueError(msg)
        self.random = Random(f"{'train' if split == 'train' else 'heldout'}:{seed}")
        self.split: Split = split
        self._taken: set[str] = set()
        self._nouns = self.random.sample(words.OBJECTS, 12)
        self._boxes = self.random.sample(words.CONTAINERS, 6)
        self.facts: list[Fact] = []
        self.hops: list[Question] = []
        if self.random.random() < hops and num_facts > 1:  # two hops take two facts
            self._draw_hops(num_facts)
        else:
            self._draw_single(num_facts, single)
        self.facts = self.facts[:num_facts]

    def _draw_single(self, num_facts: int, single: float) -> None:
        weights = list(WEIGHTS)
        if self.random.random() < single:
            only = self.random.choices(range(len(SINGLE)), WEIGHTS)[0]
            weights = [float(index == only) for index in range(len(SINGLE))]
        for _ in range(num_facts):
            relation = self.random.choices(SINGLE, weights)[0]
            subject = self.fresh_subject(relation)
            if subject is not None:
                self.facts.append(Fact(relation, subject, self.value(relation, subject)))

    def _draw_hops(self, num_facts: int) -> None:
        while len(self.facts) < num_facts - 1:
            box = self.fresh_subject("container")
            subject = None if box is None else self.fresh_subject("location", inside=box)
            if box is None or subject is None:
                return
            room = self.value("location", box)
            self.facts += [Fact("container", subject, box), Fact("location", box, room)]
            self.hops.append(Question("room", subject, room, box))
            if self.random.random() < 0.3 and len(self.facts) < num_facts:
                loose = self.fresh_subject("location")
                if loose is not None:
                    self.facts.append(Fact("location", loose, self.value("location", loose)))

    def fresh_subject(self, relation: str, *, inside: str | None = None) -> str | None:
        """Return a subject that no fact of this world has yet, None if two hundred draws find none.

        inside: a container in which the subject must be able to lie.
        """
        for _ in range(200):
            subject = self._subject(relation)
            if subject in self._taken or not self._usable(relation, subject):
                continue
            if inside is None or self._allows(subject, inside):
                self._taken.add(subject)
                return subject
        return None

    def _usable(self, relation: str, subject: str) -> bool:
        """Whether this split may speak of the subject and has two values for it."""
        if self.split == "train":
            return not words.held_out_subject(subject)
        values = RELATIONS["location" if relation == "container" else relation].values
        return sum(self._allows(subject, value) for value in values) > 1

    def _allows(self, subject: str, value: str) -> bool:
        """Whether this split may state the fact; every split may state those of closed sets."""
        return not words.is_open(subject) or words.held_out_fact(subject, value) == (
            self.split != "train"
        )

    def _subject(self, relation: str) -> str:
        choice = self.random.choice
        if relation == "container":
            boxes = self._boxes if len(self._taken) < 60 else words.CONTAINERS
            return f"{choice(words.ADJECTIVES)} {choice(boxes)}"
        if relation in {"location", "owner"}:
            nouns = self._nouns if len(self._taken) < 24 else words.OBJECTS
            return f"{choice(words.ADJECTIVES)} {choice(nouns)}"
        if relation == "password":
            return f"{choice(words.SIDES)} {choice(words.GATES)}"
        return choice({"count": words.STORES, "time": words.EVENTS, "trade": words.NAMES}[relation])

    def value(self, relation: str, subject: str, *, but: str | None = None) -> str:
        """Return a value, other than `but`, that this split allows for this subject.

        Any other value if none is allowed: subjects of facts always have an allowed value
        (`fresh_subject`), made-up ones need not.
        """
        for _ in range(30):
            value = self._any_value(relation)
            if value not in {but, subject} and self._allows(subject, value):
                return value
        values = [value for value in RELATIONS[relation].values if value not in {but, subject}]
        allowed = [value for value in values if self._allows(subject, value)]
        return self.random.choice(allowed or values or [self._any_value(relation)])

    def _any_value(self, relation: str) -> str:
        choice = self.random.choice
        if relation == "container":
            return f"{choice(words.ADJECTIVES)} {choice(words.CONTAINERS)}"
        return choice(RELATIONS[relation].values)

    def questions(self) -> list[Question]:
        """Return every question the facts answer, one-hop first."""
        return [
            Question(fact.relation, fact.subject, fact.value) for fact in self.facts
        ] + self.hops

    def unknown(self, like: str) -> Question:
        """Return a question of relation `like` about a subject that this world never mentions.

        Its value is made up.
        """
        base = "location" if like in {"room", "container"} else like
        subject = self.fresh_subject(base)
        if subject is None:
            base = "location"
            subject = self.fresh_subject("location") or "lost key"
        relation = "room" if like == "room" else base
        if relation != "room":
            return Question(relation, subject, self.value(base, subject))
        box = self.value("container", subject)
        return Question(relation, subject, self.value(base, box), box)

    def changed(self, question: Question) -> Question:
        """Return the same question with another answer."""
        # the room of a two-hop question is a fact about its container
        stated = question.via or question.subject
        value = self.value(question.relation, stated, but=question.value)
        return Question(question.relation, question.subject, value, question.via)
