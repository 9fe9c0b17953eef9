"""The River's episodes: the task, three sentences of prose, and an answer that it can see."""

import re
from collections.abc import Iterator
from random import Random

import pytest

from warpviz.village.train import episode
from warpviz.village.train.context import SINKS, build
from warpviz.village.train.episode import WAIT, EpisodePlan, Landing, mark_of, write
from warpviz.village.train.rows import Shape, TrainingRow, make_row
from warpviz.village.train.token_sequence import Mark, TokenSequence
from warpviz.village.world import protocol
from warpviz.village.world.filler import FILLERS, Filler
from warpviz.village.world.tokens import Encoder
from warpviz.village.world.world import Question, World


def visible(sequence: TokenSequence) -> str:
    """Return what the River wrote, references left out."""
    ids = [
        token for token, mark in zip(sequence.ids, sequence.marks, strict=True) if mark != Mark.REF
    ]
    return sequence.encoder.tokenizer.decode(ids)


def played(encoder: Encoder, plan: EpisodePlan, world: World) -> tuple[TokenSequence, str]:
    """Write one episode; return it and its visible text behind the task."""
    sequence = TokenSequence(encoder)
    write(sequence, plan, world, Filler(world.random), opener=True)
    _, _, after = visible(sequence).partition("?]")
    return sequence, after


def sentences(text: str) -> list[str]:
    """Split a text at its full stops."""
    return [part.strip() for part in text.split(".") if part.strip()]


@pytest.fixture
def world() -> World:
    """Return a world of places."""
    return next(
        w for w in (World(seed, 8) for seed in range(100)) if w.facts[0].relation == "location"
    )


@pytest.fixture
def question(world: World) -> Question:
    """Return its first question."""
    return world.questions()[0]


def test_without_a_reference_the_river_waits_three_sentences(
    encoder: Encoder, world: World, question
) -> None:
    """Then it uses the answer that it sees, or says that the answer is not known."""
    for is_visible, wanted in ((True, f"{question.value}"), (False, "Nobody could say")):
        _, after = played(encoder, EpisodePlan(question, visible=is_visible), world)
        found = sentences(after)
        assert len(found) == WAIT + 1
        assert wanted in found[-1]


def test_a_relevant_reference_is_used_after_the_sentence_begun(
    encoder: Encoder, world: World, question
) -> None:
    """A reference that lands in the first waiting sentence ends the waiting; its value is used, not
    the text's.
    """
    changed = world.changed(question)
    landing = Landing(protocol.ref(changed).text, 2, relevant=True)
    sequence, after = played(
        encoder, EpisodePlan(question, visible=True, landings=(landing,), follow=changed), world
    )
    found = sentences(after)
    assert len(found) == 2
    assert changed.value in found[1]
    assert question.value not in found[1]
    assert Mark.REF_CHANGED in sequence.marks


def test_a_reference_about_something_else_changes_nothing(
    encoder: Encoder, world: World, question
) -> None:
    """The River waits on and answers from the text."""
    other = next(q for q in world.questions() if q.subject != question.subject)
    landing = Landing(protocol.ref(other).text, 2, relevant=False)
    sequence, after = played(
        encoder, EpisodePlan(question, visible=True, landings=(landing,)), world
    )
    found = sentences(after)
    assert len(found) == WAIT + 1
    assert question.value in found[-1]
    assert Mark.REF_IRRELEVANT in sequence.marks


def test_references_take_no_visible_position(encoder: Encoder) -> None:
    """Visible tokens lie at consecutive positions unless a reference was written into the text;
    none go back.
    """
    for seed in range(40):
        sequence = TokenSequence(encoder)
        sequence.add_text(" A dog slept in the mill until night.", episode.FILLER)
        sequence.inject(" [Ref: the red key is in the attic.]", Random(seed))
        before = sequence.at
        sequence.add_text(" It was grey.", episode.FILLER)
        own = [
            p
            for p, mark in zip(sequence.positions, sequence.marks, strict=True)
            if mark != Mark.REF
        ]
        assert own == sorted(set(own))
        assert sequence.positions[-1] == sequence.at - 1 >= before


def test_an_invisible_fact_without_reference_is_unknown(question: Question) -> None:
    """Marks say what an answer measures: seen, supplied, agreed, changed, or unknown."""
    plan = EpisodePlan(question, visible=False)
    assert mark_of(plan, followed=False) == Mark.RIVER_UNKNOWN
    assert (
        mark_of(EpisodePlan(question, visible=False, follow=question), followed=True)
        == Mark.REF_SUPPLIED
    )
    assert (
        mark_of(EpisodePlan(question, visible=True, follow=question), followed=True)
        == Mark.REF_AGREE
    )
    assert mark_of(EpisodePlan(question, visible=True), followed=False) == Mark.RIVER


def rows(encoder: Encoder) -> Iterator[TrainingRow]:
    """Yield rows of held-out worlds."""
    for seed in range(6):
        yield make_row(seed, Shape(200, 8, 4, split="heldout"), encoder)


def test_streams_answer_only_what_their_landmarks_hold(encoder: Encoder) -> None:
    """An answer's facts are stated in the context; "nothing is known" is taught where something
    needed is missing.
    """
    answers = nothing = 0
    for row in rows(encoder):
        values = {fact.value for fact in row.context.world.facts}
        for segment in range(1, len(row.visibility)):
            ids = [token for token, at in zip(row.ids, row.segments, strict=True) if at == segment]
            text = encoder.tokenizer.decode(ids)
            if " thought:" not in text:
                continue
            thought = text.partition(" thought:")[2]
            if thought.startswith(protocol.NOTHING):
                nothing += 1
            else:
                answers += 1
                assert any(value in thought for value in values)
    assert answers > 10
    assert nothing > 2


def test_evidence_points_at_the_words(encoder: Encoder) -> None:
    """The token spans of a fact decode to its value, and its end is a full stop."""
    context = build(World(4, 8, "heldout"), 200, encoder, window=10_000, inline=0.0)
    assert context.evidence
    for index, found in context.evidence.items():
        value = encoder.tokenizer.decode(context.sequence.ids[slice(*found.value)])
        assert value.strip() == context.world.facts[index].value
        assert encoder.tokenizer.decode(context.sequence.ids[found.end - 1 : found.end]) == "."
        mask = [False] * len(context.sequence)
        assert found.state(mask) == "no"
        mask[found.end - 1] = True
        assert found.state(mask) == "yes"


def test_a_window_decides_what_the_river_sees(encoder: Encoder) -> None:
    """Facts at the end of a long text are inside a window, those at its beginning outside."""
    context = build(World(4, 10, "heldout"), 400, encoder, window=150, inline=0.0)
    found = {
        q.subject: context.seen_by_river(q, len(context.sequence))
        for q in context.world.questions()
        if not q.two_hop
    }
    ends = {context.world.facts[i].subject: e.end for i, e in context.evidence.items()}
    assert all(found[subject] == "no" for subject, end in ends.items() if SINKS < end < 200)
    assert all(found[subject] == "yes" for subject, end in ends.items() if end > 370)
    assert set(found.values()) >= {"no"}


def test_waiting_prose_is_filler(encoder: Encoder, world: World, question: Question) -> None:
    """What the River writes while it waits has the shape of distractor prose."""
    shapes = [
        re.compile(re.sub(r"\\{\w+\\}", r"\\w+", re.escape(filler.rstrip("."))))
        for filler in FILLERS
    ]
    _, after = played(encoder, EpisodePlan(question, visible=True), world)
    for sentence in sentences(after)[:WAIT]:
        assert any(shape.match(sentence) for shape in shapes), sentence
