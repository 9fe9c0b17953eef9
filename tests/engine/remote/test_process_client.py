"""A child process that ends before it has loaded anything says why."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from warp_cortex.remote.process_client import WorkerProcess


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (
            "import nothing_like_it",
            "exit code 1; it last said: ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("raise SystemExit(3)", "it ended (exit code 3)"),
    ],
)
def test_a_process_that_ends_while_it_starts_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, why: str
) -> None:
    """The error holds the exit code and the last line on standard error."""
    package = tmp_path / "short_lived"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "child.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("warp_cortex.remote.process_client.MODULE", "short_lived.child")
    spec = SimpleNamespace(name="village", checksum="0")
    prism: Any = SimpleNamespace(source="village", dtype="torch.float32", spec=spec)
    with pytest.raises(ValueError, match=re.escape(why)):
        WorkerProcess(prism, threads=1, device="cpu")
