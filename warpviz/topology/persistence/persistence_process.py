"""Diagrams in a child process, with progress and a cancel that takes effect at once.

Persistence runs inside one C++ call that cannot be asked to stop, so it runs in a process that can
be killed. Points go in and diagrams come out as npz files, progress as JSON lines.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike
from warp_cortex import ChildProcess, parent_pipes

from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import Diagrams, diagrams
from warpviz.topology.persistence.store import DiagramStore, from_arrays, key_of, to_arrays
from warpviz.topology.points import cloud

MODULE = "warpviz.topology.persistence.persistence_process"
NICENESS = 10  # a model that writes comes first
REFUSED = 2  # exit code for points or settings that are refused


class Job:
    """Diagrams that are being computed.

    fraction: the part done, in [0, 1]. what: the present stage, as text. notify: called without
    arguments, from a thread of the job's own, after every change of these and of `done`.
    """

    def __init__(self, *, notify: Callable[[], None] | None = None) -> None:
        self.fraction = 0.0
        self.what = "starting"
        self._notify = notify
        self._over = threading.Event()
        self._found: Diagrams | None = None
        self._error: Exception | None = None
        self._process: ChildProcess | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._cancelled = False

    @property
    def done(self) -> bool:
        """Whether there is an outcome: diagrams, an error, or a cancellation."""
        return self._over.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called before there was an outcome."""
        return self._cancelled

    def result(self, timeout: float | None = None) -> Diagrams:
        """Wait for the diagrams and return them.

        Raises:
            StoppedError: the job was cancelled.
            ValueError: the points or settings were refused.
            RuntimeError: the process failed, most likely because memory ran out.
            TimeoutError: no outcome within `timeout` seconds; the job goes on.
        """
        if not self._over.wait(timeout):
            msg = f"no diagrams after {timeout} s, still at: {self.what}"
            raise TimeoutError(msg)
        if self._error is not None:
            raise self._error
        assert self._found is not None
        return self._found

    def cancel(self) -> None:
        """Kill the process now and wait until it is gone; does nothing to a job that is done."""
        with self._lock:
            if self.done:
                return
            self._cancelled = True
            if self._process is not None:
                self._process.kill()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def follow(
        self, process: ChildProcess, folder: Path, *, keep: tuple[DiagramStore, str] | None
    ) -> None:
        """Report what the process says, in a thread of this job's own, and take the outcome."""
        self._process = process
        self._thread = threading.Thread(
            target=self._follow, args=(process, folder, keep), daemon=True
        )
        weakref.finalize(self, _abandon, process, folder)  # at the latest when Python ends
        self._thread.start()

    def finish(self, found: Diagrams | None, error: Exception | None) -> None:
        """Take the outcome."""
        with self._lock:
            self._found = found
            self._error = StoppedError("cancelled") if self._cancelled else error
            self._over.set()
        self._report(1.0, "done" if self._error is None else str(self._error))

    def _follow(
        self, process: ChildProcess, folder: Path, keep: tuple[DiagramStore, str] | None
    ) -> None:
        found = None
        error = None
        try:
            for line in process.stdout:
                record = json.loads(line)
                self._report(float(record["fraction"]), str(record["what"]))
            found, error = _outcome(folder, process)
            if found is not None and keep is not None:
                keep[0].put(keep[1], found)
        except (OSError, ValueError) as problem:  # a pipe or line cut short by the kill
            error = RuntimeError(f"the persistence process failed: {problem}")
        finally:
            process.kill()
            process.stdout.close()
            shutil.rmtree(folder, ignore_errors=True)
            self.finish(found, error)

    def _report(self, fraction: float, what: str) -> None:
        self.fraction = fraction
        self.what = what
        if self._notify is not None:
            self._notify()


def compute(
    points: ArrayLike,
    *,
    store: DiagramStore | None = None,
    notify: Callable[[], None] | None = None,
    **settings: Any,
) -> Job:
    """Start computing `diagrams(points, **settings)`; a job found in `store` is done at once."""
    array = cloud(points)
    job = Job(notify=notify)
    key = key_of(array, settings) if store is not None else ""
    if store is not None and (known := store.get(key)) is not None:
        job.finish(known, None)
        return job
    folder = Path(tempfile.mkdtemp(prefix="warpviz-"))
    plain = {
        name: np.asarray(value).tolist() if name == "landmarks" else value
        for name, value in settings.items()
    }
    try:
        np.savez(
            folder / "in.npz",
            allow_pickle=False,
            points=array,
            settings=np.array(json.dumps(plain)),
        )
        process = ChildProcess(MODULE, str(folder))
    except BaseException:  # a full disk, or no memory for another process
        shutil.rmtree(folder, ignore_errors=True)
        raise
    job.follow(process, folder, keep=None if store is None else (store, key))
    return job


def _abandon(process: ChildProcess, folder: Path) -> None:
    process.kill()
    shutil.rmtree(folder, ignore_errors=True)


def _outcome(folder: Path, process: ChildProcess) -> tuple[Diagrams | None, Exception | None]:
    code = process.wait()
    if code == 0:
        with np.load(folder / "out.npz", allow_pickle=False) as stored:
            return from_arrays({name: stored[name] for name in stored.files}), None
    if code == REFUSED:
        return None, ValueError(process.last_line())
    return None, RuntimeError(f"the persistence process failed: {process.why_ended()}")


def serve(folder: Path, replies: IO[bytes]) -> int:
    """Compute what `folder` asks for, write it there, and return the exit code of the process."""
    with np.load(folder / "in.npz", allow_pickle=False) as stored:
        points = stored["points"]
        settings = json.loads(str(stored["settings"]))

    def report(fraction: float, what: str) -> None:
        replies.write(json.dumps({"fraction": fraction, "what": what}).encode() + b"\n")
        replies.flush()

    try:
        found = diagrams(points, progress=report, **settings)
    except (TypeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    np.savez(folder / "out.npz", allow_pickle=False, **to_arrays(found))
    return 0


def _end_with_parent(orders: IO[bytes], folder: Path) -> None:
    orders.read()  # returns when the parent has ended
    shutil.rmtree(folder, ignore_errors=True)  # a killed parent cannot remove it
    os._exit(3)


def main() -> int:
    """Serve one job; the whole life of the process."""
    folder = Path(sys.argv[1])
    orders, replies = parent_pipes(niceness=NICENESS)
    threading.Thread(target=_end_with_parent, args=(orders, folder), daemon=True).start()
    return serve(folder, replies)


if __name__ == "__main__":
    sys.exit(main())
