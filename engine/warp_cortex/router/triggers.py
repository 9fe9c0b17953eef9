"""Triggers in brackets, read one character at a time: `[TASK: ...]`, `[CHECK]` and the like."""

from dataclasses import dataclass, field

KINDS = {
    "TASK": "task",
    "DELEGATE": "delegate",
    "SEARCH": "search",
    "CODE": "code",
    "CHECK": "check",
}
# may stand alone: the sentence before is their task
BARE = frozenset({"SEARCH", "CODE", "CHECK"})
HEAD_CHARS = max(map(len, KINDS)) + 4  # a few spaces before the colon are allowed
ESCAPE = "\x1b"  # a bracket after it belongs to a terminal code


@dataclass(frozen=True, slots=True)
class Trigger:
    """A complete trigger.

    body: the task as written, None for a bare trigger. span: its half-open character range, both
    brackets included.
    """

    kind: str
    body: str | None
    span: tuple[int, int]


@dataclass(slots=True)
class _Open:
    kind: str
    start: int
    body: list[str] = field(default_factory=list)
    depth: int = 0
    line_is_blank: bool = False


class TriggerReader:
    """Finds triggers in constant time and memory per character.

    A trigger begins in plain prose only. Its body may hold brackets, in pairs, and anything else;
    it is dropped after `limit` characters, at a blank line, and where another trigger with a colon
    begins inside it.
    """

    __slots__ = ("_head", "_head_start", "_limit", "_open", "_previous")

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        # what follows the last "[", while it may still become a trigger
        self._head: str | None = None
        self._head_start = 0
        self._open: _Open | None = None
        self._previous = ""

    @property
    def is_open(self) -> bool:
        """Whether a trigger's body is being read."""
        return self._open is not None

    @property
    def start(self) -> int:
        """Where the latest possible trigger begins."""
        return self._head_start

    def drop(self) -> None:
        """Drop the trigger that is being read."""
        self._head = None
        self._open = None

    def advance(self, char: str, *, position: int, plain: bool) -> Trigger | None:
        """Take the character at `position`; return the trigger it completes, if any."""
        escaped = self._previous == ESCAPE
        self._previous = char
        if char == "[" and plain and not escaped:
            self._head = ""
            self._head_start = position
        elif self._head is not None:
            head = self._head
            self._head = None
            name = head.rstrip(" ")
            if char == ":" and name in KINDS:
                self._open = _Open(KINDS[name], self._head_start)
                return None
            if char == "]" and head in BARE and self._open is None:
                return Trigger(KINDS[head], None, (self._head_start, position + 1))
            if (char == " " or "A" <= char <= "Z") and len(head) < HEAD_CHARS:
                self._head = head + char
        if self._open is None:
            return None
        return self._read(self._open, char, position=position, escaped=escaped)

    def _read(self, trigger: _Open, char: str, *, position: int, escaped: bool) -> Trigger | None:
        if char == "]":
            if trigger.depth == 0:
                self._open = None
                return Trigger(trigger.kind, "".join(trigger.body), (trigger.start, position + 1))
            trigger.depth -= 1
        elif char == "[" and not escaped:
            trigger.depth += 1
        if len(trigger.body) >= self._limit or (char == "\n" and trigger.line_is_blank):
            self.drop()
            return None
        trigger.line_is_blank = char == "\n" or (trigger.line_is_blank and char.isspace())
        trigger.body.append(char)
        return None
