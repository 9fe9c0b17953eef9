"""Folders that appear whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Give a new empty folder beside `folder` to write to, and rename it to that at the end.

    Whatever goes wrong, Ctrl-C included, nothing is left. If another process has made `folder`
    meanwhile, its folder stays and this one is removed.
    """
    partial = folder.with_name(f".{folder.name}-{os.getpid()}-{uuid4().hex[:8]}.partial")
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
