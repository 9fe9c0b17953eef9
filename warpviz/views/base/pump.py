"""A view's one writer of messages to the browser: a bounded queue and a thread."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from warpviz.views.base.exit_join import join_at_exit
from warpviz.views.base.wire import Array, clean, pack

WINDOW = 2
RETRY_S = 2.0
RETRY_MOST_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A change of a view's state, by name: `data` and `arrays` replace, `append` grows axis 0.

    `events` are passed on in order.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)
    append: Mapping[str, Array] = field(default_factory=dict)
    events: tuple[Mapping[str, Any], ...] = ()


def merge(patches: list[Patch]) -> Patch:
    """Return one patch with the effect of all of them, in order."""
    data: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    append: dict[str, list[Array]] = {}
    events: list[Mapping[str, Any]] = []
    for patch in patches:
        data.update(patch.data)
        for name, array in patch.arrays.items():
            arrays[name] = array
            append.pop(name, None)
        for name, array in patch.append.items():
            append.setdefault(name, []).append(array)
        events.extend(patch.events)
    grown = {
        name: np.concatenate(parts) if len(parts) > 1 else parts[0]
        for name, parts in append.items()
    }
    for name in [name for name in grown if name in arrays]:
        arrays[name] = np.concatenate([arrays[name], grown.pop(name)])
    return Patch(data=data, arrays=arrays, append=grown, events=tuple(events))


def message(op: str, patch: Patch, seq: int) -> tuple[dict[str, Any], list[memoryview]]:
    """Return (content, buffers) of one message: the arrays first, then what is appended."""
    headers, buffers = pack(patch.arrays)
    grown, more = pack(patch.append)
    marked = [*headers, *({**header, "append": True} for header in grown)]
    content = {
        "op": op,
        "seq": seq,
        "data": patch.data,
        "arrays": marked,
        "events": list(patch.events),
    }
    return clean(content), [*buffers, *more]


class Pump:
    """Carries patches from any thread to the browser, at most `rate_hz` messages a second.

    At most `window` messages are unacknowledged; a page that answers rarely needs more. Nothing is
    sent before a browser has mounted the view. When the queue overflows, the oldest patch is
    dropped and counted, and the next message is the full state: `send(patch, seq)` is then called
    with None.
    """

    def __init__(
        self,
        send: Callable[[Patch | None, int], None],
        *,
        rate_hz: float = 20.0,
        capacity: int = 4096,
        window: int = WINDOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._send = send
        self._period_s = 1.0 / rate_hz
        self._capacity = capacity
        self.window = window
        self._clock = clock
        self._queue: deque[Patch] = deque()
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._mounted = False
        self._stale = False
        self._closed = False
        self._seq = 0
        self._acked = 0
        self.dropped = 0
        self._sent_at = -1e9
        self._retry_s = RETRY_S

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def put(self, patch: Patch) -> None:
        """Queue a patch without blocking; dropped before a browser mounts, which gets the state."""
        with self._wake:
            if self._closed or not self._mounted:
                return
            if len(self._queue) >= self._capacity:
                self._queue.popleft()
                self.dropped += 1
                self._stale = True
            self._queue.append(patch)
            self._start()
            self._wake.notify()

    def resync(self) -> None:
        """Send the full state at the next tick: a browser has mounted the view or saw a gap."""
        with self._wake:
            if self._closed:
                return
            self._mounted = True
            self._stale = True
            self._acked = self._seq
            self._retry_s = RETRY_S
            self._start()
            self._wake.notify()

    def ack(self, seq: int) -> None:
        """Note that the browser has painted message `seq`."""
        with self._wake:
            self._acked = max(self._acked, min(seq, self._seq))
            self._retry_s = RETRY_S
            self._wake.notify()

    def take(self) -> None:
        """Drop what is queued: the caller is about to read the full state."""
        with self._wake:
            self._queue.clear()

    def close(self, timeout_s: float = 2.0) -> bool:
        """Stop and join the thread; return whether it has ended.

        It may be called more than once, and from the thread itself.
        """
        with self._wake:
            self._closed = True
            self._queue.clear()
            self._wake.notify()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(timeout_s)
        return not thread.is_alive()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="warpviz-pump", daemon=True)
            join_at_exit(self)
            self._thread.start()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            patch, seq = job
            self._send(patch, seq)

    def _next(self) -> tuple[Patch | None, int] | None:
        """Wait until something may be sent; None means closed."""
        with self._wake:
            while not self._closed:
                wait = self._wait_s()
                if wait is None or wait > 0:
                    self._wake.wait(wait)
                    continue
                self._seq += 1
                self._sent_at = self._clock()
                if self._stale:
                    self._stale = False
                    return None, self._seq
                patch = merge(list(self._queue))
                self._queue.clear()
                return patch, self._seq
        return None

    def _wait_s(self) -> float | None:
        """Return the seconds until the next message may go, or None if there is nothing to send."""
        if not self._queue and not self._stale:
            return None
        elapsed = self._clock() - self._sent_at
        if self._seq - self._acked < self.window:
            return max(0.0, self._period_s - elapsed)
        if elapsed < self._retry_s:
            return self._retry_s - elapsed
        # A message was lost, or the page is gone: send the full state, after ever longer waits.
        self._retry_s = min(self._retry_s * 2, RETRY_MOST_S)
        self._acked = self._seq
        self._stale = True
        return 0.0
