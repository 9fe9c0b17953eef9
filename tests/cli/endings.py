"""Runs of the command line that are killed or interrupted at random moments.

`python -m tests.cli.endings kills 100` and `python -m tests.cli.endings interrupts 100` print what
docs/trust.md records; the tests try a few moments.
"""

import argparse
import io
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from warp_cortex import Finish, Spawn, Trace, load_trace

from tests.cli.conftest import PROMPT, environment, save_tiny
from warpviz.cli.run import LANES
from warpviz.cli.terminal import Screen, Terminal

KEPT_S = 1.0  # what was printed so long before a kill must be in the trace
WRITING = 0.7  # the share of interrupts that come while the River writes
LISTENING_S = 0.08  # Python itself takes this to start, before a program can hear a signal


@dataclass
class Started:
    """A run of the command line in a folder of its own, and what it has printed so far, when."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    begun: float = field(default_factory=time.monotonic)
    parts: list[tuple[float, bytes]] = field(default_factory=list)
    has_printed: threading.Event = field(default_factory=threading.Event)

    def listen(self) -> None:
        """Keep what the run prints, with the moment."""
        assert self.process.stdout is not None
        while part := os.read(self.process.stdout.fileno(), 1 << 16):
            self.parts.append((time.monotonic(), part))
            self.has_printed.set()
        self.has_printed.set()

    def printed(self, until: float) -> str:
        """Return what it had printed by a moment, without the end of a character cut in two."""
        return b"".join(part for at, part in self.parts if at <= until).decode("utf-8", "ignore")

    def trace(self) -> Trace | None:
        """Return the trace in its folder, if there is one."""
        if not (self.folder / "out" / "trace.jsonl").exists():
            return None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*holds a run without its end")
            return load_trace(self.folder / "out")

    def left(self) -> list[str]:
        """Return the names of files that are not whole."""
        return sorted(path.name for path in (self.folder / "out").glob(".*"))


def start(model: Path, folder: Path, lanes: str) -> tuple[Started, threading.Thread]:
    """Start a long run; return it with the thread that reads what it prints."""
    (folder / "prompt.txt").write_text(PROMPT, encoding="utf-8")
    flags = ("--model", model, "--prompt", "prompt.txt", "--k", 24, "--max-tokens", 3500)
    process = subprocess.Popen(
        [sys.executable, "-m", "warpviz", "run", *map(str, flags), "--lanes", lanes],
        cwd=folder,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    started = Started(process, folder)
    listener = threading.Thread(target=started.listen)
    listener.start()
    return started, listener


def end(started: Started, listener: threading.Thread) -> str:
    """Wait for the end of a run; return what it wrote to standard error."""
    process = started.process
    try:
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        listener.join()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
    with process.stderr:
        return process.stderr.read().decode()


def shown(trace: Trace) -> str:
    """Return what the command line prints of a trace."""
    out = io.StringIO()
    screen = Screen(Terminal(file=out, width=80))
    for event in trace.events:
        screen.show(event)
    return out.getvalue()


def kill(model: Path, folder: Path, lanes: str, after_s: float) -> str:
    """Kill a run some time after its first word; return what is wrong with its trace, or ""."""
    started, listener = start(model, folder, lanes)
    started.has_printed.wait()
    time.sleep(after_s)
    killed = time.monotonic()
    started.process.kill()
    said = end(started, listener)
    if started.process.returncode != -signal.SIGKILL:
        return f"it had ended before with {started.process.returncode}: {said}"
    trace = started.trace()
    printed = started.printed(killed - KEPT_S)
    if trace is None:
        return f"no trace, and {len(printed)} characters printed" if printed else ""
    if not shown(trace).startswith(printed):
        return f"{len(printed)} characters were printed, {len(shown(trace))} are in the trace"
    return f"it leaves {started.left()}" if started.left() else ""


@dataclass(frozen=True)
class Interrupted:
    """How a run ended after Ctrl-C: seconds until then, whether it has a trace, what is wrong."""

    seconds: float
    has_trace: bool
    wrong: str


def interrupt(
    model: Path, folder: Path, lanes: str, after_s: float, *, writes: bool, twice: bool
) -> Interrupted:
    """Send a run SIGINT some time after its start, or its first word if it `writes`.

    twice: send another while it ends.
    """
    started, listener = start(model, folder, lanes)
    if writes:
        started.has_printed.wait()
        time.sleep(after_s)
    else:
        time.sleep(max(0.0, started.begun + after_s - time.monotonic()))
    sent = time.monotonic()
    started.process.send_signal(signal.SIGINT)
    if twice:
        time.sleep(0.05)
        if started.process.poll() is None:
            started.process.send_signal(signal.SIGINT)
    started.process.wait(60)
    seconds = time.monotonic() - sent
    said = end(started, listener)
    trace = started.trace()
    wrong = ""
    if started.process.returncode != 130 or said.count("\n") != 1 or "interrupted" not in said:
        wrong = f"exit code {started.process.returncode}: {said!r:.300}"
    elif (trace is not None) != ("the trace so far is in" in said):
        wrong = f"the trace is {'missing' if trace is None else 'there'}: {said!r}"
    elif trace is not None:
        wrong = unfinished(trace) or (f"it leaves {started.left()}" if started.left() else "")
    return Interrupted(seconds, trace is not None, wrong)


def unfinished(trace: Trace) -> str:
    """Return what a saved trace lacks, or ""."""
    if not trace.has_ended:
        return "the River has no end"
    if not trace.arrays:
        return "there are no arrays"
    ended = {event.stream for event in trace.of(Finish)}
    lost = [event.stream for event in trace.of(Spawn) if event.stream not in ended]
    return f"streams {lost} have no end" if lost else ""


def main() -> None:
    """Try as many random moments as the command line says, in every lane."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("kills", "interrupts"))
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lanes", choices=LANES, action="append")
    args = parser.parse_args()
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        model = save_tiny(Path(folder) / "tiny")
        for lanes in args.lanes or LANES:
            rows = []
            for number in range(args.count):
                place = Path(folder) / f"{lanes}-{number}"
                place.mkdir()
                rows.append(tried(args.what, draw, model, place, lanes))
            report(lanes, rows)


def tried(what: str, draw: random.Random, model: Path, folder: Path, lanes: str) -> Interrupted:
    """Try one random moment of a run's first 4 s of writing, or of the 6 s of imports before."""
    writes = what == "kills" or draw.random() < WRITING
    after_s = draw.uniform(0, 4) if writes else draw.uniform(LISTENING_S, 6)
    if what == "kills":
        found = Interrupted(0.0, has_trace=True, wrong=kill(model, folder, lanes, after_s))
    else:
        twice = draw.random() < 0.5
        found = interrupt(model, folder, lanes, after_s, writes=writes, twice=twice)
    if found.wrong:
        sys.stdout.write(f"WRONG {lanes} after {after_s:.3f} s: {found.wrong}\n")
    return found


def report(lanes: str, rows: list[Interrupted]) -> None:
    """Print the counts of one lane."""
    seconds = [row.seconds for row in rows]
    wrong = sum(bool(row.wrong) for row in rows)
    with_trace = sum(row.has_trace for row in rows)
    sys.stdout.write(
        f"{lanes}: {len(rows)} tried, {with_trace} with a trace, {wrong} wrong; "
        f"seconds: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}\n"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
