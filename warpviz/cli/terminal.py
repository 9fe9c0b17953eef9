"""A run on a terminal: the River's text as it is written, with notes on lines of their own."""

from typing import Any

from rich.console import Console
from rich.text import Text
from warp_cortex import (
    Calibration,
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

# why a stream set out, where its event does not say so, by the kind of its task
_REASONS = {"implicit": "the River's own words", "sentence": "the sentence ended"}
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
            case Calibration():
                self.note(_measured(event))
            case Failure(stream=None):
                self.note(f"the River failed: {event.message}", "red")
            case Finish(stream=None):
                self.end_line()
            case _:
                self._show_stream(event)

    def _show_stream(self, event: Event) -> None:
        match event:
            case Spawn():
                reason = event.why or _REASONS.get(event.kind, f"[{event.kind.upper()}]")
                self.note(f"stream {event.stream} sets out: {event.task} ({reason})")
            case Thought():
                self._thoughts[event.stream] = event.text
            case GateDecision():
                self._judged(event)
            case Inject():
                self.note(f"injection {event.injection} into the River: {event.text}")
            case Failure():
                self._thoughts.pop(event.stream or 0, None)
                self.note(f"stream {event.stream} failed: {event.message}", "red")
            case Finish(stream=int(stream)) if stream in self._thoughts:
                text = self._thoughts.pop(stream)
                self.note(f"stream {stream} thought: {text or '-'} (no thought: {event.reason})")

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
        digits = 2 if decision.scorer != "likelihood" else 3
        name = (
            decision.scorer if decision.scorer == "likelihood" else f"{decision.scorer} similarity"
        )
        similarity = f"{name} {decision.similarity:.{digits}f}"
        reason = f"{similarity}, theta {decision.threshold:.{digits}f}"
        self.note(f"stream {decision.stream} thought: {thought} ({verdict}: {reason})")

    def _write(self, text: str, style: str = "") -> None:
        if text:
            self._terminal.write(text, style)
            self._at_line_start = text.endswith("\n")


def _measured(event: Calibration) -> str:
    """Return what the gate measured before the River wrote, on one line."""
    null = event.similarities.get(event.scorer, [])
    said = f"theta {event.theta:.3f} measured under {event.scorer}"
    if not null:
        return said
    passing = sum(value >= event.theta for value in null)
    return (
        f"{said}: {passing} of {len(null)} strangers pass, their median {null[len(null) // 2]:.3f}"
    )
