"""A trace on the disk while its run goes on: what has happened survives the end of the process."""

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from warp_cortex.files.atomic import only_mover, partial_path, write_files
from warp_cortex.trace.trace import EVENTS_FILE, HEAD, Trace, line_of, packed

FLUSH_S = 0.25


class Recording:
    """Writes a trace into a folder while it grows: `with Recording(cortex.trace, "out"):`.

    `Cortex.run(prompt, save="out")` makes one. The events go to trace.jsonl: of a run each one
    before it is yielded, of any other trace every quarter of a second. `close`, or the end of the
    block, adds the arrays as trace.npz. After a crash the file holds what there was.

    An older trace in the folder is replaced when the recording begins. If another recording is
    writing trace.jsonl, or another trace takes its place meanwhile, this one goes on in
    trace-2.jsonl, or the next number that is free: `path` says where.

    On a full disk the run goes on, what was written stays, and `close` tries once more.

    Raises:
        OSError: the folder cannot be written to; from `close`: the disk is full.
    """

    def __init__(self, trace: Trace, folder: Path | str) -> None:
        self._trace = trace
        self._folder = Path(folder)
        self._writing = threading.Lock()
        self._closing = threading.Event()
        self._is_full = False  # the disk did not take the latest events
        self._begin(first=1)
        # no daemon: a script that ends with its run left open must not lose the last events
        self._thread = threading.Thread(target=self._follow, name="warp-recording")
        self._thread.start()

    def flush(self) -> None:
        """Write the events so far.

        Raises:
            OSError: they cannot be written; the message names the file.
        """
        with self._writing:
            if not self._is_in_place():
                lost = self._file
                self._begin(first=2 if self.path.exists() else 1)
                lost.close()
            self._write()

    def note(self) -> None:
        """Write the events so far, without a word if the disk is full: `close` tries once more.

        A run calls it before an event is shown: another thread may not get to work for seconds
        while a library compiles.
        """
        with self._writing, contextlib.suppress(OSError):
            if not self._is_full:
                self._write()

    def close(self) -> None:
        """Write the rest of the events, then the arrays; later calls do nothing.

        Raises:
            OSError: one of the files cannot be written; the other one stays.
        """
        if self._file.closed:
            return
        self._closing.set()
        self._thread.join()
        try:
            self.flush()
            with _named(self.path):
                os.fsync(self._file.fileno())
            if self._trace.arrays:
                digest = hashlib.sha256(self.path.read_bytes()).digest()
                arrays = packed(self._trace.arrays, digest)
                write_files({self.path.with_suffix(".npz"): arrays})
        finally:
            self._file.close()  # locked until the arrays are there

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, *, first: int) -> None:
        """Open a new file in the folder, with its first line, and write all events again."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path, self._file = _claimed(self._folder, first)
        self._done = (0, len(HEAD))  # events and bytes that the file holds

    def _write(self) -> None:
        num_events, at = self._done
        events = self._trace.events[num_events:]
        rest = lines = b"".join(map(line_of, events))
        self._is_full = True
        with _named(self.path):
            self._file.seek(at)
            while rest:
                rest = rest[self._file.write(rest) :]
        self._is_full = False
        # last, and in one step: if Ctrl-C comes before it, the same bytes are written once more
        self._done = (num_events + len(events), at + len(lines))

    def _is_in_place(self) -> bool:
        """Return whether the open file is still the one that its name stands for."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def _follow(self) -> None:
        while not self._closing.wait(FLUSH_S):
            try:
                self.flush()
            except OSError:  # `close` meets it again and raises it
                continue
            if not threading.main_thread().is_alive():
                return


def _claimed(folder: Path, first: int) -> tuple[Path, IO[bytes]]:
    """Put a new file in the place of the first trace that no recording writes; return it, open."""
    partial = partial_path(folder / EVENTS_FILE)
    file = partial.open("xb", buffering=0)
    try:
        with _named(partial):
            _lock(file)
            file.write(HEAD)
        with only_mover(folder):
            path = next(path for path in _places(folder, first) if not _is_taken(path))
            # first the arrays: those of version 0.1 do not say which events they belong to
            path.with_suffix(".npz").unlink(missing_ok=True)
            partial.replace(path)
    except BaseException:
        file.close()
        with contextlib.suppress(OSError):  # the first error is the one to see
            partial.unlink(missing_ok=True)
        raise
    return path, file


def _places(folder: Path, first: int) -> Iterator[Path]:
    for number in count(first):
        yield folder / (EVENTS_FILE if number == 1 else f"trace-{number}.jsonl")


def _is_taken(path: Path) -> bool:
    """Return whether a recording writes the file; one with a number is never written again."""
    if path.name != EVENTS_FILE:
        return path.exists()
    try:
        with path.open("rb") as other:
            _lock(other)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed.

    Raises:
        BlockingIOError: it is locked already.
    """
    if sys.platform == "win32":  # there an open file cannot be replaced: the claim itself fails
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # some network file systems know no locks
        return


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    """Give an OSError of writing to an open file that file's name."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
