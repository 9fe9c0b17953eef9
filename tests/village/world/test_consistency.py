"""What a text says and what is asked about it agree, for every seed and split: the labels can be
trusted.
"""

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.village.world import protocol, sayings, words
from warpviz.village.world.document import document, questions
from warpviz.village.world.filler import FILLERS, Filler, slots
from warpviz.village.world.phrase import render
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.scene import answered, scene
from warpviz.village.world.tokens import Encoder
from warpviz.village.world.world import SPLITS, Fact, Split, World

SEEDS = st.integers(0, 10**6)


def length(text: str) -> int:
    """Count words and full stops, as a stand-in for tokens."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def mentions(sentence: str, name: str) -> bool:
    """Whether a sentence has a name in it, as whole words."""
    return re.search(rf"\b{re.escape(name)}\b", sentence) is not None


@settings(max_examples=25)
@given(seed=SEEDS, split=st.sampled_from(SPLITS))
def test_nothing_else_is_said_about_what_is_asked(seed: int, split: Split) -> None:
    """Only facts name a question's subject, and just one of them is about it: the one with the
    right value.
    """
    world = World(seed, 14, split)
    doc = document(world, 400, length)
    stated = {s.fact: s.phrase.text for s in doc.sentences if s.fact is not None}
    for found in questions(world, doc):
        question = found.question
        if question.relation == "trade":  # its subjects are people, who do other things too
            continue
        naming = [s for s in doc.sentences if mentions(s.phrase.text, question.subject)]
        assert all(s.fact is not None for s in naming), (question, [s.phrase.text for s in naming])
        facts = [world.facts[s.fact] for s in naming if s.fact is not None]
        about = [fact for fact in facts if fact.subject == question.subject]
        assert [fact.value for fact in about] == [question.via or question.value]
        assert all(question.subject in {fact.subject, fact.value} for fact in facts)
        assert question.subject in stated[world.facts.index(about[0])]


@settings(max_examples=25)
@given(seed=SEEDS, split=st.sampled_from(SPLITS))
def test_two_hops_are_two_facts(seed: int, split: Split) -> None:
    """The thing lies in the container, the container in the room, and the answer names all
    three.
    """
    world = World(seed, 14, split, hops=1.0)
    facts = {(fact.relation, fact.subject): fact.value for fact in world.facts}
    assert world.hops
    for question in world.hops:
        assert facts["container", question.subject] == question.via
        assert facts["location", question.via] == question.value
        answer = protocol.answer(question).text
        assert all(name in answer for name in (question.subject, question.via, question.value))


@settings(max_examples=40)
@given(
    seed=SEEDS,
    facts=st.integers(1, 3),
    hops=st.sampled_from([0.0, 1.0]),
    split=st.sampled_from(SPLITS),
)
def test_a_small_world_is_never_empty(seed: int, facts: int, hops: float, split: Split) -> None:
    """Even one fact is a fact that can be asked for, whatever the world would rather have been."""
    world = World(seed, facts, split, hops=hops)
    assert 1 <= len(world.facts) <= facts
    assert world.questions()


@settings(max_examples=30)
@given(seed=SEEDS)
def test_splits_keep_open_facts_apart(seed: int) -> None:
    """What a training world states of adjective and thing is not held out; what a held-out world
    states is.
    """
    for fact in World(seed, 20).facts:
        assert not words.is_open(fact.subject) or not words.held_out_fact(fact.subject, fact.value)
    for split in ("heldout", "templates"):
        for fact in World(seed, 20, split).facts:
            assert not words.is_open(fact.subject) or words.held_out_fact(fact.subject, fact.value)


def test_the_two_evaluation_splits_are_the_same_worlds() -> None:
    """They differ in how a fact is said, not in what is true: the effect of unseen sentence shapes
    is isolated.
    """
    for seed in range(30):
        assert World(seed, 12, "heldout").facts == World(seed, 12, "templates").facts
        assert World(seed, 12, "heldout").facts != World(seed, 12, "train").facts


@settings(max_examples=40)
@given(seed=SEEDS)
def test_what_the_river_says_is_understood(seed: int) -> None:
    """Every sentence that uses an answer is read back as that answer, every admission as none, for
    every relation.
    """
    world = World(seed, 10, "heldout")
    for question in world.questions():
        who = protocol.person(question, world.random)
        assert answered(protocol.use(question, world.random, who).text, question) == question.value
        assert answered(protocol.unknown(question, world.random).text, question) == ""
        assert answered(protocol.need(question, world.random, who).text, question) is None
        changed = world.changed(question)
        assert (
            answered(protocol.use(changed, world.random, who).text, question)
            == changed.value
            != question.value
        )


@settings(max_examples=40)
@given(seed=SEEDS)
def test_a_reference_holds_the_thought_and_nothing_more(seed: int) -> None:
    """Task, thought and reference are one question's: the injected text is the thought in
    brackets.
    """
    for question in World(seed, 10).questions():
        thought = protocol.answer(question).text
        assert protocol.ref(question).text == f" [Ref:{thought}]"
        assert protocol.task(question).text.startswith(" [TASK: ")
        assert protocol.task(question).text.endswith("?]")
        assert question.subject in protocol.task(question).text
        assert thought.endswith(".")


def test_people_around_an_answer_do_not_give_it_away() -> None:
    """A person named in the sentence of a fact or a need is neither its subject nor its value."""
    fact = Fact("owner", "red key", "Mara")
    for number in range(200):
        phrase = protocol.fact(fact, Random(number))
        others = [
            phrase.text[start:end].strip() for slot, start, end in phrase.spans if slot in "pqrs"
        ]
        assert "Mara" not in others
        assert len(set(others)) == len({slot for slot, *_ in phrase.spans if slot in "pqrs"})


@pytest.mark.parametrize("name", sorted(RELATIONS))
def test_every_sentence_shape_has_its_slots(name: str) -> None:
    """Facts name subject and value, uses both, needs and questions the subject alone."""
    relation = RELATIONS[name]
    for shape in (*relation.facts, *relation.held_out_facts, *relation.uses):
        assert "{o}" in shape
        assert "{v}" in shape
    for shape in relation.uses:
        assert shape.endswith(".")
    for shape in (relation.task, *relation.unknowns, *relation.needs):
        assert "{v}" not in shape
        assert "{o}" in shape
    assert "{o}" in relation.answer
    assert "{v}" in relation.answer


@given(template=st.sampled_from(RELATIONS["location"].facts), seed=SEEDS)
def test_a_dressed_sentence_is_still_that_sentence(template: str, seed: int) -> None:
    """Openings and additions leave the words of the fact in place, and one full stop at the end."""
    dressed = sayings.dress(template, Random(seed))
    core = template.removesuffix(".")
    assert core[1:] in dressed
    assert dressed.count(".") == 1
    assert dressed.endswith(".")


@given(
    template=st.lists(
        st.sampled_from(["{a}", "{b}", "word", "The", ","]), min_size=1, max_size=6
    ).map(" ".join),
    a=st.sampled_from(["red key", "x"]),
    b=st.sampled_from(["attic", "old barn"]),
)
def test_spans_are_where_the_words_are(template: str, a: str, b: str) -> None:
    """Each span holds its slot's words and the blank before them, in order, without overlap."""
    phrase = render(template, {"a": a, "b": b})
    assert phrase.text == " " + template.format(a=a, b=b)
    end = 0
    for slot, start, stop in phrase.spans:
        assert phrase.text[start:stop] == " " + {"a": a, "b": b}[slot]
        assert start >= end
        end = stop
    assert len(phrase.spans) == template.count("{")


