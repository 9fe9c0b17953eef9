"""The sentence being written: where it ends, what it says, and which task it wishes for."""

import re
from collections import deque
from dataclasses import dataclass

HIDDEN = "\0"  # replaces a character in code or in a quotation
PHRASE_CHARS = 64  # room for "I think we need to quickly" before a task of the largest size
TERMINATORS = ".!?…"
CLOSERS = "\"'\u201d\u2019\u00bb)]*_`"  # may stand between a terminator and the space after it

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


class Sentence:
    """Collects the current sentence one character at a time.

    Memory is bounded: of a long sentence its last characters are kept, at least `limit`. A sentence
    ends at a line's end, or at white space after a full stop, question mark, exclamation mark or
    ellipsis (3.5 and e.g. "red.txt" do not end one).
    """

    __slots__ = ("_chars", "_previous", "_terminated")

    def __init__(self, *, limit: int) -> None:
        self._chars: deque[tuple[str, bool]] = deque(maxlen=limit + PHRASE_CHARS)
        self._terminated = False
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
        """Take the next character; return the sentence if it is white space that ends it.

        The white space is not part of the sentence.
        """
        if char == "\n" or (char.isspace() and self._terminated):
            return self.end()
        self._chars.append((char, plain))
        self._terminated = char in TERMINATORS or (self._terminated and char in CLOSERS)
        return None

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
