"""With --json, standard output holds one object: what libraries print goes to standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def stdout_kept(*, wanted: bool) -> Iterator[None]:
    """Send everything that is printed inside the block to standard error, if `wanted`."""
    if not wanted:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
