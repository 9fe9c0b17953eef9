"""CUDA kernels are built for real GPUs, which needs none: what Triton or the assembler refuses is
seen here.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ARCHS = (80, 90, 100)  # A100, H100 and H200, B200
KERNELS = {"_compare", "_pick", "add_norm", "rotate_write", "attend", "gated"}
FULL = 255  # registers a thread can have
FEW = 16  # bytes of stack: a scalar or two, no part of a tile


@pytest.mark.slow
def test_every_kernel_is_built_for_every_gpu(tmp_path: Path) -> None:
    """As the product calls them; none keeps its tiles on a stack, and distances are summed thread
    by thread.
    """
    pytest.importorskip(
        "triton", reason="Triton, which the CUDA parts are written in, is not installed"
    )
    script = Path(__file__).with_name("building.py")
    root = script.parents[3]
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment |= {"PYTHONPATH": f"{root}/engine:{root}", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, script, *map(str, ARCHS)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = json.loads(done.stdout)
    assert {(row["arch"], row["kernel"]) for row in rows} == {
        (arch, name) for arch in ARCHS for name in KERNELS
    }
    for row in rows:
        assert row["STACK"] <= FEW, row
        assert row["REG"] < FULL, row
        assert row["kernel"] != "_compare" or row["exchanges"] == 0, row
