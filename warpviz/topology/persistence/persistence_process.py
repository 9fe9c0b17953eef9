"""Diagrams in a process of their own, with progress and a cancel that takes effect at once.

Persistence runs inside one C++ call that cannot be asked to stop, so it runs in a process that can
be killed. The process is a fresh interpreter (no fork of a process that holds a model and threads,
no pickles): points go in and diagrams come out as npz files, progress as JSON lines. It ends by
itself when its parent does.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.hooks import StoppedError
from warpviz.topology.persistence.diagrams import Diagrams, diagrams
from warpviz.topology.persistence.store import DiagramStore, from_arrays, key_of, to_arrays
from warpviz.topology.points import cloud

NICENESS = 10


class Job:
    """Diagrams on their way: `fraction` in [0, 1], `what` is being done, and the outcome once
    `done`.

    `notify` is called without arguments, from a thread of the job's own, whenever one of these
    changed.
    """

    def __init__(self, *, notify: Callable[[], None] | None = None) -> None:
        self.fraction = 0.0
        self.what = "starting"
        self._notify = notify
        self._over = threading.Event()
        self._found: Diagrams | None = None
        self._error: Exception | None = None
        self._process: subprocess.Popen[str] | None = None
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
            RuntimeError: the process failed, most likely for want of memory.
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

    def _report(self, fraction: float, what: str) -> None:
        self.fraction = fraction
        self.what = what
        if self._notify is not None:
            self._notify()

    def _finish(self, found: Diagrams | None, error: Exception | None) -> None:
        with self._lock:
            self._found = found
            self._error = StoppedError("cancelled") if self._cancelled else error
            self._over.set()
        self._report(1.0, "done" if self._error is None else str(self._error))


def compute(
    points: ArrayLike,
    *,
    store: DiagramStore | None = None,
    notify: Callable[[], None] | None = None,
    **settings: Any,
) -> Job:
    """Start computing `diagrams(points, **settings)` in the background, or find them in `store` at
    once.
    """
    array = cloud(points)
    job = Job(notify=notify)
    key = key_of(array, settings) if store is not None else ""
    if store is not None and (known := store.get(key)) is not None:
        job._finish(known, None)
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
        process = _start(folder)
    except BaseException:  # a full disk, or no room for another process
        shutil.rmtree(folder, ignore_errors=True)
        raise
    job._process = process
    keep = (store, key) if store is not None else None
    job._thread = threading.Thread(target=_follow, args=(job, process, folder, keep), daemon=True)
    weakref.finalize(job, _abandon, process, folder)  # at the latest when this interpreter ends
    job._thread.start()
    return job


def _abandon(process: "subprocess.Popen[str]", folder: Path) -> None:
    process.kill()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path) -> "subprocess.Popen[str]":
    """Start a fresh interpreter on `folder` that finds the same packages as this one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with (folder / "errors.txt").open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "warpviz.topology.persistence.persistence_process", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
        )


def _follow(
    job: Job, process: "subprocess.Popen[str]", folder: Path, keep: tuple[DiagramStore, str] | None
) -> None:
    assert process.stdout is not None and process.stdin is not None
    found = None
    error = None
    try:
        for line in process.stdout:
            record = json.loads(line)
            job._report(float(record["fraction"]), str(record["what"]))
        code = process.wait()
        found, error = _outcome(folder, code)
        if found is not None and keep is not None:
            keep[0].put(keep[1], found)
    except (OSError, ValueError) as problem:  # a pipe or line cut short by the kill
        error = RuntimeError(f"the persistence process failed: {problem}")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stdin.close()
        shutil.rmtree(folder, ignore_errors=True)
        job._finish(found, error)


def _outcome(folder: Path, code: int) -> tuple[Diagrams | None, Exception | None]:
    if code == 0:
        with np.load(folder / "out.npz", allow_pickle=False) as stored:
            return from_arrays({name: stored[name] for name in stored.files}), None
    said = (folder / "errors.txt").read_text(encoding="utf-8", errors="replace").strip()
    last = said.splitlines()[-1] if said else f"exit code {code}"
    return None, ValueError(last) if code == 2 else RuntimeError(
        f"the persistence process failed: {last}"
    )


def serve(folder: Path) -> int:
    """Compute what `folder` asks for and write it there; the worker process's whole life."""
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICENESS)  # a model that is writing comes first
    with np.load(folder / "in.npz", allow_pickle=False) as stored:
        points = stored["points"]
        settings = json.loads(str(stored["settings"]))
    try:
        found = diagrams(points, progress=_say, **settings)
    except (TypeError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    np.savez(folder / "out.npz", allow_pickle=False, **to_arrays(found))
    return 0


def _say(fraction: float, what: str) -> None:
    sys.stdout.write(json.dumps({"fraction": fraction, "what": what}) + "\n")
    sys.stdout.flush()


def _end_with_parent(folder: Path) -> None:
    sys.stdin.read()  # returns when the parent closes its end, whatever became of it
    shutil.rmtree(folder, ignore_errors=True)  # a killed parent cannot tidy up
    os._exit(3)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1])))
