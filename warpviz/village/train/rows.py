"""One training row: a shared context and isolated branches, of streams and of the River."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from warpviz.village.train import context as contexts
from warpviz.village.train import episode
from warpviz.village.train.token_sequence import (
    ANSWER,
    FILLER,
    SILENT,
    UNKNOWN,
    Mark,
    TokenSequence,
    Weights,
)
from warpviz.village.train.visibility_masks import VisibilityMask, draw_mask, focus
from warpviz.village.world import protocol
from warpviz.village.world.tokens import EOS, Encoder
from warpviz.village.world.world import Question, Split, World

if TYPE_CHECKING:
    from warpviz.village.train.context import TrainingContext

DRILL = Weights(0.0, 0.3, 4.0)
ENDLESS = 1 << 14


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a row is and what it holds; `drill` is the share of warm-up branches."""

    num_tokens: int
    num_streams: int
    num_rivers: int
    drill: float = 0.0
    full: bool = False
    split: Split = "train"
    facts_every: float = 26.0
    windowed: float = 0.25
    inline: float = 0.5


@dataclass(slots=True)
class TrainingRow:
    """Flat arrays of one row; segment 0 is the context, segment b branch b."""

    context: TrainingContext
    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    sources: list[int] = field(default_factory=list)
    visibility: list[VisibilityMask | None] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    def close(self, sequence: TokenSequence, mask: VisibilityMask | None, window: int) -> None:
        """Append a finished sequence as the next segment.

        The context's last token predicts its first token.
        """
        start = len(self.ids)
        segment = len(self.visibility)
        self.ids += sequence.ids
        self.weights += sequence.weights
        self.positions += sequence.positions
        self.marks += sequence.marks
        self.segments += [segment] * len(sequence)
        last = len(self.context.sequence) - 1
        self.sources += [last if segment else 0, *range(start, start + len(sequence) - 1)]
        self._mend_sources(sequence, start)
        self.visibility.append(mask)
        self.windows.append(window)

    def _mend_sources(self, sequence: TokenSequence, start: int) -> None:
        """Let the last visible token predict the visible token after an injected one."""
        visible = None
        for index, mark in enumerate(sequence.marks):
            if mark == Mark.REF:
                continue
            if index and sequence.marks[index - 1] == Mark.REF:
                self.sources[start + index] = (
                    self.sources[start] if visible is None else start + visible
                )
            visible = index


def make_row(seed: int, shape: Shape, encoder: Encoder) -> TrainingRow:
    """Build the row of a seed."""
    facts = max(3, min(40, round(shape.num_tokens / shape.facts_every)))
    world = World(seed, facts, shape.split)
    random = world.random
    rng = np.random.default_rng(random.getrandbits(63))
    window = ENDLESS
    if shape.num_tokens > 160 and random.random() < shape.windowed:
        window = int(rng.integers(96, 513))
    inline = 0.0 if random.random() > shape.inline else random.uniform(0.02, 0.1)
    river_window = window
    context = contexts.build(world, shape.num_tokens, encoder, window=window, inline=inline)
    row = TrainingRow(context)
    row.close(context.sequence, None, window if random.random() < 0.5 or inline else ENDLESS)
    questions = context.open_questions()
    for _ in range(shape.num_streams):
        if random.random() < shape.drill and questions:
            _drill(row, random.choice(questions))
        else:
            _stream(row, questions, rng, full=shape.full)
    for _ in range(shape.num_rivers):
        _river(row, questions, river_window)
    return row


def _drill(row: TrainingRow, question: Question) -> None:
    sequence = TokenSequence(row.context.sequence.encoder, row.context.sequence.at)
    sequence.add(protocol.answer(question), DRILL, Mark.DRILL)
    row.close(sequence, None, ENDLESS)


