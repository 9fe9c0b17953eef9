"""A private JupyterLab for measurements and tests.

It has a free loopback port and a home of its own, and reads none of the user's settings.
"""

import json
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import warp_cortex

from warpviz.lab import lab_command, lab_environment

# A timeout that only a hang reaches: a cold import of torch and transformers on a busy machine
# takes half a minute.
PATIENCE_S = 120.0
PACKAGES = (Path(warp_cortex.__file__).parents[1], Path(__file__).parents[2])


def wait_until(check: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Poll `check` until it returns something true, and return that.

    Raises:
        TimeoutError: it did not within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := check():
            return value
        time.sleep(0.05)
    msg = f"waited {timeout_s:g} s for {what}"
    raise TimeoutError(msg)


@dataclass
class Server:
    """A running JupyterLab that serves `root`."""

    root: Path
    home: Path
    port: int
    process: subprocess.Popen[bytes]
    token: str = field(repr=False)

    @property
    def url(self) -> str:
        """Return the address without a trailing slash."""
        return f"http://127.0.0.1:{self.port}"

    def page(self, workspace: str, notebook: str) -> str:
        """Return the address that opens a notebook in a workspace of its own."""
        return f"{self.url}/lab/workspaces/{workspace}/tree/{notebook}?reset&token={self.token}"

    def api(self, path: str, method: str = "GET") -> Any:
        """Call the server's REST interface and return its JSON."""
        address = f"{self.url}/api/{path}"
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(  # noqa: S310 -- our own http URL
            address, method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310 -- as above
            body = reply.read()
        return json.loads(body) if body else None

    def ready(self) -> bool:
        """Tell whether the server answers yet.

        Raises:
            RuntimeError: it has ended.
        """
        if self.process.poll() is not None:
            msg = f"JupyterLab ended with {self.process.returncode}:\n{self.log()}"
            raise RuntimeError(msg)
        try:
            return bool(self.api("status"))
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log(self) -> str:
        """Return the last 4,000 characters of the server's log."""
        return (self.home / "jupyter.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def stop_kernels(self) -> None:
        """Shut every session and kernel down, and wait until none is left."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", "DELETE")
        for kernel in self.api("kernels"):
            self.api(f"kernels/{kernel['id']}", "DELETE")
        wait_until(lambda: not self.api("kernels"), "all kernels to end", 30)

    def close(self) -> None:
        """End the server and its kernels."""
        if self.process.poll() is None:
            self.stop_kernels()
            self.process.terminate()
            self.process.wait(30)


def environment(home: Path) -> dict[str, str]:
    """Return the environment of the server and its kernels: these packages, a private home."""
    paths = [str(path) for path in PACKAGES]
    own = {
        f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")
    }
    lab = {
        f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")
    }
    settings = {
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    return {**lab_environment(), **own, **lab, **settings}


def start_server(home: Path, root: Path, *, env: dict[str, str] | None = None) -> Server:
    """Start JupyterLab on `root` and return it once it answers; its pages ask for a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The command of `warpviz lab`: the measurements are of what a user opens.
    command = [
        *lab_command(root, first=None, port=port, show=False),
        "--ServerApp.disable_check_xsrf=True",
        "--LabApp.expose_app_in_browser=True",
    ]
    token = secrets.token_hex(24)
    # not in the command, which every process of this machine can read
    settings = {**(environment(home) if env is None else env), "JUPYTER_TOKEN": token}
    with (home / "jupyter.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            command, env=settings, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
    server = Server(root, home, port, process, token)
    wait_until(server.ready, "JupyterLab to start", 90)
    return server
