"""Worlds, documents and their questions."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.village.world import protocol, words
from warpviz.village.world.document import document, questions
from warpviz.village.world.filler import FILLERS, Filler
from warpviz.village.world.phrase import render
from warpviz.village.world.relations import RELATIONS
from warpviz.village.world.world import SPLITS, Question, World


def length(text: str) -> int:
    """Count words, as a stand-in for tokens."""
    return len(text.split())


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), split=st.sampled_from(SPLITS), facts=st.integers(1, 40))
def test_a_seed_gives_one_world(seed: int, split, facts: int) -> None:
    """The same seed and split give the same facts and the same text; subjects are unique."""
    one = World(seed, facts, split)
    other = World(seed, facts, split)
    assert one.facts == other.facts
    assert one.questions() == other.questions()
    assert document(one, 200, length).text == document(other, 200, length).text
    subjects = [fact.subject for fact in one.facts]
    assert len(set(subjects)) == len(subjects)
    assert len(subjects) <= facts


def test_held_out_facts_are_never_trained() -> None:
    """No open fact (adjective and thing) that training states is stated by a held-out world, and
    the other way.
    """
    train = {
        (f.subject, f.value)
        for seed in range(300)
        for f in World(seed, 30).facts
        if words.is_open(f.subject)
    }
    held = {
        (f.subject, f.value)
        for seed in range(300)
        for f in World(seed, 30, "heldout").facts
        if words.is_open(f.subject)
    }
    assert len(train) > 1000
    assert len(held) > 1000
    assert not train & held


def test_held_out_templates_appear_only_in_their_split() -> None:
    """Split `templates` states facts in sentence shapes that no other split uses."""
    for relation in RELATIONS.values():
        assert not set(relation.facts) & set(relation.held_out_facts)
    fact = World(3, 5).facts[0]
    trained = {protocol.fact(fact, Random(n)).text for n in range(400)}
    unseen = {protocol.fact(fact, Random(n), "templates").text for n in range(400)}
    assert not trained & unseen


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), split=st.sampled_from(SPLITS))
def test_spans_name_the_text(seed: int, split) -> None:
    """Every fact's span holds its subject and value; every question's evidence holds what it
    needs.
    """
    world = World(seed, 12, split)
    doc = document(world, 300, length)
    for index, (start, end) in doc.fact_spans().items():
        sentence = doc.text[start:end]
        assert world.facts[index].subject in sentence
        assert world.facts[index].value in sentence
    for found in questions(world, doc):
        assert len(found.evidence) == 1 + found.question.two_hop
        start, end = found.evidence[-1]
        assert found.question.value in doc.text[start:end]
        assert found.thought.strip() in found.ref


def test_a_document_never_exceeds_its_size() -> None:
    """No document is longer than asked, and it is filled up nearly to that."""
    for size in (16, 40, 200):
        sizes = [length(document(World(seed, 10), size, length).text) for seed in range(20)]
        assert max(sizes) < size
        assert size < 40 or min(sizes) > size - 20


def test_fillers_state_no_fact() -> None:
    """No filler has the shape of a fact, so that nothing but facts answers a question."""
    shapes = {
        shape
        for relation in RELATIONS.values()
        for shape in (*relation.facts, *relation.held_out_facts)
    }
    assert not shapes & set(FILLERS)
    filler = Filler(Random(1))
    assert all(filler.sentence().startswith(" ") for _ in range(100))


def test_unknown_and_changed_questions() -> None:
    """An unknown subject is in no fact; a changed question keeps its subject and has another
    value.
    """
    for seed in range(40):
        world = World(seed, 12, "heldout")
        subjects = {fact.subject for fact in world.facts}
        assert world.unknown(world.facts[0].relation).subject not in subjects
        for question in world.questions():
            changed = world.changed(question)
            assert (changed.subject, changed.relation) == (question.subject, question.relation)
            assert changed.value != question.value


def test_bad_input_is_named() -> None:
    """Numbers out of range and unknown splits are named with what would be accepted."""
    with pytest.raises(ValueError, match="num_facts is 0"):
        World(0, 0)
    with pytest.raises(ValueError, match="choose one of train, heldout, templates"):
        World(0, 3, "test")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="num_tokens is 15"):
        document(World(0, 3), 15, length)


def test_a_rendered_slot_knows_where_it_is() -> None:
    """Spans include the space before the word, and the last mention of a slot counts."""
    phrase = render("{p} saw the {o} and the {o}.", {"p": "Mara", "o": "red key"})
    start, end = phrase.where("o")
    assert phrase.text == " Mara saw the red key and the red key."
    assert phrase.text[start:end] == " red key"
    assert start > phrase.spans[1][1]
    with pytest.raises(ValueError, match="slot 'v' is not in"):
        phrase.where("v")


def test_a_question_knows_its_hops() -> None:
    """Only a question with a container on its way takes two hops."""
    assert not Question("location", "red key", "attic").two_hop
    assert Question("room", "red key", "attic", "tin box").two_hop
