"""The shared context of a training row: a document as tokens, with the evidence of every fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warpviz.village.train import episode
from warpviz.village.train.token_sequence import PROSE, TokenSequence
from warpviz.village.world.document import StatedFact, document
from warpviz.village.world.filler import Filler
from warpviz.village.world.tokens import BOS, Encoder

if TYPE_CHECKING:
    from warpviz.village.world.world import Question, World

SINKS = 4


@dataclass(frozen=True, slots=True)
class FactEvidence:
    """Token indices of a fact: value tokens, where both subject and value are known, and the
    sentence end.
    """

    value: tuple[int, int]
    second: tuple[int, int]
    end: int

    def state(self, keep: list[bool]) -> str:
        """`yes` if a token that saw the whole fact is kept, `no` if nothing of the answer is, else
        `maybe`.
        """
        if keep[self.second[1] - 1] or keep[self.end - 1]:
            return "yes"
        partial = any(keep[self.second[0] : self.end]) or any(keep[self.value[0] : self.value[1]])
        return "maybe" if partial else "no"


@dataclass(slots=True)
class TrainingContext:
    """Tokens of the context, evidence by fact index, sentence ends, and what was already asked."""

    strip: TokenSequence
    world: World
    filler: Filler
    window: int
    evidence: dict[int, FactEvidence] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def needed(self, question: Question) -> list[FactEvidence] | None:
        """Evidence of every fact the question needs; None if the text lacks one."""
        subjects = [question.subject] if question.via is None else [question.subject, question.via]
        found = []
        for subject in subjects:
            index = self.index.get(subject)
            if index is None or index not in self.evidence:
                return None
            found.append(self.evidence[index])
        return found

    @property
    def index(self) -> dict[str, int]:
        """Fact index by subject."""
        return {fact.subject: k for k, fact in enumerate(self.world.facts)}

    def open_questions(self) -> list[Question]:
        """Questions the text answers and nobody asked yet."""
        return [
            question
            for question in self.world.questions()
            if self.asked.isdisjoint({question.subject, question.via})
            and self.needed(question) is not None
        ]

    def seen_by_river(self, question: Question, at: int, ahead: int = 60) -> str:
        """`yes`, `no` or `maybe`: is the evidence inside the River's window from `at` to `at +
        ahead`?
        """
        found = self.needed(question)
        if found is None:
            return "no"
        positions = self.strip.positions
        states = []
        for item in found:
            first = positions[min(item.value[0], item.second[0])]
            last = positions[item.end - 1]
            if first < SINKS or at + ahead - first < self.window:
                states.append("yes")
            else:
                states.append("no" if at - last >= self.window else "maybe")
        return "no" if "no" in states else ("maybe" if "maybe" in states else "yes")


def build(
    world: World, num_tokens: int, encoder: Encoder, *, window: int, inline: float
) -> TrainingContext:
    """Write a context of about num_tokens; after each sentence an episode follows with chance
    `inline`.
    """
    filler = Filler(world.random)
    body = num_tokens if inline == 0 else int(num_tokens * (1 - min(0.6, inline * 5)))
    doc = document(world, max(24, body), encoder.length, filler=filler)
    context = TrainingContext(TokenSequence(encoder), world, filler, window)
    context.strip.tokens([BOS], [0.0], [0])
    for sentence in doc.sentences:
        _sentence(context, sentence)
        if inline and world.random.random() < inline and len(context.strip) < num_tokens - 40:
            _episode(context)
    return context


def _sentence(context: TrainingContext, sentence: StatedFact) -> None:
    strip = context.strip
    start = len(context.strip)
    strip.add(sentence.phrase, PROSE)
    context.ends.append(len(strip) - 1)
    if sentence.fact is None:
        return
    _, spans = strip.encoder.phrase(sentence.phrase)
    where = {slot: (start + first, start + last) for slot, first, last in spans}
    second = max(where["o"], where["v"])
    context.evidence[sentence.fact] = FactEvidence(where["v"], second, len(strip))


def _episode(context: TrainingContext) -> None:
    world = context.world
    choices = context.open_questions()
    unknown = world.random.random() < 0.12
    if not choices and not unknown:
        return
    question = world.unknown(world.facts[0].relation) if unknown else world.random.choice(choices)
    state = "no" if unknown else context.seen_by_river(question, context.strip.at)
    plan = episode.plan(
        world, question, visible=state == "yes", others=world.questions(), scored=state != "maybe"
    )
    episode.write(context.strip, plan, world, context.filler, opener=False)
    context.asked |= {question.subject} | ({question.via} if question.via else set())
    context.ends.append(len(context.strip) - 1)
