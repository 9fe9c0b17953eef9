"""Plain text that a command writes: nothing in it can steer a terminal.

Paths, arguments and error messages may hold control characters; they are shown, not sent.
"""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from warpviz.characters import for_terminal, one_line


def write_line(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.write(for_terminal(text) + "\n")


def write_error(program: str, message: str) -> None:
    """Write `program: message` to standard error, on one line."""
    sys.stderr.write(f"{program}: {one_line(message)}\n")


@contextmanager
def stdout_kept(*, wanted: bool) -> Iterator[None]:
    """Send everything that is printed inside the block to standard error, if `wanted`.

    With --json, standard output holds one object, whatever libraries print.
    """
    if not wanted:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield


class PrintableOutput(io.TextIOBase):
    """A text stream that passes on what it is given, control characters made visible."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text` and return its length."""
        self._stream.write(for_terminal(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Tell whether the stream below is a terminal."""
        return self._stream.isatty()
