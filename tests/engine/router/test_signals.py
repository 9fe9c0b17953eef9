"""Triggers that need no words of the River: deterministic, spaced, capped, and with a reason."""

import pytest
from warp_cortex import Router, RouterConfig
from warp_cortex.router.signals import ScheduleTrigger, UncertainTrigger


def test_uncertainty_fires_above_its_running_quantile_and_not_twice_in_a_row():
    """Sixteen calm tokens warm it up; the next two loud ones fire once, the gap holds the other."""
    trigger = UncertainTrigger(quantile=0.9, least_nats=1.0, gap=4)
    assert [trigger.feed(0.5) for _ in range(20)] == [None] * 20
    assert trigger.feed(3.0) == "entropy 3.00 nats, above the 90% quantile 0.50"
    assert trigger.feed(3.5) is None


def test_a_low_entropy_never_fires():
    """A quantile of almost nothing is no uncertainty."""
    trigger = UncertainTrigger(least_nats=1.0, gap=1)
    assert not any(trigger.feed(0.01 * (i % 7)) for i in range(100))


def test_standing_tasks_are_asked_in_turn():
    """Every so many tokens the next one is due, and begins anew at the end of the list."""
    trigger = ScheduleTrigger(tasks=("a?", "b?"), every=3)
    due = [found[0] for _ in range(12) if (found := trigger.feed()) is not None]
    assert due == ["a?", "b?", "a?", "b?"]


def test_a_finished_sentence_is_a_task_and_a_short_one_is_not():
    """The River's own sentences fire at their end; sentences of the prompt do not."""
    router = Router(RouterConfig(triggers=("sentence",), max_rate=1.0))
    router.prime("The prompt has a whole sentence. ")
    found = router.feed("The tower has five floors. Yes. It is open on every day. ")
    assert [(task.text, task.kind) for task in found] == [
        ("The tower has five floors.", "sentence"),
        ("It is open on every day.", "sentence"),
    ]


def test_brackets_are_read_only_where_asked_for():
    """Triggers compose: what is not named does not fire."""
    text = "[TASK: find the key] is a task. "
    assert [t.kind for t in Router(RouterConfig()).feed(text)] == ["task"]
    assert not Router(RouterConfig(triggers=("schedule",))).feed(text)


def test_a_standing_task_fires_again_and_says_when():
    """A schedule's task is no repetition of itself; its reason is the number of tokens."""
    router = Router(
        RouterConfig(triggers=("schedule",), every=2, max_rate=1.0), standing=("What?",)
    )
    found = [task for _ in range(4) for task in router.feed("word ", entropy=0.0)]
    assert [(task.kind, task.why) for task in found] == [
        ("schedule", "2 tokens written"),
        ("schedule", "4 tokens written"),
    ]


def test_a_question_from_outside_is_a_task():
    """It is cleaned like others, counts against the cap, and is refused where it says nothing."""
    router = Router(RouterConfig(max_streams=1))
    task = router.ask(" When is\nit open? ")
    assert task is not None
    assert (task.text, task.kind) == ("When is it open?", "asked")
    assert router.ask("And the price?") is None
    assert router.num_dropped == 1
    with pytest.raises(ValueError, match="a question must have 1 to 200 characters"):
        router.ask("?!")
