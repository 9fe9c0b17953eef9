"""Another process of this machine with a model of its own, and a thread that listens to it."""

import os
import queue
import subprocess
import sys
import tempfile
import threading
import weakref
from typing import IO, Any

from warp_cortex.prism import Prism
from warp_cortex.remote import messages
from warp_cortex.remote.messages import Arrays

LEAVE_S = 10.0  # the process gets to finish its step
LAST_BYTES = 4096  # of standard error, whose last line is told
COMMAND = (sys.executable, "-m", "warp_cortex.remote.process_worker")

Frame = tuple[dict[str, Any], Arrays]
Inbox = queue.SimpleQueue[Frame | None]


class WorkerProcess:
    """The process; what it tells of a run is put into that run's inbox, and None at its end, after
    `has_ended`.

    Raises:
        ValueError: it cannot load the model, or what it loads is another one.
    """

    def __init__(self, prism: Prism, *, threads: int, device: str) -> None:
        # A file without a name: it is never full, as a pipe is that nobody reads, and goes with
        # whoever holds it.
        self._complaints = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints
        )
        weakref.finalize(self, self._complaints.close)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._orders = self.process.stdin
        answers = self.process.stdout
        self._inboxes: dict[int, Inbox] = {}
        self._ended = threading.Event()
        self.num_runs = 0
        self._end = weakref.finalize(self, _end, self.process, self._orders)
        dtype = str(prism.dtype).removeprefix("torch.")
        self.send({"source": prism.source, "device": device, "dtype": dtype, "threads": threads})
        try:
            answer = messages.receive(answers)
        # Ctrl-C while it loads: whoever keeps the traceback would keep the process
        except BaseException:
            self.process.kill()
            self._end()
            answers.close()
            raise
        told = {"error": f"it ended ({self.why_ended()})"} if answer is None else answer[0]
        self.serves = (prism.spec.checksum, prism.dtype)
        if told.get("checksum") != prism.spec.checksum:
            self._end()
            answers.close()
            why = told.get(
                "error",
                f"its model has checksum {told.get('checksum')}, this one {prism.spec.checksum}",
            )
            msg = f"the process for streams cannot serve {prism.spec.name!r}: {why}"
            raise ValueError(msg)
        self._listener = threading.Thread(
            target=_listen, args=(answers, self._inboxes, self._ended), daemon=True
        )
        self._listener.start()

    @property
    def has_ended(self) -> bool:
        """Whether the process will tell nothing any more."""
        return self._ended.is_set()

    def why_ended(self) -> str:
        """Return the exit code, once there is one, and the last line the process wrote on standard
        error.
        """
        code = self.process.wait()
        self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(-min(self._complaints.tell(), LAST_BYTES), os.SEEK_END)
        lines = self._complaints.read().decode("utf-8", "replace").strip().splitlines()
        return (
            f"exit code {code}; it last said: {lines[-1].strip()}" if lines else f"exit code {code}"
        )

    def begin(self) -> tuple[int, Inbox]:
        """Return the number of a new run and where it is told; earlier ones are told nothing any
        more.
        """
        self.num_runs += 1
        inbox: Inbox = queue.SimpleQueue()
        self._inboxes.clear()
        self._inboxes[self.num_runs] = inbox
        if self.has_ended:
            inbox.put(None)
        return self.num_runs, inbox

    def send(self, record: dict[str, Any], arrays: Arrays | None = None) -> None:
        """Send an order; one to a process that has ended is lost, which `inbox` tells."""
        try:
            messages.send(self._orders, record, arrays)
        except (BrokenPipeError, ValueError):  # ValueError: closed on this side
            return

    def close(self) -> None:
        """End the process and the thread."""
        self._end()
        self._listener.join(LEAVE_S)


def _listen(answers: IO[bytes], inboxes: dict[int, Inbox], ended: threading.Event) -> None:
    try:
        with answers:
            while (frame := messages.receive(answers)) is not None:
                if (inbox := inboxes.get(frame[0]["run"])) is not None:
                    inbox.put(frame)
    finally:
        ended.set()
        for inbox in list(inboxes.values()):
            inbox.put(None)


def _end(process: "subprocess.Popen[bytes]", orders: IO[bytes]) -> None:
    try:
        orders.close()
    except BrokenPipeError:  # it was gone before
        return
    finally:
        try:
            process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
