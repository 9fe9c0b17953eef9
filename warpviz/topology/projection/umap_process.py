"""UMAP in a process of its own: loading and compiling it is half a minute of Python, in which a
slider would wait.

One process serves all fits, so it compiles once; it is a fresh interpreter (no fork of a process
that holds a model and threads, no pickles). Points go in and coordinates come out as npz files. It
ends with its parent, or when long idle.
"""

import atexit
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpviz.topology.hooks import StoppedError
from warpviz.topology.points import cloud
from warpviz.topology.projection.projections import Projection, umap

NICENESS = 10
IDLE_S = 600.0  # it holds some 300 MB; a later fit starts a new one
POLL_S = 0.2
ARRAYS = ("coords", "share", "mean", "axes", "anchors", "anchor_coords")


class Projector:
    """Fits UMAP elsewhere. Safe from any thread; fits wait for one another. `close` ends the
    process.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        # what the process said of each folder: "" or what went wrong
        self._said: dict[str, str] = {}

    def fit(
        self, points: ArrayLike, *, should_stop: Callable[[], bool] = lambda: False, **settings: Any
    ) -> Projection:
        """Return `umap(points, **settings)`, bit for bit, computed in the process; `settings` are
        keywords of `umap`.

        Raises:
            StoppedError: `should_stop` said so; the process finishes that fit for nobody.
            ValueError: the points or settings were refused.
            RuntimeError: the process ended, most likely for want of memory.
        """
        folder = Path(tempfile.mkdtemp(prefix="warpviz-umap-"))
        try:
            np.savez(
                folder / "in.npz",
                allow_pickle=False,
                points=cloud(points),
                settings=np.array(json.dumps(settings)),
            )
            process = self._ask(folder)
            wrong = self._answer(process, str(folder), should_stop)
            if wrong:
                raise ValueError(wrong)
            with np.load(folder / "out.npz", allow_pickle=False) as stored:
                return Projection(
                    method=str(stored["method"]), **{name: stored[name] for name in ARRAYS}
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the process and wait until it is gone."""
        with self._wake:
            process = self._process
        if process is not None:
            process.kill()
            process.wait()
            with self._wake:
                self._wake.wait_for(lambda: self._process is not process, 2.0)

    def _ask(self, folder: Path) -> "subprocess.Popen[str]":
        with self._wake:
            if self._process is None or self._process.poll() is not None:
                self._process = _start()
                threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
                atexit.register(self.close)
            assert self._process.stdin is not None
            self._process.stdin.write(f"{folder}\n")
            self._process.stdin.flush()
            return self._process

    def _answer(
        self, process: "subprocess.Popen[str]", folder: str, should_stop: Callable[[], bool]
    ) -> str:
        """Wait for what the process says of a folder."""
        with self._wake:
            while folder not in self._said:
                if self._process is not process:
                    msg = f"the UMAP process ended with exit code {process.returncode}"
                    raise RuntimeError(msg)
                if should_stop():
                    msg = "stopped"
                    raise StoppedError(msg)
                self._wake.wait(POLL_S)
            return self._said.pop(folder)

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None and process.stdin is not None
        for line in process.stdout:
            record = json.loads(line)
            with self._wake:
                if Path(record["folder"]).exists():  # else nobody waits for it any more
                    self._said[record["folder"]] = record["wrong"]
                self._wake.notify_all()
        process.wait()
        process.stdout.close()
        process.stdin.close()
        with self._wake:
            if self._process is process:
                self._process = None
            self._wake.notify_all()


def _start() -> "subprocess.Popen[str]":
    """Start a fresh interpreter that finds the same packages as this one."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(
        [sys.executable, "-m", "warpviz.topology.projection.umap_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )


def serve() -> None:
    """Fit what is asked for, one folder a line, until the parent is gone or has been silent for
    long.
    """
    if hasattr(os, "nice"):
        os.nice(NICENESS)  # a model that is writing and a hand on a slider come first
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_hear, args=(asked,), daemon=True).start()
    with os.fdopen(os.dup(1), "w") as replies:
        os.dup2(2, 1)  # what a library prints is no reply
        while True:
            try:
                folder = asked.get(timeout=IDLE_S)
            except queue.Empty:
                return
            replies.write(json.dumps({"folder": folder, "wrong": _fit(Path(folder))}) + "\n")
            replies.flush()


def _hear(asked: "queue.Queue[str]") -> None:
    folders = []
    for line in sys.stdin:
        folders.append(line.rstrip("\n"))
        asked.put(folders[-1])
    # the parent has closed its end, whatever became of it: a killed one cannot tidy up
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _fit(folder: Path) -> str:
    """Write the projection beside the points; return what went wrong, nothing if all went well."""
    try:
        with np.load(folder / "in.npz", allow_pickle=False) as stored:
            points = stored["points"]
            settings = json.loads(str(stored["settings"]))
        found = umap(points, **settings)
        arrays = {name: getattr(found, name) for name in ARRAYS}
        np.savez(folder / "out.npz", allow_pickle=False, method=np.array(found.method), **arrays)
    except (ValueError, TypeError, OSError, ImportError) as error:
        return str(error) or type(error).__name__
    return ""


shared = Projector()

if __name__ == "__main__":
    serve()
