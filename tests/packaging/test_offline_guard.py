"""The guard that keeps the browser tests' kernels on this machine: what it lets through and what it
does not.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

GUARD = Path(__file__).parents[1] / "browser" / "offline" / "sitecustomize.py"
CASES = [
    ("socket.connect", (None, ("127.0.0.1", 80)), None),
    ("socket.connect", (None, ("::1", 80, 0, 0)), None),
    ("socket.connect", (None, ("192.0.2.1", 80)), "192.0.2.1"),
    ("socket.connect", (None, "/run/a-local-socket"), None),
    ("socket.getaddrinfo", ("localhost", 80), None),
    ("socket.getaddrinfo", (None, 80), None),
    ("socket.getaddrinfo", ("huggingface.co", 443), "huggingface.co"),
    ("open", ("192.0.2.1",), None),
]


@pytest.fixture
def foreign_host(monkeypatch: pytest.MonkeyPatch):
    """The guard's judgement, loaded without setting the guard."""
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)
    spec = importlib.util.spec_from_file_location("offline_guard", GUARD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.foreign_host


@pytest.mark.parametrize(("event", "arguments", "host"), CASES)
def test_only_other_machines_are_foreign(
    foreign_host, event: str, arguments: tuple, host: str | None
) -> None:
    """Loopback and local sockets are at home; every other address and name is foreign; other events
    are no matter.
    """
    assert foreign_host(event, arguments) == host


def test_a_refusal_is_written_down(tmp_path: Path) -> None:
    """A Python under the guard cannot look a name up: it gets an OSError, and the log names the
    host.
    """
    log = tmp_path / "network.log"
    code = (
        "import socket\n"
        "try:\n"
        "    socket.create_connection(('example.invalid', 80))\n"
        "except OSError as e:\n"
        "    print(e)"
    )
    environment = os.environ | {"PYTHONPATH": str(GUARD.parent), "WARPVIZ_NETWORK_LOG": str(log)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, timeout=60
    )
    assert b"refused" in done.stdout
    assert log.read_text() == "socket.getaddrinfo example.invalid\n"
