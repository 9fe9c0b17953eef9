"""A sentence together with where its subject and its value stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text that starts with a space, and the character spans (slot, start, end) inside it."""

    text: str
    spans: tuple[tuple[str, int, int], ...] = ()

    def where(self, slot: str) -> tuple[int, int]:
        """Return the span of the last mention of a slot.

        Raises:
            ValueError: the phrase has no such slot.
        """
        for name, start, end in reversed(self.spans):
            if name == slot:
                return start, end
        msg = f"slot {slot!r} is not in {self.text!r}; present: {[span[0] for span in self.spans]}"
        raise ValueError(msg)


@lru_cache(maxsize=4096)
def _pieces(template: str) -> tuple[str, ...]:
    return tuple(_SLOT.split(template))


def render(template: str, slots: dict[str, str]) -> Phrase:
    """Fill a template; spans include the space before the word, as tokens do."""
    text = " "
    spans = []
    for index, piece in enumerate(_pieces(template)):
        if index % 2 == 0:
            text += piece
            continue
        start = len(text) - 1 if text.endswith(" ") else len(text)
        text += slots[piece]
        spans.append((piece, start, len(text)))
    return Phrase(text, tuple(spans))
