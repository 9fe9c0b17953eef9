"""A voice: every text that the engine itself says to a model, in one object.

A River's text is opened, a side task is put to a stream that continues the River's cache, a
thought is ended, and an accepted thought is written into the cache. A model that was trained on
chats, a base model and the bundled village model each expect other words for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

from warp_cortex.config.checks import template

ANY_KIND = "task"  # the template for kinds of tasks that have none of their own
LISTS = ("standing", "stops", "completes", "nothing", "yes", "no")  # parts of several texts
BEGINNING = 3  # words of a sentence that name its subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How one speaks to a model.

    opening: what a plain text becomes when a run begins with it; holds `{text}`.
    before_task, after_task: what stands around a question to a stream, from the River's last token
        to the stream's first. In a chat they close the open turn, ask as the user and open the
        assistant's turn.
    answer: how an answer to a task of a kind in `completes` begins; a stream reads it as its own
        and it is no part of the thought.
    tasks: the question for each kind of task, by kind; holds `{task}`, which a kind of `completes`
        may leave out. A kind without one takes that of `task`.
    standing: tasks that the `schedule` trigger asks in turn.
    stops: texts that end a thought; they are not part of it.
    reference: how an accepted thought is written into the River's cache; holds `{thought}`.
    completes: kinds of tasks whose first words begin the thought, so that a stream says how the
        text goes on from them instead of repeating its task.
    nothing: how a stream says that it has nothing to add; compared without case and punctuation.
    verdict: asks the model whether its text says a `{thought}`; "" where it cannot be asked. yes,
        no: how it begins its answer, each of several ways.

    Raises:
        ValueError: a template lacks its slot.
        TypeError: a part is no text.
    """

    name: str
    opening: str = "{text}"
    before_task: str = ""
    after_task: str = ""
    answer: str = ""
    tasks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({ANY_KIND: "{task}"}))
    standing: tuple[str, ...] = ()
    stops: tuple[str, ...] = ("\n",)
    reference: str = " {thought}"
    completes: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    verdict: str = ""
    yes: tuple[str, ...] = ("Yes", " Yes", "yes", " yes")
    no: tuple[str, ...] = ("No", " No", "no", " no")

    def __post_init__(self) -> None:
        template("voice.opening", self.opening, slot="text")
        template("voice.reference", self.reference, slot="thought")
        if self.verdict:
            template("voice.verdict", self.verdict, slot="thought")
        for kind, text in self.tasks.items():
            if kind not in self.completes or "{" in text:
                template(f"voice.tasks[{kind!r}]", text, slot="task")
        if ANY_KIND not in self.tasks:
            msg = f"voice.tasks must hold a template for {ANY_KIND!r}, got {sorted(self.tasks)}"
            raise ValueError(msg)
        for name in LISTS:
            texts = getattr(self, name)
            if isinstance(texts, str) or not all(isinstance(t, str) and t for t in texts):
                msg = f"voice.{name} must be several non-empty texts, got {texts!r}"
                raise TypeError(msg)
            object.__setattr__(self, name, tuple(texts))

    def open(self, text: str) -> str:
        """Return the text a run begins with, for a prompt that is plain text."""
        return self.opening.format(text=text)

    def ask(self, task: str, kind: str) -> str:
        """Return what a stream reads behind the River's last token."""
        question = self.tasks.get(kind, self.tasks[ANY_KIND]).format(task=task)
        answer = self.answer if kind in self.completes else ""
        return f"{self.before_task}{question}{self.after_task}{answer}"

    def doubt(self, thought: str) -> str:
        """Return what asks whether the text says a thought.

        Raises:
            ValueError: this voice has no such question.
        """
        if not self.verdict:
            msg = f"the voice {self.name!r} asks for no verdict; give voice.verdict, or a scorer"
            raise ValueError(msg)
        return f"{self.before_task}{self.verdict.format(thought=thought)}{self.after_task}"

    def begin(self, task: str, kind: str) -> str:
        """Return the words that a thought begins with: the task's first ones, or none."""
        words = task.split()
        if kind not in self.completes or len(words) <= BEGINNING:
            return ""
        return " ".join(words[:BEGINNING])

    def finish(self, thought: str) -> str:
        """Return a thought without outer spaces, with the full stop that ended it put back."""
        text = thought.strip()
        return f"{text}." if text and ". " in self.stops and text[-1].isalnum() else text

    def refer(self, thought: str) -> str:
        """Return what an accepted thought is written as."""
        return self.reference.format(thought=thought.strip())

    def is_nothing(self, thought: str) -> bool:
        """Tell whether a thought says that there is nothing to add."""
        said = _bare(thought)
        return any(said.startswith(_bare(phrase)) for phrase in self.nothing)

    def repeats(self, thought: str, task: str) -> bool:
        """Tell whether a thought only says its task again."""
        said = _bare(thought)
        return bool(said) and said in (_bare(task), _bare(self.ask(task, ANY_KIND)))

    def echoes(self, thought: str, written: str) -> bool:
        """Tell whether a thought stands in a text already, word for word."""
        said = _bare(thought)
        return bool(said) and f" {said} " in f" {_bare(written)} "

    def to_dict(self) -> dict[str, Any]:
        """Return the voice as JSON-ready values."""
        plain = {
            name: getattr(self, name)
            for name in (
                "name",
                "opening",
                "before_task",
                "after_task",
                "answer",
                "reference",
                "verdict",
            )
        }
        lists = {name: list(getattr(self, name)) for name in LISTS}
        return {**plain, "tasks": dict(self.tasks), **lists}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the voice that `to_dict` described.

        Raises:
            ValueError, TypeError: a part is unknown, missing or of another kind.
        """
        known = set(cls.__dataclass_fields__)
        if unknown := sorted(set(record) - known):
            msg = f"a voice has no {unknown[0]!r}; it has {', '.join(sorted(known))}"
            raise ValueError(msg)
        lists = {name: record[name] for name in LISTS if name in record}
        for name, texts in lists.items():
            if not isinstance(texts, list | tuple):
                msg = f"voice.{name} must be a list of texts, got {texts!r}"
                raise TypeError(msg)
        return cls(**{**record, **{name: tuple(texts) for name, texts in lists.items()}})

    def altered(self, **parts: Any) -> Self:
        """Return this voice with some of its parts replaced."""
        return replace(self, **parts)


def _bare(text: str) -> str:
    """Return a text without case, punctuation and spacing, to compare what was said."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
