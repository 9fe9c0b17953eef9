"""Passages of real English prose with one sentence planted in each."""

import pydoc_data.topics
import random
import re
from collections.abc import Callable, Sequence
from functools import cache

from warp_cortex import bundled

# numbered lists, code and underlined headings are no prose
WORDY = re.compile(r"[A-Za-z][^|>{}=]*[.!?:]$", re.DOTALL)
FEWEST_WORDS = 12


@cache
def documentation() -> tuple[str, ...]:
    """Return the paragraphs of the Python language reference that this Python carries."""
    texts = (pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    paragraphs = (" ".join(part.split()) for text in texts for part in text.split("\n\n"))
    return tuple(part for part in paragraphs if _is_prose(part))


@cache
def genesis() -> tuple[str, ...]:
    """Return Genesis 1 to 40 in the King James Version, in passages of four verses or so."""
    text = (bundled("prose") / "genesis.txt").read_text(encoding="utf-8")
    sentences = re.findall(r"[^.?!]+[.?!]+", " ".join(text.split()))
    return tuple("".join(sentences[at : at + 4]).strip() for at in range(0, len(sentences), 4))


SOURCES: dict[str, Callable[[], tuple[str, ...]]] = {
    "documentation": documentation,
    "genesis": genesis,
}


def passage(source: str, count: Callable[[str], int], *, num_tokens: int, seed: int) -> list[str]:
    """Return consecutive paragraphs of a source, of about that many tokens in all.

    count: how many tokens a text has. The seed chooses where the passage begins; the source is
    read as a circle.
    """
    paragraphs = SOURCES[source]()
    at = random.Random(seed).randrange(len(paragraphs))
    chosen: list[str] = []
    total = 0
    for part in (*paragraphs[at:], *paragraphs[:at]):
        if total >= num_tokens:
            break
        size = count(part)
        if chosen and total + size > num_tokens * 1.1:
            continue
        chosen.append(part)
        total += size
    return chosen


def planted(paragraphs: Sequence[str], sentence: str, *, seed: int, part: float = 0.7) -> str:
    """Return a text of the paragraphs with a sentence behind one of its first `part`."""
    place = random.Random(seed).randrange(1, max(2, int(len(paragraphs) * part)))
    return "\n\n".join([*paragraphs[:place], sentence, *paragraphs[place:]])


def _is_prose(paragraph: str) -> bool:
    words = paragraph.split()
    return len(words) >= FEWEST_WORDS and WORDY.fullmatch(paragraph) is not None
