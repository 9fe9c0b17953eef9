"""What the Router reads as the River's own words: wishes in prose fire, code and quotes do not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warp_cortex.config import RouterConfig
from warp_cortex.router.markup import Markup
from warp_cortex.router.router import Router
from warp_cortex.router.sentences import HIDDEN, Sentence


def texts(text: str, **config) -> list[tuple[str, str]]:
    """Kind and text of every task in a text."""
    router = Router(RouterConfig(**{"max_rate": 1, **config}))
    return [(task.kind, task.text) for task in router.feed(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Let me check whether it is red. Then", [("implicit", "check whether it is red.")]),
        ("So I need to find out where the key is!\n", [("implicit", "find out where the key is!")]),
        ("First, we should verify the lamp\n", [("implicit", "verify the lamp")]),
        ("Let\u2019s look up the name. ", [("implicit", "look up the name.")]),
        ("I'll quickly search for Ada. ", [("implicit", "search for Ada.")]),
        ("Let me check whether it is red", []),
        ("Let me know. I need to sleep. We should go. ", []),
        ("Outlet me check this. ", []),
        ('She said "let me check the door." and left. ', []),
        ("Run `let me check x. ` now. ", []),
        ("> let me check the door. \n", []),
        ('Let me check who "Ada" is. ', [("implicit", 'check who "Ada" is.')]),
        ("Let me check it [SEARCH: the door] now. ", [("search", "the door")]),
        ("Let me check the door. [CHECK]", [("implicit", "check the door.")]),
        ("Let me check the door [CHECK]. ", [("check", "check the door")]),
    ],
)
def test_wishes(text, found):
    """Sentences such as "let me check ..." fire when they end, and not again by a bare trigger."""
    assert texts(text) == found
    assert not any(kind == "implicit" for kind, _ in texts(text, implicit=False))


@pytest.mark.parametrize(
    "text",
    [
        "```\n[TASK: no]\n```\n",
        "```py\nx = '[TASK: no]'\n\n[CHECK: no]\n```\n",
        "~~~\n[TASK: no]\n```\n[TASK: no]\n~~~\n",
        "````\n```\n[TASK: no]\n````\n",
        "   ```\n[TASK: no]\n   ```\n",
        "`[TASK: no]` ",
        "``a ` [TASK: no]`` ",
        "stray ` tick [TASK: no]\n",
        '"[TASK: no]" ',
        'He said: "do [TASK: no] now" ',
        "“[TASK: no]” ",
        "«[TASK: no]» ",
        "„[TASK: no]“ ",
        "\u2018[TASK: no]\u2019 ",
        "> [TASK: no]\n",
        "  > [TASK: no]\n",
        'Unclosed "quote [TASK: no]\n',
        "```[TASK: no]``` ",
        "\x1b[TASK: no] ",
    ],
)
def test_quoted_triggers_do_not_fire(text):
    """Triggers in code, quotations and quoted lines are ignored; the first one after fires."""
    assert texts(text + "[TASK: yes]") == [("task", "yes")]


@pytest.mark.parametrize(
    "text",
    [
        'A 5" pipe. ',
        'The "big" one. ',
        "It's Ada's. ",
        "`code` and ``more ` code``. ",
        "a ~ b ~~c~~. ",
        "x > y. ",
        '[TASK: an "odd quote] ',
        "[TASK: an `odd tick] ",
        "[TASK: a tick`] ",
    ],
)
def test_marks_that_quote_nothing_do_not_silence(text):
    """Inches, apostrophes, closed marks and marks inside a trigger hide no later trigger."""
    assert ("task", "yes") in texts(text + "[TASK: yes]")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a `b` c", "a     c"),
        ("``a`b`` c", "        c"),
        ('"a" b', "    b"),
        ("> a\nb", "    b"),
        ("```\na\n```\nb", " " * 10 + "b"),
        ("```a``` b", " " * 8 + "b"),
    ],
)
def test_marks(text, plain):
    """Letters in code and quotations are not plain; letters around them are."""
    markup = Markup()
    seen = "".join(char if markup.advance(char) and char.isalpha() else " " for char in text)
    assert seen == plain


@settings(max_examples=100)
@given(st.text(alphabet='ab`~"> \n“”', max_size=40))
def test_only_code_blocks_outlast_their_line(text):
    """After a line's end everything is plain again, unless a code block is open."""
    markup = Markup()
    for char in text + "\n":
        markup.advance(char)
    plain = markup.advance("x")
    assert plain != markup.in_block


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("ab .!?\"'\n"), st.booleans()), max_size=60))
def test_sentences_are_the_text_cut_at_their_ends(chars):
    """Sentences and the spaces between add up to the text; only quoted text is hidden."""
    sentence = Sentence(limit=100)
    rebuilt = ""
    for char, plain in chars:
        finished = sentence.add(char, plain=plain)
        if finished is not None:
            rebuilt += finished.text + char
            assert len(finished.text) == len(finished.prose)
            assert all(b in (a, HIDDEN) for a, b in zip(finished.text, finished.prose, strict=True))
    assert rebuilt + sentence.end().text == "".join(char for char, _ in chars)


def test_a_sentence_keeps_its_last_characters():
    """Of an endless sentence the end is kept; taking back stops at its beginning."""
    sentence = Sentence(limit=10)
    for number in range(1000):
        sentence.add(str(number % 10), plain=True)
    assert len(sentence.latest.text) < 100
    assert sentence.latest.text.endswith("789")
    sentence.cut(2000)
    assert sentence.end().text == ""
