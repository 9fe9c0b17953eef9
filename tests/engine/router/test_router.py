"""The Router: what fires, what must not, and that neither depends on how the text arrives."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from warp_cortex.config import RouterConfig
from warp_cortex.router.markup import Markup
from warp_cortex.router.router import CHARS_PER_TOKEN, RATE_WINDOW_TOKENS, Router, Task, sanitise

PROPERTY = settings(max_examples=200)
FREE = RouterConfig(max_rate=1, max_streams=10_000)

FRAGMENTS = [
    "[TASK: find the red lamp]",
    "[DELEGATE: count",
    "[SEARCH]",
    "[CHECK]",
    "[CODE: a[0] ]",
    "[TASK",
    ":",
    "]",
    "[",
    "The key is here. ",
    "Let me check the door",
    "we should verify it. ",
    "\n",
    "\n\n",
    "```",
    "~~~",
    "`",
    '"',
    "“",
    "”",
    " ",
    " x",
    ". ",
    "\x1b[31m",
    "\x1b",
    "\ud83d",
    "é",
    "> ",
    "[TASK : q]",
    "[CHECK: " + "long " * 60,
    "[TASK:",
    'it\u2019s 5" ',
    "\u2018",
]
TEXTS = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=6)), max_size=25).map(
    "".join
)


def route(*pieces: str, config: RouterConfig = FREE, prompt: str = "") -> list[Task]:
    """Every task of a text that arrives in these pieces."""
    router = Router(config)
    router.prime(prompt)
    return [task for piece in pieces for task in router.feed(piece)]


def texts(text: str, **config) -> list[tuple[str, str]]:
    """Kind and text of every task in a text."""
    return [
        (task.kind, task.text)
        for task in route(text, config=RouterConfig(**{"max_rate": 1, **config}))
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Go. [TASK: find the red lamp] Then", [("task", "find the red lamp")]),
        ("[DELEGATE:count them]", [("delegate", "count them")]),
        ("[SEARCH: a] [CODE: b] [CHECK: c]", [("search", "a"), ("code", "b"), ("check", "c")]),
        ("[TASK:\nfind it]", [("task", "find it")]),
        ("[TASK : spaced  out\n text ]", [("task", "spaced out text")]),
        ("The key is red. The box is open. [CHECK]", [("check", "The box is open.")]),
        ("The key is red. The box is open [SEARCH].", [("search", "The box is open")]),
        ("It is so. And [CODE]", []),
        ("It weighs 3.5 kg [CHECK]", [("check", "It weighs 3.5 kg")]),
        ("One line\nAnother one [CHECK]", [("check", "Another one")]),
        ("The box is open. [SEARCH] [CHECK]", [("search", "The box is open.")]),
        ("[CHECK] nothing before", []),
        ("Well. [CHECK]", []),
        ("[TASK] has no task. [DELEGATE] neither", []),
        ("[TASK: ] [TASK: ...] [TASK:\n]", []),
        ("[task: lower case] [Note: other] [TASKS: plural]", []),
        ("[TASK: use a[0] and b[1][2]] done", [("task", "use a[0] and b[1][2]")]),
        ("[TASK: outer [TASK: inner] rest]", [("task", "inner")]),
        ("[TASK: what does [CHECK] mean?]", [("task", "what does [CHECK] mean?")]),
        ("[TASK: never closed\n\nNext day. [TASK: this one]", [("task", "this one")]),
        ("[TASK: broken\n```\n]\n```\n[TASK: whole]", [("task", "whole")]),
    ],
)
def test_triggers(text, found):
    """Triggers with a colon hold their task; the task of bare ones is the sentence before."""
    assert texts(text) == found


@PROPERTY
@given(TEXTS, st.lists(st.integers(0, 400), max_size=12))
@example("Let me check it. [CHECK]", [3, 4, 15, 16, 17])
def test_how_the_text_is_cut_does_not_matter(text, cuts):
    """Any chunking gives the same tasks, spans and drops as the whole text at once."""
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[first:last] for first, last in pairwise(edges)]
    for config in (FREE, RouterConfig(max_rate=0.02, max_streams=3)):
        assert (
            route(*pieces, config=config)
            == route(text, config=config)
            == route(*text, config=config)
        )


@PROPERTY
@given(TEXTS)
def test_spans_are_absolute_disjoint_and_fire_once(text):
    """Spans count from the beginning, follow one another without overlap, and hold what fired."""
    last = 0
    for task in route(text):
        first, end = task.span
        assert last <= first < end <= len(text)
        last = end
        if task.kind != "implicit":
            assert text[first] == "["
            assert text[end - 1] == "]"


def test_spans_by_hand():
    """A bare trigger's span is its brackets; a wish's runs from its phrase to its end."""
    assert [task.span for task in route("The key is red. [CHECK] So")] == [(16, 23)]
    assert [task.span for task in route("Red. Well, let me check it! So")] == [(11, 27)]
    assert [task.span for task in route("Red.\nLet me check it\n")] == [(5, 20)]


@PROPERTY
@given(TEXTS)
def test_tasks_are_clean_and_bounded(text):
    """A task is one line of printable text, at most max_task_chars long, and is asked for once."""
    config = RouterConfig(max_rate=1, max_streams=10_000, max_task_chars=30)
    found = [task.text for task in route(text, config=config)]
    assert len(found) == len(set(found))
    for task in found:
        assert 0 < len(task) <= 30
        assert task == sanitise(task)
        assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in task)


@PROPERTY
@given(TEXTS, TEXTS)
def test_a_prompt_does_not_fire(prompt, text):
    """A task that fires ends after the prompt; spans count from the prompt's beginning."""
    router = Router(FREE)
    router.prime(prompt)
    assert all(task.span[1] > len(prompt) for task in router.feed(text))


