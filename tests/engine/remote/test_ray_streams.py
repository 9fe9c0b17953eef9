"""Streams on other machines: the checks of `ray_cluster_checks.py`, in a process of their own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = Path(__file__).with_name("ray_cluster_checks.py")
OPTIONS = ["-q", "-n0", "-o", "filterwarnings=", "-p", "no:cacheprovider"]
PATIENCE_S = 280
# Ray gives its own daemons half a minute to come up, which a busy machine can exceed.
SLOW_START = {"RAY_raylet_start_wait_time_s": "120"}


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="the extra warpviz[ray] is not installed"
)
def test_streams_think_on_a_cluster_and_survive_the_loss_of_a_worker() -> None:
    """Every check passes on a real local cluster: the same thoughts; a killed worker loses none."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, str(CHECKS)],
        cwd=CHECKS.parents[2],
        env={**os.environ, **SLOW_START},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert "6 passed" in done.stdout, done.stdout[-500:]
