"""Latest: runs the newest request in a thread of its own; requests that were overtaken are skipped
or stopped.
"""

import threading
from collections.abc import Callable

Job = Callable[[Callable[[], bool]], None]


class NewestWorker:
    """One worker; the last request wins. A job gets `overtaken()`, which it should ask now and
    then.
    """

    def __init__(
        self, *, on_error: Callable[[BaseException], None], name: str = "warpviz-latest"
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
        """Run a job soon, instead of any that waits and after telling the one that runs to stop."""
        with self._wake:
            if self._closed:
                return self._number
            self._number += 1
            self._job = (self._number, job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._wake.notify_all()
            return self._number

    def pause(self, seconds: float) -> bool:
        """For a job: wait so long, and return whether it may go on; a newer job or the end cuts the
        wait short.
        """
        with self._wake:
            return not self._wake.wait_for(lambda: self._job is not None or self._closed, seconds)

    def cancel(self) -> None:
        """Tell the running job to stop and forget the waiting one."""
        with self._wake:
            self._number += 1
            self._job = None
            self._wake.notify_all()

    def wait(self, timeout_s: float = 10.0) -> bool:
        """Wait until nothing waits or runs; return whether that came to be in time."""
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
                job(lambda number=number: self._number != number)  # type: ignore[misc]  # a default binds the loop's value
            except Exception as error:
                if self._number == number:
                    self._on_error(error)
            with self._wake:
                self._running = False
                self._wake.notify_all()

    def _next(self) -> tuple[int, Job] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._job is not None or self._closed)
            taken = self._job
            self._job = None
            self._running = taken is not None and not self._closed
            return taken if self._running else None