def _pick(
    row: TrainingRow, questions: list[Question], mask: VisibilityMask | None, *, answerable: bool
) -> Question | None:
    """A question of the wanted kind under this subset."""
    context = row.context
    random = row.context.world.random
    kept = None if mask is None else mask.tolist()
    for question in random.sample(questions, min(len(questions), 12)):
        found = context.needed(question) or []
        states = ["yes"] * len(found) if kept is None else [item.state(kept) for item in found]
        if answerable and all(state == "yes" for state in states):
            return question
        if not answerable and "no" in states:
            return question
    return None


def _stream(
    row: TrainingRow, questions: list[Question], rng: np.random.Generator, *, full: bool
) -> None:
    context = row.context
    random = row.context.world.random
    mask = None if full or random.random() < 0.25 else draw_mask(context, rng)
    answerable = random.random() > 0.22
    question = None
    if questions and mask is not None and answerable and random.random() < 0.5:
        question = random.choice(questions)
        chain = [question.subject] if question.via is None else [question.subject, question.via]
        mask = focus(mask, context, [context.index[subject] for subject in chain], rng)
    elif questions:
        question = _pick(row, questions, mask, answerable=answerable)
    if question is None and not answerable:
        question = context.world.unknown(context.world.facts[0].relation)
    if question is not None:
        _write_stream(row, question, mask, answerable=answerable)


def _write_stream(
    row: TrainingRow, question: Question, mask: VisibilityMask | None, *, answerable: bool
) -> None:
    context = row.context
    random = row.context.world.random
    sequence = TokenSequence(context.sequence.encoder, context.sequence.at)
    if random.random() < 0.55:
        _tail(sequence, row, question)
    sequence.add(protocol.task(question), SILENT)
    sequence.add_text(protocol.THOUGHT, SILENT)
    if answerable:
        base = Mark.STREAM if question.via is None else Mark.STREAM_HOPS
        sequence.add(protocol.answer(question), ANSWER, Mark(base + (mask is not None)))
    else:
        sequence.add_text(protocol.NOTHING, UNKNOWN, Mark.STREAM_NOTHING)
    sequence.tokens([EOS], [1.0], [0])
    row.close(sequence, mask, ENDLESS)


def _tail(sequence: TokenSequence, row: TrainingRow, question: Question) -> None:
    """Append the River's own need and task, which the stream sees before its prompt.

    Sometimes a few more tokens of prose follow.
    """
    world = row.context.world
    if world.random.random() < 0.8:
        sequence.add(
            protocol.need(question, world.random, protocol.person(question, world.random)), SILENT
        )
    else:
        sequence.at += 6
    sequence.add(protocol.task(question), SILENT)
    if world.random.random() < 0.4:
        ids = sequence.encoder.ids(row.context.filler.sentence())[: world.random.randint(1, 10)]
        sequence.tokens(ids, [0.0] * len(ids), [0] * len(ids))


def _river(row: TrainingRow, questions: list[Question], window: int) -> None:
    """A continuation of the River: one or two episodes with one sentence of prose between."""
    context = row.context
    world = row.context.world
    sequence = TokenSequence(context.sequence.encoder, context.sequence.at)
    left = world.random.sample(questions, len(questions))
    for turn in range(world.random.choice((1, 1, 2))):
        if world.random.random() < (0.85 if turn else 0.15):
            sequence.add_text(context.filler.sentence(), FILLER)
        _river_episode(row, sequence, left)
    row.close(sequence, None, window)


def _river_episode(row: TrainingRow, sequence: TokenSequence, left: list[Question]) -> None:
    context = row.context
    world = row.context.world
    if not left or world.random.random() < 0.18:
        question = world.unknown(world.facts[0].relation)
        state = "no"
    else:
        want = world.random.choice(("yes", "no"))
        if world.random.random() < 0.6:
            left.sort(key=lambda question: not question.two_hop)
        states = [context.seen_by_river(question, sequence.at) for question in left[:12]]
        index = states.index(want) if want in states else 0
        question = left.pop(index)
        state = states[index]
    others = world.questions()
    plan = episode.plan(
        world, question, visible=state == "yes", others=others, scored=state != "maybe"
    )
    episode.write(sequence, plan, world, context.filler, opener=True)
