"""Which characters of a growing text are plain prose, and which stand in code or in a quotation."""

# what closes each opening mark: straight, curly, low (German), angle and single curly quotes
CLOSERS = {
    '"': '"',
    "\u201c": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u00ab": "\u00bb",
    "\u2018": "\u2019",
}
# a straight quote opens a quotation after white space or one of these
BEFORE_OPENING = "([{<*_-\u2013\u2014:=/"
FENCE_TICKS = 3
INDENT = 3  # a fence may be indented by up to three spaces (CommonMark)


class Markup:
    """Follows code blocks, code spans and quotations, one character at a time, in constant memory.

    Fenced code (``` or ~~~ at a line's start) lasts until its closing fence. Code spans, quotations
    in double or typographic quotes and lines that begin with ">" end with their line at the latest,
    so that a stray mark hides no more than the rest of one line. A straight quote opens only where
    a word may begin: 5" is no quotation.
    """

    __slots__ = (
        "_fence",
        "_fence_is_fresh",
        "_line_start",
        "_previous",
        "_quote",
        "_quoted_line",
        "_run",
        "_span",
    )

    def __init__(self) -> None:
        self._previous = "\n"
        self._run = 0  # length of the run of marks that ends at the previous character
        self._line_start = 0  # columns of indentation so far; -1 once the line has content
        self._fence = ""  # the marks that opened the current code block
        self._fence_is_fresh = False  # still on the line that opened it
        self._span = 0  # length of the run that opened the current code span
        self._quote = ""  # the characters that would close the current quotation
        self._quoted_line = False

    @property
    def in_block(self) -> bool:
        """Whether the last character stands in a fenced code block."""
        return bool(self._fence)

    def release(self) -> None:
        """Forget marks opened inside a trigger: they mean nothing for the text after it."""
        self._span = 0
        self._run = 0
        self._quote = ""

    def advance(self, char: str) -> bool:
        """Take the next character; return whether it is plain prose, which marks are not."""
        if self._run and char != self._previous:
            self._end_run(self._previous)
        if char == "\n":
            self._end_line()
        elif char == "`" or (char == "~" and (self._run or self._line_start >= 0)):
            self._run += 1
        else:
            self._visible(char)
        self._previous = char
        return not (self._run or self._fence or self._span or self._quote or self._quoted_line)

    def _end_run(self, mark: str) -> None:
        length = self._run
        self._run = 0
        at_start = self._line_start >= 0
        self._line_start = -1
        if self._fence:
            if (
                mark == self._fence[0]
                and length >= len(self._fence)
                and (at_start or self._fence_is_fresh)
            ):
                self._fence = ""
        elif at_start and length >= FENCE_TICKS and not self._quoted_line:
            self._fence = mark * length
            self._fence_is_fresh = True
        elif mark == "`" and self._span in (0, length):
            self._span = 0 if self._span else length

    def _end_line(self) -> None:
        self._line_start = 0
        self._span = 0
        self._quote = ""
        self._quoted_line = False
        self._fence_is_fresh = False

    def _visible(self, char: str) -> None:
        if self._line_start >= 0:
            if char == " " and self._line_start < INDENT:
                self._line_start += 1
                return
            self._quoted_line = char == ">" and not self._fence
            self._line_start = -1
        if self._fence or self._span:
            return
        if self._quote:
            if char in self._quote:
                self._quote = ""
        elif char in CLOSERS and (
            char != '"' or self._previous.isspace() or self._previous in BEFORE_OPENING
        ):
            self._quote = CLOSERS[char]
