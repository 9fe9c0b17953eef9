"""A script may end, or fail, while a view computes: its exit code is its own."""

import subprocess
import sys

import pytest

CODE = """
import threading
import torch
from warpviz.views.base.newest_worker import NewestWorker

begun = threading.Event()

def job(overtaken):
    while not overtaken():
        begun.set()
        torch.linalg.svd(torch.randn(150, 150))
    print("asked to stop")

worker = NewestWorker(on_error=print)
worker.submit(job)
begun.wait(60)
"""


@pytest.mark.parametrize(("end", "code"), [("", 0), ("raise ValueError('a mistake')", 1)])
def test_a_script_ends_with_its_own_exit_code(end: str, code: int) -> None:
    """A job inside torch is asked to stop and waited for; the process does not abort."""
    done = subprocess.run(
        [sys.executable, "-c", CODE + end], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    assert "asked to stop" in done.stdout
