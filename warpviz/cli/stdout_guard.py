"""What may speak on standard output: with --json one object, so that every library's chatter goes
to stderr.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def stdout_kept(wanted: bool) -> Iterator[None]:
    """Send everything that is printed meanwhile to stderr, if wanted."""
    if not wanted:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
