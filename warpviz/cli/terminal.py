"""A run on a terminal: the River's text as it is written, with notes on lines of their own."""

from typing import Any

from rich.console import Console
from rich.text import Text
from warp_cortex import (
    Event,
    Failure,
    Finish,
    GateDecision,
    Inject,
    RunStart,
    Spawn,
    Thought,
    Token,
)

from warpviz.characters import for_terminal, one_line

_PROMPT_TAIL = 400  # characters of the prompt that are shown before the River's text


class Terminal(Console):
    """Standard output through rich; a closed pipe raises instead of ending the process.

    rich decides on colours: none when standard output is no terminal or NO_COLOR is set.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(highlight=False, soft_wrap=True, **settings)

    def write(self, text: str, style: str = "") -> None:
        """Write text in a style; control characters in it are shown, not sent."""
        self.print(Text(for_terminal(text), style=style), end="")

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError: the caller has a trace to save."""
        raise BrokenPipeError


class Screen:
    """Writes a run as it happens: the River's text plain, notes on its streams dimmed."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._at_line_start = True
        self._thoughts: dict[int, str] = {}

    def show(self, event: Event) -> None:
        """Write what one event says; most say nothing here."""
        match event:
            case RunStart():
                tail = event.prompt[-_PROMPT_TAIL:]
                self._write(("…" if tail != event.prompt else "") + tail, "dim")
            case Token():
                self._write(event.text)
            case Spawn():
                self.note(f"stream {event.stream} sets out: {event.task}")
            case Thought():
                self._thoughts[event.stream] = event.text
            case GateDecision():
                self._judged(event)
            case Inject():
                self.note(f"injection {event.injection} into the River: {event.text}")
            case Failure():
                owner = "the River" if event.stream is None else f"stream {event.stream}"
                self.note(f"{owner} failed: {event.message}", "red")
            case Finish(stream=None):
                self.end_line()

    def note(self, message: str, style: str = "dim") -> None:
        """Write a message on a line of its own, between the River's lines."""
        self.end_line()
        self._write(f"  │ {one_line(message)}\n", style)

    def end_line(self) -> None:
        """Start a new line unless the cursor is at the start of one."""
        if not self._at_line_start:
            self._write("\n")

    def _judged(self, decision: GateDecision) -> None:
        thought = self._thoughts.pop(decision.stream, "")
        verdict = "accepted" if decision.accepted else "rejected"
        similarity = f"{decision.scorer} similarity {decision.similarity:.2f}"
        reason = f"{similarity}, theta {decision.threshold:.2f}"
        self.note(f"stream {decision.stream} thought: {thought} ({verdict}: {reason})")

    def _write(self, text: str, style: str = "") -> None:
        if text:
            self._terminal.write(text, style)
            self._at_line_start = text.endswith("\n")
