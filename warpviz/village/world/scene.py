"""A held-out scene: a document, a question about it, and a prompt that ends in the need for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from warpviz.village.world import protocol
from warpviz.village.world.document import Document, Item, document, item, questions
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.world import Question, Split, World

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS_EVERY = 26  # tokens per fact, as in training
FIRST_SEED = 50_000_000  # far from the seeds of the learning curves

Kind = Literal["any", "one", "two", "unknown"]


@dataclass(frozen=True, slots=True)
class Scene:
    """A document, what is asked, and the need that ends the prompt.

    others: every other question that the document answers.
    """

    world: World
    document: Document
    asked: Item
    need: str
    others: tuple[Item, ...]

    @property
    def prompt(self) -> str:
        """The document and the need."""
        return self.document.text + self.need


def scene(
    seed: int,
    num_tokens: int,
    length: Callable[[str], int],
    *,
    split: Split = "heldout",
    kind: Kind = "any",
) -> Scene:
    """Write the scene of a seed, about num_tokens long with its need; `kind` says what is asked.

    Raises:
        ValueError: the document holds no question of that kind.
    """
    facts = max(3, min(40, round(num_tokens / FACTS_EVERY)))
    hops = {"one": 0.0, "two": 1.0}.get(kind, 0.3)
    world = World(FIRST_SEED + seed, facts, split, hops=hops)
    doc = document(world, num_tokens - 20, length)
    items = questions(world, doc)
    if kind == "unknown":
        asked = item(world.unknown(world.facts[0].relation), ())
    else:
        fitting = [found for found in items if kind != "two" or found.question.two_hop]
        if not fitting:
            msg = f"seed {seed} with {num_tokens} tokens answers no question of kind {kind!r}"
            raise ValueError(msg)
        asked = world.random.choice(fitting)
    need = protocol.need(
        asked.question, world.random, protocol.person(asked.question, world.random)
    ).text
    return Scene(world, doc, asked, need, tuple(found for found in items if found != asked))


def answered(text: str, question: Question) -> str | None:
    """Return the value that the River's text first uses for the question.

    "" if the text says that the answer is not known, None if it says neither.
    """
    found = _answer_pattern(question.relation, question.subject).search(text)
    if found is None:
        return None
    return next((value for value in found.groups() if value is not None), "")


@lru_cache(maxsize=512)
def _answer_pattern(relation: str, subject: str) -> re.Pattern[str]:
    """One alternative per sentence that uses or misses the answer; the value is captured."""
    known = RELATIONS[relation]
    choices = []
    for template in (*known.uses, *known.unknowns):
        pattern = (
            re.escape(template)
            .replace(r"\{p\}", r"[A-Z][a-z]+")
            .replace(r"\{o\}", re.escape(subject))
        )
        choices.append(pattern.replace(r"\{v\}", r"([\w ]+?)"))
    return re.compile("|".join(choices))