def test_a_prompt_sets_the_scene():
    """Later text may complete the prompt's trigger or fence; examples in it use up no task."""
    assert [task.span for task in route("lamp] ", prompt="Go. [TASK: find the ")] == [(4, 25)]
    assert route("[TASK: no]", prompt="```\n") == []
    assert [task.text for task in route("[TASK: a]", prompt="[TASK: a] ")] == ["a"]
    assert [task.text for task in route(" [CHECK]", prompt="The key is red.")] == [
        "The key is red."
    ]
    assert route(" Then", prompt="Let me check the door.") == []
    assert route("\nThen", prompt="Let me check the door") == []
    assert [task.text for task in route(" door. ", prompt="Let me check the")] == [
        "check the door."
    ]


def test_the_same_task_fires_once():
    """Case, spacing and final punctuation do not make a task another one; neither does its kind."""
    assert texts("[TASK: find  Ada] [SEARCH: Find ada.] [TASK: find Eve]") == [
        ("task", "find Ada"),
        ("task", "find Eve"),
    ]


def test_unterminated_triggers_wait_but_not_for_ever():
    """A task of max_task_chars fires; a longer one is dropped, and the text after it is read."""
    assert texts(f"[TASK: {'a' * 9}]", max_task_chars=10) == [("task", "a" * 9)]
    assert texts(f"[TASK: {'a' * 10}] [TASK: b]", max_task_chars=10) == [("task", "b")]
    assert texts("A sentence that is too long [CHECK]", max_task_chars=10) == []


def test_a_disabled_router_and_a_rate_of_zero_fire_nothing():
    """Both switches silence it; what would have fired is counted."""
    for config in (
        RouterConfig(enabled=False),
        RouterConfig(max_rate=0),
        RouterConfig(max_streams=0),
    ):
        router = Router(config)
        assert router.feed("[TASK: a] [TASK: b]") == []
        assert router.num_dropped == 2


@settings(max_examples=40)
@given(st.floats(0.001, 1), st.integers(0, 30), st.integers(0, 200))
def test_rate_and_population_are_capped(rate, most, gap):
    """No stretch holds more tasks than the rate allows, and no run more than max_streams."""
    text = "".join(f"[TASK: number {number}]{'.' * (gap * (number % 3))}" for number in range(60))
    ends = [
        task.span[1] for task in route(text, config=RouterConfig(max_rate=rate, max_streams=most))
    ]
    window = max(RATE_WINDOW_TOKENS, 1 / rate)
    assert len(ends) <= most
    for end in ends:
        inside = [other for other in ends if end - window * CHARS_PER_TOKEN < other <= end]
        assert len(inside) <= max(1, rate * window)
    if most:
        assert ends[0] == len("[TASK: number 0]")


def test_a_dropped_task_may_be_asked_for_again():
    """A task over the rate does not count as asked."""
    config = RouterConfig(max_rate=1 / 32)
    text = "[TASK: a][TASK: b]" + "." * 200 + "[TASK: b]"
    assert [task.text for task in route(text, config=config)] == ["a", "b"]


def test_work_and_memory_are_linear(monkeypatch):
    """Every character is looked at once, and what is kept does not grow with the text."""
    calls = []
    advance = Markup.advance
    monkeypatch.setattr(
        Markup, "advance", lambda self, char: calls.append(char) or advance(self, char)
    )
    router = Router(RouterConfig(max_task_chars=50))
    for _ in range(3000):
        router.feed("[TASK: [")
    assert len(calls) == 24_000
    assert len(router._sentence._chars) < 200
    assert len(router._triggers._open.body) <= 50


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\x1b[31mred\x1b[0m b", "ared b"),
        ("\x1b]0;title\x07x", "x"),
        ("a\r\nb\tc", "a b c"),
        ("a\x00\x08b", "ab"),
        ("a\u202eb\u2066c", "abc"),
        ("\ud800x", "x"),
        ("\ufeffx\u200b", "x"),
        ("naïve 東京 👩\u200d🚀", "naïve 東京 👩\u200d🚀"),
        ("a\u2028b", "a b"),
        ("\x1b", ""),
        ("\x1b[38;5", ""),
        ("\x9b31mx", "31mx"),
    ],
)
def test_sanitised_text_is_one_harmless_line(text, clean):
    """Terminal codes and hidden characters are removed; letters of any script stay."""
    assert sanitise(text) == clean
