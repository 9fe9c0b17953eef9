"""The River on a terminal as it flows, with notes beside it."""

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

from warpviz.cli.sanitise import one_line, printable

_PROMPT_TAIL = 400


class Terminal(Console):
    """Standard output through rich, which leaves it to the caller what a reader that has gone away
    means.
    """

    def __init__(self) -> None:
        super().__init__(highlight=False, soft_wrap=True)

    def on_broken_pipe(self) -> None:
        """Raise instead of ending the process: the trace is still to be saved."""
        raise BrokenPipeError


class Screen:
    """Writes a run as it happens: the River's text plain, everything about streams dimmed on lines
    of its own.

    rich decides on colours: none when the console is no terminal or NO_COLOR is set.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._at_line_start = True
        self._thoughts: dict[int, str] = {}

    def show(self, event: Event) -> None:
        """Write what one event has to tell; most have nothing."""
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
        """Write one line of its own beside the River's text."""
        self.end_line()
        self._write(f"  │ {one_line(message)}\n", style)

    def end_line(self) -> None:
        """Start a new line unless the cursor is at the start of one."""
        if not self._at_line_start:
            self._write("\n")

    def _judged(self, decision: GateDecision) -> None:
        thought = self._thoughts.pop(decision.stream, "")
        verdict = "accepted" if decision.accepted else "rejected"
        figures = f"{decision.scorer} similarity {decision.similarity:.2f}, theta {decision.threshold:.2f}"
        self.note(f"stream {decision.stream} thought: {thought} ({verdict}: {figures})")

    def _write(self, text: str, style: str = "") -> None:
        if text:
            self._console.print(Text(printable(text), style=style), end="", soft_wrap=True)
            self._at_line_start = text.endswith("\n")
