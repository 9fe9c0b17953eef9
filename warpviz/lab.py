"""JupyterLab on the notebooks: where they are, a writable copy, and the command that opens them."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

_HERE = Path(__file__).resolve().parent
FIRST = "00_start_here.ipynb"
POLL_S = 0.1
PATIENCE_S = 20.0  # JupyterLab asks its kernels to end, and waits for them
_ENDING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
# JupyterLab by itself asks the internet for news, updates and a list of extensions: not this one.
_QUIET = (
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def notebooks() -> Path:
    """Return the folder of the notebooks: inside the package in a wheel, at the root of a checkout.

    Raises:
        FileNotFoundError: this installation has none.
    """
    for folder in (_HERE / "notebooks", _HERE.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    msg = f"this installation of warpviz has no notebooks, neither in {_HERE} nor next to it"
    raise FileNotFoundError(msg)


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the notebooks that `folder` does not have yet into it, and return the copies.

    Raises:
        ValueError: `folder` is a file, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        msg = f"{folder} is a file; name a folder for the notebooks"
        raise ValueError(msg) from error
    missing = [
        source
        for source in sorted(notebooks().glob("*.ipynb"))
        if not (folder / source.name).exists()
    ]
    if missing and not os.access(folder, os.W_OK):
        msg = f"{folder} cannot be written; name another folder for the notebooks"
        raise ValueError(msg)
    return [Path(shutil.copyfile(source, folder / source.name)) for source in missing]


def lab_environment() -> dict[str, str]:
    """Return this process's environment with our defaults for JupyterLab: no question about news.

    What the user has set in JupyterLab still counts.
    """
    paths = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(_HERE / "jupyter")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def lab_command(
    folder: Path, *, first: str | None = FIRST, port: int | None = None, show: bool = True
) -> list[str]:
    """Return the command that serves `folder` with JupyterLab, on this machine only.

    It connects to no other machine. first: the notebook to open, None for none. port: None for
    JupyterLab's own choice. show: open a browser.
    """
    command = [sys.executable, "-m", "jupyterlab", *_QUIET, "--ServerApp.ip=127.0.0.1"]
    command.append(f"--ServerApp.root_dir={folder.resolve()}")
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not show:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command if first is None else [*command, str(folder.resolve() / first)]


def serve(
    command: Sequence[str], environment: Mapping[str, str], *, patience_s: float = PATIENCE_S
) -> int:
    """Run JupyterLab until it ends; return its exit code, 0 after Ctrl-C, 128 + n after a signal.

    Ctrl-C in a terminal reaches JupyterLab as well, which asks whether to end: it is left to do so.
    Any other signal to end is passed on to it as SIGTERM. What has not ended `patience_s` seconds
    later is killed, kernels included.
    """
    received: list[int] = []
    previous: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        # functions, not SIG_IGN, which the server would inherit
        previous = {
            number: signal.signal(number, lambda got, _: received.append(got)) for number in _ENDING
        }
    process = subprocess.Popen(command, env=dict(environment))  # noqa: S603 -- our own command
    try:
        _wait(process, received, patience_s)
    finally:
        _kill_all(process)
        for number, handler in previous.items():
            signal.signal(number, handler)
    if not received:
        return process.returncode
    return 0 if received[-1] == signal.SIGINT else 128 + received[-1]


def _wait(process: "subprocess.Popen[bytes]", received: list[int], patience_s: float) -> None:
    deadline = None
    while process.poll() is None:
        is_passed_on = any(number != signal.SIGINT for number in received)
        if deadline is None and (is_passed_on or (received and not sys.stdin.isatty())):
            process.terminate()
            deadline = time.monotonic() + patience_s
        if deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(POLL_S)


def _kill_all(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process that still runs, and its descendants, and wait for it."""
    if process.poll() is not None:
        return
    try:
        descendants = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        descendants = []
    process.kill()
    for child in descendants:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()
