"""Another process that ends before it has loaded anything says why."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from warp_cortex.remote.process_client import WorkerProcess


@pytest.mark.parametrize(
    ("code", "told"),
    [("import nothing_like_it", "exit code 1; it last said: ModuleNotFoundError: No module named 'nothing_like_it'"),
     ("raise SystemExit(3)", "it ended (exit code 3)")],
)  # fmt: skip
def test_a_process_that_ends_while_it_starts_says_why(
    monkeypatch: pytest.MonkeyPatch, code: str, told: str
) -> None:
    """The last line on its standard error is told beside the exit code."""
    monkeypatch.setattr("warp_cortex.remote.process_client.COMMAND", (sys.executable, "-c", code))
    spec = SimpleNamespace(name="village", checksum="0")
    prism: Any = SimpleNamespace(source="village", dtype="torch.float32", spec=spec)
    with pytest.raises(ValueError, match=re.escape(told)):
        WorkerProcess(prism, threads=1, device="cpu")
