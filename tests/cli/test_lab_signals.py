"""Signals to `warpviz lab`: the server ends by itself, and nothing survives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and terminals")

# a server with one kernel: it takes a second to end, and writes down how it ended
SERVER = """
import pathlib, signal, subprocess, sys, time
home = pathlib.Path(sys.argv[1])
kernel = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                          start_new_session=True)

def end(number, _):
    time.sleep(1.0)
    kernel.kill(), kernel.wait()
    (home / "ended").write_text(signal.Signals(number).name)
    sys.exit(0)

if sys.argv[2] == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
(home / "ids").write_text(f"{kernel.pid}")
time.sleep(600)
"""
COMMAND = """
import os, sys
from warpviz.lab import serve
command = [sys.executable, "-c", sys.argv[1], sys.argv[2], sys.argv[3]]
sys.exit(serve(command, os.environ, patience_s=3.0))
"""


@pytest.mark.parametrize(
    ("number", "manner", "code", "ended"),
    [
        (signal.SIGTERM, "kind", 143, "SIGTERM"),
        (signal.SIGHUP, "kind", 129, "SIGTERM"),
        (signal.SIGINT, "kind", 0, "SIGINT"),  # as a terminal sends it: to the whole group
        (signal.SIGTERM, "deaf", 143, None),  # does not listen: killed after its time
    ],
)
def test_the_server_ends_by_itself_and_nothing_survives(
    tmp_path: Path, number: signal.Signals, manner: str, code: int, ended: str | None
) -> None:
    """The server gets the signal and its time; afterwards neither it nor its kernel is there."""
    master, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, SERVER, str(tmp_path), manner],
        stdin=terminal,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "ids").exists() or not (tmp_path / "ids").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == 2
        if number == signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        assert process.wait(60) == code
    finally:
        os.close(master)
        os.close(terminal)
        if process.poll() is None:
            process.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    if ended is not None:
        assert (tmp_path / "ended").read_text() == ended
