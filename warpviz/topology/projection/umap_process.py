"""UMAP in a child process: to load and compile it takes half a minute, while a slider would wait.

One process serves all fits, so UMAP is compiled once. Points go in and coordinates come out as npz
files. The process ends with its parent, and after ten minutes without a fit.
"""

import atexit
import json
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike
from warp_cortex import ChildProcess, parent_pipes

from warpviz.topology.hooks import StoppedError
from warpviz.topology.points import cloud
from warpviz.topology.projection.projections import Projection, umap

MODULE = "warpviz.topology.projection.umap_process"
NICENESS = 10  # a model that writes and a hand on a slider come first
IDLE_S = 600.0  # the process holds some 300 MB; a later fit starts a new one
POLL_S = 0.2
ARRAYS = ("coords", "share", "mean", "axes", "anchors", "anchor_coords")


class Projector:
    """Fits UMAP in a child process, one fit at a time; any thread may call it."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._process: ChildProcess | None = None
        self._replies: dict[str, str] = {}  # by folder: "" or what went wrong

    def fit(
        self, points: ArrayLike, *, should_stop: Callable[[], bool] = lambda: False, **settings: Any
    ) -> Projection:
        """Return `umap(points, **settings)`, bit for bit, computed in the process.

        should_stop: asked several times a second; after True the result is dropped.

        Raises:
            StoppedError: `should_stop` returned True.
            ValueError: the points or settings were refused.
            RuntimeError: the process ended, most likely because memory ran out.
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
            with self._wake:
                self._wake.wait_for(lambda: self._process is not process, 2.0)

    def _ask(self, folder: Path) -> ChildProcess:
        with self._wake:
            if self._process is None or self._process.returncode is not None:
                self._process = ChildProcess(MODULE)
                threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
                atexit.register(self.close)
            self._process.stdin.write(f"{folder}\n".encode())
            self._process.stdin.flush()
            return self._process

    def _answer(self, process: ChildProcess, folder: str, should_stop: Callable[[], bool]) -> str:
        """Wait for the reply to a folder, and return it."""
        with self._wake:
            while folder not in self._replies:
                if self._process is not process:
                    msg = f"the UMAP process has ended ({process.why_ended()})"
                    raise RuntimeError(msg)
                if should_stop():
                    msg = "stopped"
                    raise StoppedError(msg)
                self._wake.wait(POLL_S)
            return self._replies.pop(folder)

    def _listen(self, process: ChildProcess) -> None:
        for line in process.stdout:
            record = json.loads(line)
            with self._wake:
                if Path(record["folder"]).exists():  # `fit` removes it when it stops to wait
                    self._replies[record["folder"]] = record["wrong"]
                self._wake.notify_all()
        process.wait()
        process.close()
        process.stdout.close()
        with self._wake:
            if self._process is process:
                self._process = None
            self._wake.notify_all()


def serve(orders: IO[bytes], replies: IO[bytes]) -> None:
    """Fit what is asked for, one folder a line, until no order has come for long."""
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_hear, args=(orders, asked), daemon=True).start()
    while True:
        try:
            folder = asked.get(timeout=IDLE_S)
        except queue.Empty:
            return
        record = {"folder": folder, "wrong": _fit(Path(folder))}
        replies.write(json.dumps(record).encode() + b"\n")
        replies.flush()


def _hear(orders: IO[bytes], asked: "queue.Queue[str]") -> None:
    folders = []
    for line in orders:
        folders.append(line.decode().rstrip("\n"))
        asked.put(folders[-1])
    for folder in folders:  # the parent has ended; a killed one cannot remove them
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _fit(folder: Path) -> str:
    """Write the projection into the folder of the points; return what went wrong, "" if nothing."""
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
    serve(*parent_pipes(niceness=NICENESS))
