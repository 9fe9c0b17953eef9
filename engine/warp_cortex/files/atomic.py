"""Writing files whole: those that belong together take their places together, or none does."""

import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex

# a file's bytes, a function that writes the file at the path it gets, or None: no such file
Content = bytes | Callable[[Path], object] | None

STALE_S = 3600
_MOVING = threading.Lock()
_PARTIAL = re.compile(r"\..+\.(\d+)\.[0-9a-f]{8}\.part")


def write_files(contents: Mapping[Path, Content]) -> None:
    """Write, replace or remove the files of one folder, so that a failure leaves the old ones.

    contents: by path, the bytes of a file, a function that writes a file at the path it gets, or
    None to remove the file. Each file is first written next to its place, under a name of this
    call's own, and flushed to the disk; after the last one all are moved in the order given. Two
    calls for one folder, also of two processes, move their files one after the other.

    Only a crash between two moves can leave a mixed set. A reader sees it if one file holds the
    digest of another: give the file that holds it first, for older files may have no digest.

    Raises:
        ValueError: the files are in more than one folder.
        OSError: the disk is full, or the folder may not be written to.
    """
    folders = {path.parent for path in contents}
    if len(folders) > 1:
        listed = ", ".join(sorted(map(str, folders)))
        msg = f"files that are written together must be in one folder, got {listed}"
        raise ValueError(msg)
    partials: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            if content is not None:
                partials[path] = partial_path(path)
                _write(partials[path], content)
        for folder in folders:
            _sweep(folder)
            with only_mover(folder):
                for path in contents:
                    if path in partials:
                        partials[path].replace(path)
                    else:
                        path.unlink(missing_ok=True)
    finally:
        for partial in partials.values():
            with contextlib.suppress(OSError):  # the first error is the one to see
                partial.unlink(missing_ok=True)


def try_folder(folder: Path) -> None:
    """Make the folder if there is none, and write a file into it that is removed again.

    Raises:
        OSError: there is no such folder, it may not be written to, or its disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    trial = partial_path(folder / "trial")
    try:
        _write(trial, b"?")
    except OSError as error:
        error.filename = str(folder)
        raise
    finally:
        with contextlib.suppress(OSError):  # the first error is the one to see
            trial.unlink(missing_ok=True)


def partial_path(path: Path) -> Path:
    """Return a new name next to `path` for a file that is not complete yet."""
    return path.with_name(f".{path.name}.{os.getpid()}.{token_hex(4)}.part")


def writer_of(partial: Path) -> int | None:
    """Return the id of the process that chose a partial name, None for any other name."""
    match = _PARTIAL.fullmatch(partial.name)
    return None if match is None else int(match[1])


def _sweep(folder: Path) -> None:
    """Remove what killed processes left half written an hour ago or earlier."""
    for partial in folder.glob(".*.part"):
        writer = writer_of(partial)
        with contextlib.suppress(OSError):  # another process may be removing it
            # also the age: on a shared disk the writer may be a process of another machine
            is_old = time.time() - partial.stat().st_mtime > STALE_S
            if is_old and writer is not None and not _is_running(writer):
                partial.unlink()


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # there a signal of 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True


def _write(path: Path, content: bytes | Callable[[Path], object]) -> None:
    try:
        if callable(content):
            content(path)
        else:
            path.write_bytes(content)
        with path.open("rb+") as file:  # a full disk may show itself only here
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno is not None and error.filename is None:  # a write to an open file names none
            error.filename = str(path)
        raise


@contextlib.contextmanager
def only_mover(folder: Path) -> Iterator[None]:
    """Keep other threads and, where folders can be locked, other processes from moving files."""
    with _MOVING:
        if sys.platform == "win32":  # there a folder can be neither opened nor locked
            yield
            return
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
        try:
            with contextlib.suppress(OSError):  # some network file systems know no locks
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
            with contextlib.suppress(OSError):  # some file systems do not flush folders
                os.fsync(handle)
        finally:
            os.close(handle)
