"""VillageTasks: a task of its own for every agent, and a text that answers one in four of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.bench.million import tasks as module
from warpviz.bench.million.tasks import ASKED, FORMS, KNOWN_EVERY, VillageTasks, answers
from warpviz.bench.million.worker import LONGEST, MOST, Workshop
from warpviz.village.world import protocol, words
from warpviz.village.world.sample_texts import bundled_encoder
from warpviz.village.world.world import Question


@pytest.fixture(scope="module")
def tasks() -> VillageTasks:
    """Return the tasks of seed 3."""
    return VillageTasks(3)


@given(size=st.integers(1, 400), seed=st.integers(0, 99))
def test_a_shuffle_is_one_to_one(size: int, seed: int) -> None:
    """Every number below its size comes once, whatever the size."""
    shuffle = module._Shuffle(size, np.random.default_rng(seed))
    assert sorted(shuffle[index] for index in range(size)) == list(range(size))


@settings(max_examples=60)
@given(agent=st.integers(0, VillageTasks(3).most - 1))
def test_a_task_is_what_it_says(agent: int) -> None:
    """Its question is asked in so many words by two people who are not the same; known ones are
    facts of the text.
    """
    tasks = VillageTasks(3)
    found = tasks.task(agent)
    plain = tasks.plain(found.question)
    assert found.text.endswith(plain)
    people = [
        word.strip(":")
        for word in found.text.removesuffix(plain).split()
        if word.strip(":") in words.NAMES
    ]
    assert len(set(people)) == 2
    assert found.known == (found.question < len(tasks.facts)) == (agent % KNOWN_EVERY == 0)


def test_tasks_fit_their_slots(tasks: VillageTasks) -> None:
    """The longest tasks and thoughts there are have room: no agent is refused or cut off for the
    length of a name.
    """
    encoder = bundled_encoder()
    texts = [
        tasks._word(asking, question)
        for question in range(len(tasks.questions))
        for asking in (0, 7)
    ]
    prompts = [
        encoder.length(Workshop.prompt(module.AgentTask(text, 0, known=False))) for text in texts
    ]
    assert max(prompts) <= LONGEST
    thoughts = [encoder.length(protocol.answer(fact).text) for fact in tasks.facts]
    assert max(thoughts) < MOST


def test_all_askings_differ(tasks: VillageTasks) -> None:
    """Two askings of one question never have the same words: every form with every two people."""
    count = len(FORMS) * len(words.NAMES) * (len(words.NAMES) - 1)
    assert len({tasks._word(asking, 0) for asking in range(count)}) == count


def test_every_question_is_asked_once(tasks: VillageTasks) -> None:
    """Facts first, then what the text does not say; no pair of relation and subject twice, no
    unknown one a fact.
    """
    assert len(set(tasks.questions)) == len(tasks.questions)
    facts = [(fact.relation, fact.subject) for fact in tasks.facts]
    assert tasks.questions[: len(facts)] == facts
    assert {relation for relation, _ in tasks.questions} == {relation.name for relation in ASKED}


@pytest.mark.parametrize("agent", [-1, VillageTasks(3).most])
def test_there_are_no_tasks_beyond_the_last_agent(tasks: VillageTasks, agent: int) -> None:
    """Agents are numbered from 0 to the last task; the error says so."""
    with pytest.raises(ValueError, match=f"tasks for agents 0 to {tasks.most - 1:,}"):
        tasks.task(agent)


def test_the_text_states_what_is_known(tasks: VillageTasks) -> None:
    """The context is as long as asked, states the facts, and ends in the River's own need and
    task.
    """
    encoder = bundled_encoder()
    text = tasks.text(encoder.length, 512)
    assert 470 < encoder.length(text) <= 512
    assert text == tasks.text(encoder.length, 512)
    assert text.endswith(tasks.trigger)
    stated = [fact for fact in tasks.facts if fact.subject in text and fact.value in text]
    assert len(stated) >= len(tasks.facts) - 2
    assert tasks.wanted.subject in text.removesuffix(tasks.trigger)[-120:]


def test_an_answer_is_exact() -> None:
    """The sentence of the protocol and nothing else, blanks around it aside."""
    question = Question("location", "red key", "attic")
    assert answers(question, " the red key is in the attic. ")
    assert not answers(question, "the red key is in the barn.")
    assert not answers(question, "red key attic")
