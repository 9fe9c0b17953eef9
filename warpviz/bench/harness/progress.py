"""Progress of a long run: a bar on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 15.0  # seconds between lines


class Meter(Protocol):
    """Shows progress."""

    def advance(self, agents: int, tokens: int) -> None:
        """Count agents that have ended and the tokens they fed."""


class Lines:
    """Plain lines: agents done, tokens per second, time left."""

    def __init__(
        self,
        total: int,
        done: int,
        out: TextIO,
        *,
        unit: str = "agents",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.done = done
        self.out = out
        self.unit = unit
        self.clock = clock
        self._start = self._said = clock()
        self._agents = self._tokens = 0

    def advance(self, agents: int, tokens: int) -> None:
        """Count, and write a line if the last one is some seconds old or all agents are done."""
        self._agents += agents
        self._tokens += tokens
        now = self.clock()
        done = self.done + self._agents
        if now - self._said < EVERY and done < self.total:
            return
        self._said = now
        seconds = max(now - self._start, 1e-9)
        left = (self.total - done) * seconds / self._agents
        rate = f"{self._tokens / seconds:,.0f} agent-tokens/s"
        self.out.write(f"{done:,} of {self.total:,} {self.unit}, {rate}, {_span(left)} left\n")
        self.out.flush()


class Bar:
    """A rich progress bar."""

    def __init__(self, bar: Progress, total: int, done: int, *, unit: str = "agents") -> None:
        self.bar = bar
        self.start = time.monotonic()
        self.tokens = 0
        self.task = bar.add_task(unit, total=total, completed=done, rate="")

    def advance(self, agents: int, tokens: int) -> None:
        """Move the bar."""
        self.tokens += tokens
        rate = self.tokens / max(time.monotonic() - self.start, 1e-9)
        self.bar.update(self.task, advance=agents, rate=f"{rate:,.0f} agent-tokens/s")


class Silent:
    """Shows nothing."""

    def advance(self, agents: int, tokens: int) -> None:
        """Show nothing."""


@contextmanager
def meter(
    total: int, done: int, *, quiet: bool, unit: str = "agents", out: TextIO | None = None
) -> Iterator[Meter]:
    """Yield a meter on standard error: a bar on a terminal, lines elsewhere, nothing if quiet.

    unit: what is counted.
    """
    where = out or sys.stderr
    if quiet:
        yield Silent()
    elif where.isatty():
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(file=where)) as bar:
            yield Bar(bar, total, done, unit=unit)
    else:
        yield Lines(total, done, where, unit=unit)


def _span(seconds: float) -> str:
    """Return a span of time as hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