def test_prose_does_not_repeat_itself_soon() -> None:
    """Between two sentences of one shape lie all the others, or the deck has been shuffled anew."""
    filler = Filler(Random(4))
    first = [filler.sentence(days=False) for _ in range(len(FILLERS))]
    shapes = [next(s for s in FILLERS if _fits(s, sentence)) for sentence in first]
    assert sorted(shapes) == sorted(FILLERS)


def _fits(shape: str, sentence: str) -> bool:
    return (
        re.fullmatch(re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(shape)), sentence.strip())
        is not None
    )


def test_days_only_go_forward() -> None:
    """The day counter of a text never goes back, and stays below a hundred."""
    filler = Filler(Random(0))
    days = [
        int(text.split()[1].strip("."))
        for _ in range(2000)
        if (text := filler.sentence()).startswith(" Day ")
    ]
    assert len(days) > 10
    assert days == sorted(set(days))
    assert days[-1] < 100
    drawn = slots(Random(0))
    assert drawn["p"] != drawn["q"]


def test_a_scene_has_what_it_asks_for(encoder: Encoder) -> None:
    """The evidence of the question and of all others are whole sentences of the document."""
    for seed in range(6):
        where = scene(seed, 400, encoder.length)
        for found in (where.asked, *where.others):
            for start, end in found.evidence:
                sentence = where.document.text[start:end]
                assert sentence.startswith(" ")
                assert sentence.endswith(".")
                assert found.question.subject in sentence or (found.question.via or "") in sentence
        assert where.asked not in where.others
