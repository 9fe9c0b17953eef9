"""A seeded world: facts whose subjects are unique, most often all of one relation."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from warpviz.village import words
from warpviz.village.relations import RELATIONS

Split = Literal["train", "heldout"]
SINGLE = ("location", "owner", "count", "time", "trade", "password")
WEIGHTS = (5.0, 3.0, 2.0, 1.5, 2.0, 2.0)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true: the subject of a relation and its value."""

    relation: str
    subject: str
    value: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a stream may be asked; `via` is the container of a two-hop question, else None."""

    relation: str
    subject: str
    value: str
    via: str | None = None

    @property
    def two_hop(self) -> bool:
        """Whether answering needs two facts."""
        return self.via is not None


class World:
    """Facts drawn from a seed; `single` is the chance that all facts share one relation, `hops` that of two hops."""

    def __init__(
        self, seed: int, num_facts: int, split: Split = "train", *, single: float = 0.65, hops: float = 0.25
    ) -> None:
        """Draw at most num_facts facts; ValueError on fewer than 1 or an unknown split."""
        if num_facts < 1:
            raise ValueError(f"num_facts is {num_facts}; a world needs at least 1")
        if split not in {"train", "heldout"}:
            raise ValueError(f"split is {split!r}; choose 'train' or 'heldout'")
        self.random = Random(f"{split}:{seed}")
        self.split: Split = split
        self._taken: set[str] = set()
        self._nouns = self.random.sample(words.OBJECTS, 12)
        self._boxes = self.random.sample(words.CONTAINERS, 6)
        self.facts: list[Fact] = []
        self.hops: list[Question] = []
        if self.random.random() < hops:
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
            box, subject = self.fresh_subject("container"), self.fresh_subject("location")
            if box is None or subject is None:
                return
            room = self.value("location", box)
            self.facts += [Fact("container", subject, box), Fact("location", box, room)]
            self.hops.append(Question("room", subject, room, box))
            if self.random.random() < 0.3 and len(self.facts) < num_facts:
                loose = self.fresh_subject("location")
                if loose is not None:
                    self.facts.append(Fact("location", loose, self.value("location", loose)))

    def fresh_subject(self, relation: str) -> str | None:
        """A subject no fact of this world has yet; None when a hundred draws found none."""
        for _ in range(100):
            subject = self._subject(relation)
            if subject not in self._taken and self._allowed(subject):
                self._taken.add(subject)
                return subject
        return None

    def _allowed(self, subject: str) -> bool:
        held = words.held_out_subject(subject)
        if " " not in subject:
            return self.split == "heldout" or not held
        return held == (self.split == "heldout")

    def _subject(self, relation: str) -> str:
        choice = self.random.choice
        if relation == "container":
            return f"{choice(words.ADJECTIVES)} {choice(self._boxes if len(self._taken) < 60 else words.CONTAINERS)}"
        if relation in {"location", "owner"}:
            nouns = self._nouns if len(self._taken) < 24 and self.split == "train" else words.OBJECTS
            return f"{choice(words.ADJECTIVES)} {choice(nouns)}"
        if relation == "password":
            return f"{choice(words.SIDES)} {choice(words.GATES)}"
        return choice({"count": words.STORES, "time": words.EVENTS, "trade": words.NAMES}[relation])

    def value(self, relation: str, subject: str, *, but: str | None = None) -> str:
        """A value this split allows for this subject, other than `but`."""
        want = self.split == "heldout"
        if relation in {"container"}:
            return f"{self.random.choice(words.ADJECTIVES)} {self.random.choice(words.CONTAINERS)}"
        values = RELATIONS[relation].values
        for _ in range(60):
            value = self.random.choice(values)
            if value not in {but, subject} and words.held_out_pair(subject, value) == want:
                return value
        return self.random.choice([value for value in values if value not in {but, subject}])

    def questions(self) -> list[Question]:
        """Every question the facts answer, one-hop first."""
        return [Question(fact.relation, fact.subject, fact.value) for fact in self.facts] + self.hops

    def unknown(self, like: str) -> Question:
        """A question of relation `like` about a subject this world never mentions (its value is made up)."""
        base = "location" if like in {"room", "container"} else like
        subject = self.fresh_subject(base)
        if subject is None:
            base, subject = "location", self.fresh_subject("location") or "lost key"
        relation = "room" if like == "room" else base
        value = self.value(base, subject)
        return Question(relation, subject, value, self.value("container", subject) if relation == "room" else None)

    def changed(self, question: Question) -> Question:
        """The same question with another answer."""
        if question.relation == "container":
            other = self.value("container", question.subject)
            return Question(question.relation, question.subject, other)
        value = self.value(question.relation, question.subject, but=question.value)
        return Question(question.relation, question.subject, value, question.via)
