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
    """Token indices [start, end) of a fact in its context.

    value: the value's tokens. second: the later of subject and value, after which both are known.
    end: the end of the sentence.
    """

    value: tuple[int, int]
    second: tuple[int, int]
    end: int

    def state(self, mask: list[bool]) -> str:
        """Return whether a mask leaves the fact visible: `yes`, `no` or `maybe`.

        `yes` if a token that saw the whole fact is visible, `no` if no token of the answer is.
        """
        if mask[self.second[1] - 1] or mask[self.end - 1]:
            return "yes"
        partial = any(mask[self.second[0] : self.end]) or any(mask[self.value[0] : self.value[1]])
        return "maybe" if partial else "no"


@dataclass(slots=True)
class TrainingContext:
    """Tokens of the context, evidence by fact index, sentence ends, subjects asked so far."""

    sequence: TokenSequence
    world: World
    filler: Filler
    window: int
    evidence: dict[int, FactEvidence] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)

    def needed(self, question: Question) -> list[FactEvidence] | None:
        """Return the evidence of every fact the question needs; None if the text lacks one."""
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
        """Return the questions that the text answers and no episode has asked yet."""
        return [
            question
            for question in self.world.questions()
            if self.asked.isdisjoint({question.subject, question.via})
            and self.needed(question) is not None
        ]

    def seen_by_river(self, question: Question, at: int, ahead: int = 60) -> str:
        """Return whether the River sees the evidence at `at .. at + ahead`: yes, no or maybe."""
        found = self.needed(question)
        if found is None:
            return "no"
        positions = self.sequence.positions
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
    """Write a context of about num_tokens; an episode follows a sentence with chance `inline`."""
    filler = Filler(world.random)
    body = num_tokens if inline == 0 else int(num_tokens * (1 - min(0.6, inline * 5)))
    doc = document(world, max(24, body), encoder.length, filler=filler)
    context = TrainingContext(TokenSequence(encoder), world, filler, window)
    context.sequence.tokens([BOS], [0.0], [0])
    for sentence in doc.sentences:
        _sentence(context, sentence)
        if inline and world.random.random() < inline and len(context.sequence) < num_tokens - 40:
            _episode(context)
    return context


def _sentence(context: TrainingContext, sentence: StatedFact) -> None:
    sequence = context.sequence
    start = len(context.sequence)
    sequence.add(sentence.phrase, PROSE)
    context.ends.append(len(sequence) - 1)
    if sentence.fact is None:
        return
    _, spans = sequence.encoder.phrase(sentence.phrase)
    where = {slot: (start + first, start + last) for slot, first, last in spans}
    second = max(where["o"], where["v"])
    context.evidence[sentence.fact] = FactEvidence(where["v"], second, len(sequence))


def _episode(context: TrainingContext) -> None:
    world = context.world
    choices = context.open_questions()
    unknown = world.random.random() < 0.12
    if not choices and not unknown:
        return
    question = world.unknown(world.facts[0].relation) if unknown else world.random.choice(choices)
    state = "no" if unknown else context.seen_by_river(question, context.sequence.at)
    plan = episode.plan(
        world, question, visible=state == "yes", others=world.questions(), scored=state != "maybe"
    )
    episode.write(context.sequence, plan, world, context.filler, opener=False)
    context.asked |= {question.subject} | ({question.via} if question.via else set())
    context.ends.append(len(context.sequence) - 1)
