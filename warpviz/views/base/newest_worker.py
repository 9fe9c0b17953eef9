"""A worker thread that runs the newest request; older ones are skipped, or asked to stop."""

import threading
from collections.abc import Callable
from functools import partial

from warpviz.views.base.exit_join import join_at_exit

Job = Callable[[Callable[[], bool]], None]


class NewestWorker:
    """Runs one job at a time; a new job replaces the waiting one and overtakes the running one.

    A job is called with `overtaken`, a function it should call now and then: once it returns True,
    the job's result is no longer wanted.
    """

    def __init__(
        self, *, on_error: Callable[[BaseException], None], name: str = "warpviz-newest"
    ) -> None:
        self._on_error = on_error
        self._name = name
        self._wake = threading.Condition()
        self._job: tuple[int, Job] | None = None
        self._number = 0
        self._running = False
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job) -> int:
        """Run a job soon, and return its number."""
        with self._wake:
            if self._closed:
                return self._number
            self._number += 1
            self._job = (self._number, job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                join_at_exit(self)
                self._thread.start()
            self._wake.notify_all()
            return self._number

    def pause(self, seconds: float) -> bool:
        """Wait, inside a job; return False as soon as a newer job or the end comes."""
        with self._wake:
            return not self._wake.wait_for(lambda: self._job is not None or self._closed, seconds)

    def cancel(self) -> None:
        """Overtake the running job, and drop the waiting one."""
        with self._wake:
            self._number += 1
            self._job = None
            self._wake.notify_all()

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until no job waits or runs; return whether that was so within the time."""
        with self._wake:
            return self._wake.wait_for(lambda: self._job is None and not self._running, timeout_s)

    def close(self, timeout_s: float = 2.0) -> bool:
        """Stop; return whether the thread has ended."""
        with self._wake:
            self._closed = True
            self._number += 1
            self._job = None
            self._wake.notify_all()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (taken := self._next()) is not None:
            number, job = taken
            try:
                job(partial(self._is_overtaken, number))
            except Exception as error:  # noqa: BLE001 -- the view shows it; a thread has no caller
                if self._number == number:
                    self._on_error(error)
            with self._wake:
                self._running = False
                self._wake.notify_all()

    def _is_overtaken(self, number: int) -> bool:
        return self._number != number

    def _next(self) -> tuple[int, Job] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._job is not None or self._closed)
            taken = self._job
            self._job = None
            self._running = taken is not None and not self._closed
            return taken if self._running else None


def wait_for_all(*workers: NewestWorker, timeout_s: float) -> None:
    """Wait until none of the workers has a job, each at most `timeout_s` seconds.

    Raises:
        TimeoutError: one of them still has.
    """
    if not all(worker.wait(timeout_s) for worker in workers):
        msg = f"the view has not computed everything after {timeout_s:g} s"
        raise TimeoutError(msg)
