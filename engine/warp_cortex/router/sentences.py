"""The sentence being written: where it ends, what it says, and which task it wishes for."""

import re
from collections import deque
from dataclasses import dataclass

HIDDEN = "\0"  # replaces a character in code or in a quotation
PHRASE_CHARS = 64  # room for "I think we need to quickly" before a task of the largest size
WIDE_TERMINATORS = "\u3002\uff01\uff1f\uff61"  # Chinese and Japanese; no space follows them
TERMINATORS = f".!?…{WIDE_TERMINATORS}"
# may stand between a terminator and what follows it
CLOSERS = "\"'\u201d\u2019\u00bb)]*_`\u300d\u300f\uff09\u3011"
# letters of scripts without spaces: Thai, Lao, Burmese, Khmer, kana, Han
UNSPACED = re.compile(
    "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff]"
)
LETTERS_PER_WORD = 2  # of such a script

WISH = re.compile(
    r"\b(?:let me|let us|let['\u2019]s"
    r"|(?:i|we)(?: should| must| will| could|['\u2019]ll| (?:need|have|want|ought) to)"
    r"|(?:i|we)['\u2019]d (?:better|like to))\s+"
    r"(?:(?:first|now|then|also|just|quickly)\s+)?"
    r"(?P<task>(?:check|double-check|verify|find out|figure out|work out|look up|look for"
    r"|search for|confirm|investigate|determine|make sure|recall|remember)\b.+)",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A whole sentence.

    prose: the text, with each character of code and quotations replaced by `HIDDEN`.
    """

    text: str
    prose: str

    def wish(self) -> tuple[int, str] | None:
        """Return where a phrase such as "let me check ..." begins and its task, or None."""
        found = WISH.search(self.prose)
        return None if found is None else (found.start(), self.text[found.start("task") :])


def num_words(text: str) -> int:
    """Return how many words a text has; in a script without spaces two letters count as one."""
    return max(len(text.split()), len(UNSPACED.findall(text)) // LETTERS_PER_WORD)


class Sentence:
    """Collects the current sentence one character at a time.

    Memory is bounded: of a long sentence its last characters are kept, at least `limit`. A sentence
    ends at a line's end, or at white space after a full stop, question mark, exclamation mark or
    ellipsis (3.5 and e.g. "red.txt" do not end one). Their full-width forms need no white space.
    """

    __slots__ = ("_chars", "_is_wide", "_previous", "_terminated")

    def __init__(self, *, limit: int) -> None:
        self._chars: deque[tuple[str, bool]] = deque(maxlen=limit + PHRASE_CHARS)
        self._terminated = False
        self._is_wide = False
        self._previous = Finished("", "")

    @property
    def is_complete(self) -> bool:
        """Whether the next white space would end the sentence."""
        return self._terminated

    @property
    def latest(self) -> Finished:
        """The current sentence, or the one before it if nothing has been written since."""
        current = self._current()
        return current if current.text.strip() else self._previous

    def add(self, char: str, *, plain: bool) -> Finished | None:
        """Take the next character; return the sentence that it shows to have ended.

        White space that ends a sentence is no part of it, nor of the next one.
        """
        if char == "\n" or (char.isspace() and self._terminated):
            return self.end()
        goes_on = char in TERMINATORS or (self._terminated and char in CLOSERS)
        ended = self.end() if self._terminated and self._is_wide and not goes_on else None
        self._chars.append((char, plain))
        self._terminated = goes_on
        if char in TERMINATORS:
            self._is_wide = char in WIDE_TERMINATORS
        return ended

    def cut(self, count: int) -> None:
        """Take back the last `count` characters."""
        for _ in range(min(count, len(self._chars))):
            self._chars.pop()

    def end(self) -> Finished:
        """End the sentence here and return it."""
        current = self._current()
        if current.text.strip():
            self._previous = current
        self._chars.clear()
        self._terminated = False
        return current

    def _current(self) -> Finished:
        return Finished(
            "".join(char for char, _ in self._chars),
            "".join(char if plain else HIDDEN for char, plain in self._chars),
        )
