"""A JupyterLab process on a free loopback port, with its own home, no trace of the user's settings, and no network."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from warpviz.lab import lab_command, lab_environment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# A timeout that only a hang reaches: a cold import of torch and transformers on a busy machine takes half a minute.
PATIENCE_S = 120.0


def wait_until(check: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Poll `check` until it returns something true, and return that."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := check():
            return value
        time.sleep(0.05)
    pytest.fail(f"waited {timeout_s:g} s for {what}")


@dataclass
class Server:
    """A JupyterLab on a free loopback port, with its own home and no trace of the user's settings."""

    root: Path
    home: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """Return the address without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def api(self, path: str, method: str = "GET") -> Any:
        """Call the server's REST interface and return its JSON."""
        request = urllib.request.Request(f"{self.url}/api/{path}", method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 - loopback
            body = reply.read()
        return json.loads(body) if body else None

    def ready(self) -> bool:
        """Tell whether the server answers yet; fail at once if it has ended."""
        if self.process.poll() is not None:
            pytest.fail(f"JupyterLab ended with {self.process.returncode}:\n{self.log()}")
        try:
            return bool(self.api("status"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log(self) -> str:
        """Return the end of what the server said."""
        return (self.home / "jupyter.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def foreign_connections(self) -> str:
        """Return what the server or a kernel tried to reach outside this machine; empty when nothing."""
        log = self.home / "network.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def stop_kernels(self) -> None:
        """Shut every session and kernel down, and see that none is left."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")
        wait_until(lambda: not self.api("kernels"), "all kernels to end", 30)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of the server and its kernels: this checkout, a private home, no network."""
    paths = [str(HERE / "offline"), str(ROOT / "engine"), str(ROOT)]
    own = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    lab = {f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    settings = {"HOME": str(home), "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": os.pathsep.join(paths)}
    return {**lab_environment(), **own, **lab, **settings, "WARPVIZ_NETWORK_LOG": str(home / "network.log")}


def start_server(home: Path, root: Path) -> Server:
    """Start JupyterLab on `root` and return it once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # What `warpviz lab` runs, so that what it keeps offline is what these tests hold to be offline.
    command = [
        *lab_command(root, first=None, port=port, show=False),
        "--IdentityProvider.token=",
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
    ]
    with (home / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment(home), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    server = Server(root, home, port, process)
    wait_until(server.ready, "JupyterLab to start", 90)
    return server
