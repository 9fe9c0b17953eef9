"""Worker threads of views are stopped and joined before the interpreter ends.

A daemon thread that is inside torch or another C++ library when the interpreter ends aborts the
process (SIGABRT, exit code 134), and a user's exception no longer gives exit code 1.
"""

import atexit
import time
import weakref
from typing import Protocol

PATIENCE_S = 30.0  # for all of them; one stage of a computation cannot be interrupted


class Closing(Protocol):
    """What runs a thread."""

    def close(self, timeout_s: float) -> bool:
        """Ask the thread to end, wait, and return whether it has ended."""


_running: "weakref.WeakSet[Closing]" = weakref.WeakSet()


def join_at_exit(worker: Closing) -> None:
    """Close a worker when the interpreter ends, if it is still there."""
    _running.add(worker)


@atexit.register
def _close_all() -> None:
    workers = list(_running)
    for worker in workers:  # all are asked before one is waited for
        worker.close(0.0)
    deadline = time.monotonic() + PATIENCE_S
    for worker in workers:
        worker.close(max(0.0, deadline - time.monotonic()))
