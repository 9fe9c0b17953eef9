"""The gate's labels: right is the world's own answer, and every similarity is the one the gate
computes.
"""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex import Cortex, GateDecision, Prism, Spawn, Thought

from warpviz.village.evaluate import gating
from warpviz.village.evaluate.gating import (
    KINDS,
    LENGTHS,
    LabelledThought,
    finished_run,
    judged,
    labelled,
    scenes,
    table,
)
from warpviz.village.world import protocol
from warpviz.village.world.scene import Scene, scene
from warpviz.village.world.tokens import Encoder

VALUES = st.lists(st.integers(-9, 9).map(lambda number: number / 10), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def where(encoder: Encoder) -> Scene:
    """Return a held-out world that is asked for one fact."""
    return scene(0, 256, encoder.length)


@pytest.fixture(scope="module")
def cortex(village: Prism, where: Scene) -> Cortex:
    """Return a finished run over it, with nothing kept out and nothing let in."""
    return finished_run(village, where)


def trace(*streams: tuple[str, str]) -> SimpleNamespace:
    """Return a trace of streams with these tasks and thoughts, each of them judged."""
    events: dict[type, list] = {Spawn: [], Thought: [], GateDecision: []}
    for number, (task, thought) in enumerate(streams):
        events[Spawn].append(SimpleNamespace(stream=number, task=task))
        events[Thought].append(SimpleNamespace(stream=number, text=thought))
        events[GateDecision].append(
            SimpleNamespace(stream=number, similarities={"centred": number / 10})
        )
    return SimpleNamespace(of=lambda kind: events[kind])


def task_of(found) -> str:
    """Return a question's task as the River asks it."""
    return found.task.removeprefix(" [TASK: ").removesuffix("]")


def test_right_is_what_the_text_says(where: Scene) -> None:
    """The exact sentence about the right subject is right, the admission is nothing, all else is
    wrong.
    """
    asked = where.asked
    other = where.others[0]
    changed = protocol.answer(where.world.changed(asked.question)).text.strip()
    given_thoughts = trace(
        (task_of(asked), asked.thought.strip()),
        (task_of(asked), changed),
        (task_of(asked), other.thought.strip()),
        (task_of(asked), "nothing is known."),
        ("where is the moon?", "the moon is in the well."),
        ("where is the moon?", "nothing is known."),
    )
    found = [(label, two_hop) for _, label, two_hop in labelled(given_thoughts, where)]
    hops = asked.question.two_hop
    assert found == [
        ("right", hops),
        ("wrong", hops),
        ("wrong", hops),
        ("nothing", hops),
        ("wrong", False),
        ("nothing", False),
    ]


def test_an_unknown_subject_has_no_right_thought(encoder: Encoder) -> None:
    """What the text never says cannot be right, even word for word as it was made up."""
    unknown = scene(3, 256, encoder.length, kind="unknown")
    assert not unknown.asked.evidence
    found = list(labelled(trace((task_of(unknown.asked), unknown.asked.thought.strip())), unknown))
    assert [label for _, label, _ in found] == ["wrong"]


def test_nothing_enters_a_run_that_only_judges(cortex: Cortex) -> None:
    """Every thought passes and none enters, so that all of them are judged by the same River."""
    summary = cortex.summary()
    assert summary["streams"]
    assert all(stream["accepted"] for stream in summary["streams"])
    assert summary["injections"] == []


def test_the_similarity_is_the_gates(cortex: Cortex) -> None:
    """Computed again from the trace's arrays against a stream's own trigger: what the gate
    recorded.
    """
    thoughts = {event.stream: event for event in cortex.trace.of(Thought)}
    spawns = {event.stream: event for event in cortex.trace.of(Spawn)}
    decisions = cortex.trace.of(GateDecision)
    assert len(decisions) >= 2
    for decision in decisions:
        again = gating._centred(cortex, thoughts[decision.stream], spawns[decision.stream])
        assert again == pytest.approx(decision.similarities["centred"], abs=1e-4)


def test_right_thoughts_are_held_against_other_tasks(village: Prism, where: Scene) -> None:
    """Each right thought is judged again from every other right stream's trigger, and never from
    its own task.
    """
    found = list(judged(village, where))
    right = sum(one.label == "right" for one in found)
    others = [one for one in found if one.label == "other subject"]
    assert right >= 1
    assert len(others) <= right * (right - 1)
    assert all(set(one.similarities) == {"centred"} for one in others)
    assert all(-1 <= one.similarities["centred"] <= 1 for one in found)


def test_worlds_come_in_turn(village: Prism, encoder: Encoder) -> None:
    """Three lengths and all kinds of question, the first world that of the seed."""
    found = list(scenes(village, 12, 5))
    sizes = [encoder.length(one.prompt) for one in found]
    assert all(abs(size - LENGTHS[index % len(LENGTHS)]) < 60 for index, size in enumerate(sizes))
    for index, one in enumerate(found):
        if KINDS[index % len(KINDS)] == "two":
            assert one.asked.question.two_hop
        assert bool(one.asked.evidence) == (KINDS[index % len(KINDS)] != "unknown")
    assert found[0].prompt == scene(5, LENGTHS[0], encoder.length, kind=KINDS[0]).prompt


@settings(max_examples=40)
@given(right=VALUES, nothing=VALUES, wrong=VALUES)
def test_a_table_is_of_all_that_was_judged(
    right: list[float], nothing: list[float], wrong: list[float]
) -> None:
    """Sizes of every kind, quantiles in order, shares that fall as theta rises, and a theta among
    the similarities.
    """
    found = [
        LabelledThought(
            label,
            is_two_hop=False,
            similarities=dict.fromkeys(("raw", "centred", "standardised"), value),
        )
        for label, values in (("right", right), ("nothing", nothing), ("wrong", wrong))
        for value in values
    ]
    record = table(found)
    spreads = record["centred"]
    assert [spreads[name]["n"] for name in ("right", "nothing", "wrong", "other subject")] == [
        len(right),
        len(nothing),
        len(wrong),
        0,
    ]
    assert spreads["right"]["p05"] <= spreads["right"]["median"] <= spreads["right"]["p95"]
    assert -1 <= record["theta_youden"] <= 1
    fixed = record["thresholds"][1:]
    assert [one["theta"] for one in fixed] == [0.3, 0.35, 0.4, 0.45, 0.5]
    assert all(one["recall"] >= other["recall"] for one, other in pairwise(fixed))
    assert max(one["youden"] for one in fixed) <= record["thresholds"][0]["youden"] + 1e-9
    share = record["wrong_accepted"]["0.5000"]
    assert share["n"] == len(wrong)
    assert share["share"] == pytest.approx(
        sum(value >= 0.5 for value in wrong) / len(wrong), abs=1e-4
    )
    assert record["right_accepted_two_hop"]["0.5000"]["n"] == 0
