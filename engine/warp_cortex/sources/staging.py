"""Folders that appear whole or not at all."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

PARTIAL = ".partial"  # how the name of what is being made ends
STALE_S = 24 * 3600


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Give a new empty folder beside `folder` to write to, and rename it to that at the end.

    Whatever goes wrong, Ctrl-C included, nothing is left. If another process has made `folder`
    meanwhile, its folder stays and this one is removed.
    """
    partial = folder.with_name(f".{folder.name}-{os.getpid()}-{uuid4().hex[:8]}{PARTIAL}")
    partial.mkdir(parents=True)
    try:
        yield partial
        try:
            partial.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove what killed processes left half made in `folder` a day ago or earlier."""
    for partial in folder.glob(f".*{PARTIAL}"):
        with suppress(OSError):  # another process may be removing it
            if time.time() - partial.stat().st_mtime > STALE_S:
                shutil.rmtree(partial, ignore_errors=True)
