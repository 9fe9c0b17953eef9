"""What Ctrl-C does to a command: it ends at once, or saves its run first; exit code 130."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

INTERRUPTED = 130


class Interrupts:
    """Ctrl-C from the command's first moment to its last; used in a `with` block.

    It raises KeyboardInterrupt, except in two kinds of blocks. Elsewhere than in the main thread of
    the interpreter, which alone gets signals, this does nothing.

    happened: whether Ctrl-C was pressed in a block that saves first.
    """

    def __init__(self) -> None:
        self.happened = False
        self._act: Callable[[], None] = _raise
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    @contextmanager
    def ending_at_once(self, message: str) -> Iterator[None]:
        """End the process at once inside the block, with a line: there is nothing to save yet.

        An exception would do for most code, but not during imports: they call functions in which
        Python drops every exception, and half an import would be an error of its own.
        """
        before = self._act
        self._act = lambda: _end_at_once(message)
        try:
            yield
        finally:
            self._act = before

    def raising(self) -> None:
        """Raise KeyboardInterrupt for the rest of the block: something has to be cleaned up."""
        self._act = _raise

    @contextmanager
    def saving_first(self, stop: Callable[[], None]) -> Iterator[None]:
        """Call `stop` and raise KeyboardInterrupt, once: what follows is saved undisturbed.

        Pressed again, Ctrl-C does nothing from then on, until the command ends.
        """

        def act() -> None:
            self._act = _ignore
            self.happened = True
            stop()
            raise KeyboardInterrupt

        self._act = act
        try:
            yield
        finally:
            self._act = _ignore if self.happened else _raise

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._act()


def _raise() -> None:
    raise KeyboardInterrupt


def _ignore() -> None:
    """Do nothing: the command ends already."""


def _end_at_once(message: str) -> None:
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"{message}\n".encode())
    os._exit(INTERRUPTED)
