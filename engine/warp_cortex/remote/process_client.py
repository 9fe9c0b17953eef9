"""A child process with a model of its own, and a thread that receives its replies."""

import queue
import threading
from typing import IO, Any

from warp_cortex.files.reading import UnreadableFileError
from warp_cortex.prism import Prism
from warp_cortex.remote import messages
from warp_cortex.remote.child import ChildProcess
from warp_cortex.remote.messages import Arrays

LEAVE_S = 10.0  # the process may finish its step
MODULE = "warp_cortex.remote.process_worker"

Frame = tuple[dict[str, Any], Arrays]
Inbox = queue.SimpleQueue[Frame | None]


class WorkerProcess:
    """The process, and an inbox for each run.

    A run's replies are put into its inbox, and None when the process has ended, after `has_ended`.

    Raises:
        ValueError: the process cannot load the model, or loads another one.
    """

    def __init__(self, prism: Prism, *, threads: int, device: str) -> None:
        self.child = ChildProcess(MODULE, patience_s=LEAVE_S)
        self.serves = (prism.spec.checksum, prism.dtype)
        self.num_runs = 0
        self._inboxes: dict[int, Inbox] = {}
        self._ended = threading.Event()
        self._damage: list[str] = []  # why a reply could not be read
        dtype = str(prism.dtype).removeprefix("torch.")
        self.send({"source": prism.source, "device": device, "dtype": dtype, "threads": threads})
        try:
            self._check(prism, self._first())
        except BaseException:  # also Ctrl-C, whose traceback would keep the process alive
            self.child.kill()
            self.child.stdout.close()
            raise
        self._listener = threading.Thread(
            # without this object, whose end is that of the process
            target=_listen,
            args=(self.child.stdout, self._inboxes, self._ended, self._damage),
            daemon=True,
        )
        self._listener.start()

    @property
    def has_ended(self) -> bool:
        """Whether the process sends no reply any more."""
        return self._ended.is_set()

    def begin(self) -> tuple[int, Inbox]:
        """Return a new run's number and its inbox; inboxes of earlier runs get nothing any more."""
        self.num_runs += 1
        inbox: Inbox = queue.SimpleQueue()
        self._inboxes.clear()
        self._inboxes[self.num_runs] = inbox
        if self.has_ended:
            inbox.put(None)
        return self.num_runs, inbox

    def send(self, record: dict[str, Any], arrays: Arrays | None = None) -> None:
        """Send an order; if the process has ended the order is lost, and the inboxes say so."""
        try:
            messages.send(self.child.stdin, record, arrays)
        except (BrokenPipeError, ValueError):  # ValueError: the pipe is closed on this side
            return

    def close(self) -> None:
        """End the process and the thread."""
        self.child.close()
        self._listener.join(LEAVE_S)

    def _first(self) -> Frame | None:
        """Return the first reply, which says whether the model is loaded."""
        try:
            return messages.receive(self.child.stdout)
        except UnreadableFileError as error:
            return {"error": str(error)}, {}

    def _check(self, prism: Prism, answer: Frame | None) -> None:
        """Raise a ValueError if the process has loaded no model, or another one."""
        record = {} if answer is None else answer[0]
        theirs = record.get("checksum")
        if theirs == prism.spec.checksum:
            return
        if answer is None:
            why = f"it ended ({self.child.why_ended()})"
        else:
            other = f"its model has checksum {theirs}, this one {prism.spec.checksum}"
            why = record.get("error", other)
        msg = f"the process for streams cannot serve {prism.spec.name!r}: {why}"
        raise ValueError(msg)

    def why_ended(self) -> str:
        """Return why no reply comes any more, as text; wait for the end of the process."""
        return self._damage[0] if self._damage else self.child.why_ended()


def _listen(
    replies: IO[bytes], inboxes: dict[int, Inbox], ended: threading.Event, damage: list[str]
) -> None:
    try:
        with replies:  # a child that still writes ends when this side is closed
            while (frame := messages.receive(replies)) is not None:
                if (inbox := inboxes.get(frame[0].get("run", 0))) is not None:
                    inbox.put(frame)
    except UnreadableFileError as error:
        damage.append(str(error))
    finally:
        ended.set()
        for inbox in list(inboxes.values()):
            inbox.put(None)
