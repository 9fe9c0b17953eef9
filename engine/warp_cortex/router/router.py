"""The Router: reads the River's visible text as it grows and says which tasks it asks for."""

import re
import unicodedata
from collections import deque
from dataclasses import dataclass

from warp_cortex.config import RouterConfig
from warp_cortex.router.markup import Markup
from warp_cortex.router.sentences import Finished, Sentence
from warp_cortex.router.triggers import Trigger, TriggerReader

CHARS_PER_TOKEN = 4
RATE_WINDOW_TOKENS = 32

TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
DIRECTION_MARKS = frozenset(
    "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Task:
    """What a stream shall think about; `span` is the half-open character range in the text that
    asked for it.
    """

    text: str
    kind: str
    span: tuple[int, int]


class Router:
    """Finds tasks in a text that arrives in pieces, in linear time, and fires each at most once.

    Triggers are `[TASK: ...]`, `[DELEGATE: ...]`, `[SEARCH: ...]`, `[CODE: ...]`, `[CHECK: ...]`;
    bare `[SEARCH]`, `[CODE]`, `[CHECK]`, which take the sentence before them as the task; and,
    unless switched off, sentences such as "let me check ...", which fire when they end. The result
    does not depend on how the text is cut into pieces.

    - Feed only what the River wrote itself. Injected thoughts never pass through here, so they
    cannot spawn.
    - Triggers in code, in quotations and on lines that begin with ">" are ignored (see `Markup`).
    - An unterminated trigger waits, for at most `max_task_chars` characters, a blank line, a code
      block or the next trigger; then it is dropped. So is a task longer than `max_task_chars`, or
      one without a letter or digit.
    - The same task (ignoring case, spacing and final punctuation) fires once in a run; at most
    `max_streams` fire.
    - At most `max_rate` tasks per token fire within any 32 tokens, or in the stretch in which the
      rate allows one if that is longer; a rate of 0 fires none. Four characters count as a token,
      so that pieces do not matter. What is over a cap is dropped, not delayed, and counted in
      `num_dropped`.
    """

    def __init__(self, config: RouterConfig) -> None:
        self._config = config
        self._markup = Markup()
        self._triggers = TriggerReader(limit=config.max_task_chars)
        self._sentence = Sentence(limit=config.max_task_chars)
        self._offset = 0
        self._primed = 0  # where the prompt ends
        self._seen: set[str] = set()
        self._ends: deque[int] = deque()  # where the tasks that fired inside the rate window end
        self.num_dropped = 0

    @property
    def num_chars(self) -> int:
        """Characters seen so far; spans count from the beginning of what was primed."""
        return self._offset

    def prime(self, text: str) -> None:
        """Read the prompt: nothing in it fires, but a trigger left open in it may be completed by
        later text.
        """
        for char in text:
            self._advance(char)
        if self._sentence.is_complete:
            self._sentence.end()
        self._primed = self._offset

    def feed(self, text_piece: str) -> list[Task]:
        """Read what the River wrote next and return the tasks that fired, in the order of their
        ends.
        """
        found = [task for task in map(self._advance, text_piece) if task is not None]
        return [task for task in found if self._admit(task)]

    def _advance(self, char: str) -> Task | None:
        position = self._offset
        self._offset = self._offset + 1
        plain = self._markup.advance(char)
        was_open = self._triggers.is_open
        trigger = self._triggers.advance(char, position=position, plain=plain)
        if self._markup.in_block:
            self._triggers.drop()
        if trigger is not None:
            return self._explicit(trigger)
        if was_open or self._triggers.is_open:
            if not was_open:
                self._leave_sentence(before=position)
            return None
        finished = self._sentence.add(char, plain=plain)
        return None if finished is None else self._implicit(finished, end=position)

    def _leave_sentence(self, *, before: int) -> None:
        """Take the head of a trigger that ends just `before` a position back out of the sentence,
        and end that.
        """
        self._sentence.cut(before - self._triggers.start)
        self._sentence.end()

    def _explicit(self, trigger: Trigger) -> Task | None:
        self._markup.release()
        start, end = trigger.span
        text = trigger.body
        if text is None:
            self._sentence.cut(end - 1 - start)
            text = self._named(self._sentence.latest)
            self._sentence.end()
        return self._task(text, kind=trigger.kind, span=trigger.span)

    def _named(self, sentence: Finished) -> str:
        """Return the task a bare trigger means: what its sentence wished for, so that both wish and
        trigger agree.
        """
        wish = sentence.wish() if self._config.implicit else None
        named = sentence.text if wish is None else wish[1]
        return named if len(named.split()) > 1 else ""  # "and [CHECK]" names nothing

    def _implicit(self, sentence: Finished, *, end: int) -> Task | None:
        wish = sentence.wish() if self._config.implicit else None
        # a line's end after the prompt does not make its wish the River's
        if wish is None or end <= self._primed:
            return None
        return self._task(wish[1], kind="implicit", span=(end - len(sentence.text) + wish[0], end))

    def _task(self, text: str, *, kind: str, span: tuple[int, int]) -> Task | None:
        clean = sanitise(text)
        is_task = len(clean) <= self._config.max_task_chars and any(
            char.isalnum() for char in clean
        )
        return Task(clean, kind, span) if is_task else None

    def _admit(self, task: Task) -> bool:
        key = task.text.casefold().rstrip(" .!?…,;:")
        if key in self._seen:
            return False
        if not (
            self._config.enabled
            and len(self._seen) < self._config.max_streams
            and self._is_in_rate(task)
        ):
            self.num_dropped += 1
            return False
        self._seen.add(key)
        self._ends.append(task.span[1])
        return True

    def _is_in_rate(self, task: Task) -> bool:
        rate = self._config.max_rate
        if rate == 0:
            return False
        window = max(RATE_WINDOW_TOKENS, 1 / rate)
        while self._ends and self._ends[0] <= task.span[1] - window * CHARS_PER_TOKEN:
            self._ends.popleft()
        # 1e-9: rate * (1 / rate) may fall just short of 1
        return len(self._ends) < int(rate * window + 1e-9)


def sanitise(text: str) -> str:
    """Return the text on one line, without terminal codes, control, direction and zero-width marks
    or surrogates.
    """
    shown = (
        " " if char.isspace() else char
        for char in TERMINAL_CODES.sub("", text)
        if char.isspace()
        or not (char in DIRECTION_MARKS or unicodedata.category(char) in CONTROL_CATEGORIES)
    )
    return " ".join("".join(shown).split())
