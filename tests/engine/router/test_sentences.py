"""Sentences and tasks in languages that put no space between words."""

import pytest
from warp_cortex import Router, RouterConfig
from warp_cortex.router.sentences import num_words

PLACES = (
    "黄铜钥匙在哪里",
    "鍵はどこにありますか",
    "กุญแจทองเหลืองอยู่ที่ไหน",
    "ວິທີນີ້ຢູ່ໃສ",
    "Where is the key",
)


def found(text: str, **settings: object) -> list[str]:
    """Return the tasks of a text, written one character at a time."""
    router = Router(RouterConfig(max_rate=1.0, **settings))  # type: ignore[arg-type] # a test's own
    return [task.text for char in text for task in router.feed(char)]


@pytest.mark.parametrize("text", PLACES)
def test_a_bare_trigger_finds_its_sentence(text: str) -> None:
    """It is named by the letters of the sentence before, where there are no words to count."""
    assert found(f"{text} [CHECK]\n") == [text]


@pytest.mark.parametrize("text", ["and", "和", "で", "และ", "1", ""])
def test_a_word_alone_names_nothing(text: str) -> None:
    """One word, or less than two of a script without spaces, is no task."""
    assert found(f"{text} [CHECK]\n") == []


@pytest.mark.parametrize("end", "。\uff01\uff1f\uff61")
def test_a_full_width_end_needs_no_space(end: str) -> None:
    """Of three sentences the last one is the trigger's; the triggers see three, not one."""
    text = f"天气很好{end}他在家里{end}黄铜钥匙在木头盒子里{end}"
    assert found(f"{text}[CHECK]\n") == [f"黄铜钥匙在木头盒子里{end}"]
    sentences = found(f"{text}他八点回来{end}好", triggers=("sentence",))
    assert sentences == [f"黄铜钥匙在木头盒子里{end}"]


def test_a_closing_mark_belongs_to_its_sentence() -> None:
    """What closes a quotation or bracket stands behind the end; only then the next one begins."""
    text = "他说\uff08黄铜钥匙在哪里\uff1f\uff09然后他慢慢地走了出去。"
    assert found(f"{text}\n", triggers=("sentence",))[-1] == "然后他慢慢地走了出去。"


def test_one_task_ends_in_two_ways() -> None:
    """With or without its end, half or full width, a task is asked once."""
    text = "".join(f"[TASK: 检查钥匙{end}] " for end in ("", "。", "\uff01", "\uff0c", "."))
    assert found(text) == ["检查钥匙"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("a key", 2), ("黄铜钥匙", 2), ("鍵", 1), ("the 鍵 key", 3), ("กุญแจทอง", 4)],
)
def test_words_are_counted_in_any_script(text: str, count: int) -> None:
    """Two letters of a script without spaces count as a word."""
    assert num_words(text) == count
