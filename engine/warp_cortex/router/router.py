"""The Router: reads the River's visible text as it grows and says which tasks it asks for."""

import re
import unicodedata
from collections import deque
from dataclasses import dataclass

from warp_cortex.config import TEXT_TRIGGERS, RouterConfig
from warp_cortex.router.markup import Markup
from warp_cortex.router.sentences import HIDDEN, TERMINATORS, Finished, Sentence, num_words
from warp_cortex.router.signals import ScheduleTrigger, UncertainTrigger
from warp_cortex.router.triggers import Trigger, TriggerReader

CHARS_PER_TOKEN = 4
FEWEST_WORDS = 4  # a shorter sentence states nothing to think about
RATE_WINDOW_TOKENS = 32

TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
DIRECTION_MARKS = frozenset(
    "\u200b\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
CONTROL_CATEGORIES = frozenset({"Cc", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Task:
    """What a stream shall think about.

    kind: task, delegate, search, code or check for a bracket; implicit for a phrase; sentence,
        uncertain, schedule or asked.
    span: the half-open character range that asks for it, counted from the beginning of the prompt.
    why: what made it fire, where the text alone does not say so.
    """

    text: str
    kind: str
    span: tuple[int, int]
    why: str = ""


class Router:
    """Finds tasks in a text that arrives in pieces, in linear time, and returns each at most once.

    Triggers are `[TASK: ...]`, `[DELEGATE: ...]`, `[SEARCH: ...]`, `[CODE: ...]`, `[CHECK: ...]`;
    bare `[SEARCH]`, `[CODE]`, `[CHECK]`, whose task is the sentence before them; and, unless
    switched off, sentences such as "let me check ...", which fire when they end. The result does
    not depend on how the text is cut into pieces.

    - It reads only what the River wrote itself. Injected thoughts are never fed, so they cannot
      spawn streams.
    - Triggers in code, in quotations and on lines that begin with ">" are ignored (see `Markup`).
    - A trigger without an end is dropped after `max_task_chars` characters, at a blank line, at a
      code block, and at the next trigger. A task longer than `max_task_chars`, or without a letter
      or digit, is dropped, too.
    - The same task (ignoring case, spacing and final punctuation) fires once in a run; at most
      `max_streams` fire.
    - At most `max_rate` tasks per token fire within any 32 tokens, or within the tokens in which
      the rate allows one if these are more; a rate of 0 fires none. Four characters count as a
      token, so that pieces do not matter. Tasks over a cap are dropped, not delayed, and counted
      in `num_dropped`.
    - What else `config.triggers` names: "sentence" fires at the end of each sentence, "uncertain"
      where the River's entropy crosses a running quantile, "schedule" every so many tokens with
      one of `standing`. These tasks are marked by their kind and count like the others.
    """

    def __init__(self, config: RouterConfig, *, standing: tuple[str, ...] = ()) -> None:
        self._config = config
        triggers = config.triggers or TEXT_TRIGGERS
        self._reads_brackets = "bracket" in triggers
        self._reads_phrases = "phrase" in triggers and config.implicit
        self._reads_sentences = "sentence" in triggers
        self._uncertain = None
        if "uncertain" in triggers:
            self._uncertain = UncertainTrigger(quantile=config.quantile)
        self._schedule = None
        if "schedule" in triggers:
            self._schedule = ScheduleTrigger(tasks=standing, every=config.every)
        self._markup = Markup()
        self._triggers = TriggerReader(limit=config.max_task_chars)
        self._sentence = Sentence(limit=config.max_task_chars)
        self._offset = 0
        self._primed = 0  # where the prompt ends
        self._seen: set[str] = set()
        self._ends: deque[int] = deque()  # ends of the tasks that fired inside the rate window
        self.num_dropped = 0

    def prime(self, text: str) -> None:
        """Read the prompt: nothing in it fires, but later text may complete a trigger it opens."""
        for char in text:
            self._advance(char)
        if self._sentence.is_complete:
            self._sentence.end()
        self._primed = self._offset

    def feed(self, text_piece: str, *, entropy: float | None = None) -> list[Task]:
        """Read what the River wrote next; return the tasks that fire, ordered by where they end.

        entropy: in nats, of the distribution that the piece's token was drawn from; without it the
            triggers that count tokens are left alone.
        """
        found = [task for task in map(self._advance, text_piece) if task is not None]
        if entropy is not None:
            found += self._signalled(entropy)
        return [task for task in found if self._admit(task)]

    def ask(self, text: str) -> Task | None:
        """Return the task of a question that somebody asks during a run; None over a cap.

        Raises:
            ValueError: the question has no letter or digit, or more than `max_task_chars`.
        """
        clean = sanitise(text)
        if not any(char.isalnum() for char in clean) or len(clean) > self._config.max_task_chars:
            most = self._config.max_task_chars
            msg = f"a question must have 1 to {most} characters, got {text!r:.80}"
            raise ValueError(msg)
        task = Task(clean, "asked", (self._offset, self._offset), "asked from outside")
        if len(self._seen) >= self._config.max_streams:
            self.num_dropped += 1
            return None
        self._seen.add(f"asked {self._offset} {clean}")
        return task

    def _signalled(self, entropy: float) -> list[Task]:
        """Return the tasks that one more token causes by its number and its entropy."""
        found = []
        span = (self._offset, self._offset)
        if self._uncertain is not None and (why := self._uncertain.feed(entropy)) is not None:
            text = sanitise(self._sentence.latest.text)
            if any(char.isalnum() for char in text):
                found.append(Task(text[-self._config.max_task_chars :], "uncertain", span, why))
        if self._schedule is not None and (due := self._schedule.feed()) is not None:
            found.append(Task(due[0], "schedule", span, due[1]))
        return found

    def _advance(self, char: str) -> Task | None:
        position = self._offset
        self._offset += 1
        plain = self._markup.advance(char)
        was_open = self._triggers.is_open
        trigger = self._triggers.advance(
            char, position=position, plain=plain and self._reads_brackets
        )
        if self._markup.in_block:
            self._triggers.drop()
        if trigger is not None:
            return self._explicit(trigger)
        if was_open or self._triggers.is_open:
            if not was_open:
                self._leave_sentence(before=position)
            return None
        finished = self._sentence.add(char, plain=plain)
        return None if finished is None else self._ended(finished, end=position)

    def _leave_sentence(self, *, before: int) -> None:
        """End the sentence without the head of the trigger that ends just `before` a position."""
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
        """Return the task of a bare trigger: what its sentence wishes for, or the sentence."""
        wish = sentence.wish() if self._reads_phrases else None
        named = sentence.text if wish is None else wish[1]
        return named if num_words(named) > 1 else ""  # "and [CHECK]" names nothing

    def _ended(self, sentence: Finished, *, end: int) -> Task | None:
        """Return the task of a finished sentence: its wish, or the sentence itself if so asked."""
        task = self._implicit(sentence, end=end)
        if task is not None or not self._reads_sentences or end <= self._primed:
            return task
        if num_words(sentence.text) < FEWEST_WORDS or HIDDEN in sentence.prose:
            return None
        span = (end - len(sentence.text), end)
        return self._task(sentence.text, kind="sentence", span=span)

    def _implicit(self, sentence: Finished, *, end: int) -> Task | None:
        wish = sentence.wish() if self._reads_phrases else None
        # a wish in the prompt is not the River's, even if it ends with the line after the prompt
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
        key = task.text.casefold().rstrip(f" {TERMINATORS},;:\uff0c\uff1b\uff1a\u3001")
        if task.kind == "schedule":  # a standing task is asked again
            key = f"schedule {task.span[1]}"
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
    """Return the text on one line, without hidden characters.

    These are terminal codes, control, direction and zero-width marks, and surrogates.
    """
    shown = (
        " " if char.isspace() else char
        for char in TERMINAL_CODES.sub("", text)
        if char.isspace()
        or not (char in DIRECTION_MARKS or unicodedata.category(char) in CONTROL_CATEGORIES)
    )
    return " ".join("".join(shown).split())
