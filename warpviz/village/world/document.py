"""A River document: a title, then facts shuffled among distractor prose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warpviz.village.world import protocol, words
from warpviz.village.world.filler import Filler, slots
from warpviz.village.world.phrase import Phrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from warpviz.village.world.world import Question, World


@dataclass(frozen=True, slots=True)
class StatedFact:
    """One sentence of a document and the index of the fact it states, None for filler."""

    phrase: Phrase
    fact: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The sentences in order; the first is the title."""

    sentences: tuple[StatedFact, ...]

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(sentence.phrase.text for sentence in self.sentences)

    def fact_spans(self) -> dict[int, tuple[int, int]]:
        """Return the character span [start, end) of the sentence that states each fact."""
        spans = {}
        start = 0
        for sentence in self.sentences:
            end = start + len(sentence.phrase.text)
            if sentence.fact is not None:
                spans[sentence.fact] = (start, end)
            start = end
        return spans


@dataclass(frozen=True, slots=True)
class Item:
    """A labelled question about a document: what to ask, what to expect, where the evidence is.

    task, thought, ref: texts of the protocol. evidence: character spans [start, end) of the
    document that hold the answer.
    """

    question: Question
    task: str
    thought: str
    ref: str
    evidence: tuple[tuple[int, int], ...]


def document(
    world: World, num_tokens: int, length: Callable[[str], int], *, filler: Filler | None = None
) -> Document:
    """Write all facts of the world and filler up to about num_tokens, never more.

    length: counts the tokens of a text.

    Raises:
        ValueError: num_tokens is less than 16.
    """
    if num_tokens < 16:
        msg = f"num_tokens is {num_tokens}; a document needs at least 16"
        raise ValueError(msg)
    filler = filler or Filler(world.random)
    title = Phrase(world.random.choice(words.TITLES).format(**slots(world.random)))
    body = [
        StatedFact(protocol.fact(fact, world.random, world.split), k)
        for k, fact in enumerate(world.facts)
    ]
    room = num_tokens - 1 - length(title.text)
    kept = []
    for sentence in body:
        size = length(sentence.phrase.text)
        if size <= room:
            kept.append(sentence)
            room -= size
    while True:
        text = filler.sentence(days=False)
        room -= length(text)
        if room < 0:
            break
        kept.append(StatedFact(Phrase(text)))
    world.random.shuffle(kept)
    return Document((StatedFact(title), *kept))


def questions(world: World, doc: Document) -> list[Item]:
    """Return every question the document answers, with the spans that hold the answer."""
    spans = doc.fact_spans()
    by_subject = {fact.subject: spans[k] for k, fact in enumerate(world.facts) if k in spans}
    items = []
    for question in world.questions():
        needed = [question.subject] if question.via is None else [question.subject, question.via]
        if all(subject in by_subject for subject in needed):
            items.append(item(question, tuple(by_subject[subject] for subject in needed)))
    return items


def item(question: Question, evidence: tuple[tuple[int, int], ...]) -> Item:
    """The labelled texts of one question."""
    return Item(
        question,
        protocol.task(question).text,
        protocol.answer(question).text,
        protocol.ref(question).text,
        evidence,
    )
