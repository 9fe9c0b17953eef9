"""Builds every CUDA kernel as the product calls it, for GPUs this machine need not have: `python
building.py 80 90`.

Triton asks its driver which GPU there is; a stand-in answers, and kernels are built instead of
launched.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction
from warp_cortex.attention.partial import Partial
from warp_cortex.kernels import cover_triton, decode_triton

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
B, HEADS, KV, DIM, ROOM, K = 3, 14, 2, 64, 16, 64


def call_all() -> None:
    """Call whatever launches a kernel, with the types and the alignment of real calls."""
    points = torch.randn(64, 128)
    given = torch.zeros(4, dtype=torch.long)
    cover_triton.greedy(points, torch.rand(64), given, fixed=4, alpha=0.3, skip=0)
    for dtype in (torch.bfloat16, torch.float16):
        x, weight = torch.randn(B, 896, dtype=dtype), torch.ones(896, dtype=dtype)
        qkv, turns = torch.randn(B, (HEADS + 2 * KV) * DIM, dtype=dtype), torch.randn(B, DIM)
        block, columns = torch.zeros(2, B, KV, ROOM, DIM, dtype=dtype), torch.tensor([1, 2, 3])
        shared = (torch.zeros(KV, K, DIM, dtype=dtype),) * 2
        prior = Partial(
            torch.zeros(B, KV, HEADS // KV, DIM, dtype=dtype), torch.zeros(B, KV, HEADS // KV)
        )
        lead = Partial(prior.out[:1], prior.lse[:1])
        for residual in (None, x):
            decode_triton.add_norm(x, residual, weight, 1e-6)
        query = decode_triton.rotate_write(qkv, turns, turns, block, columns)
        for before, near, led in (
            (None, None, False),
            (prior, None, False),
            (None, shared, False),
            (lead, shared, True),
        ):
            decode_triton.attend(
                query, block, columns, before, first=0, width=8, shared=near, led=led
            )
        decode_triton.gated(torch.randn(B, 2 * 4864, dtype=dtype))


def described(arch: int, kernel: Any) -> dict[str, Any]:
    """Return what a built kernel takes: registers, bytes of stack (spilled registers), exchanges
    between threads.
    """
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(kernel.asm["cubin"])
        told = subprocess.run(
            [TOOLS / "cuobjdump", "-res-usage", file.name],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    used = {name: int(re.search(rf"{name}:(\d+)", told).group(1)) for name in ("REG", "STACK")}  # type: ignore[union-attr]
    return {
        "arch": arch,
        "kernel": kernel.metadata.name,
        **used,
        "exchanges": kernel.asm["ptx"].count("shfl.sync"),
    }


def main(archs: list[int]) -> None:
    """Print one JSON list: a row per kernel and way of calling it."""
    launch, rows = JITFunction.run, []
    for arch in archs:
        target = GPUTarget("cuda", arch, 32)
        driver.set_active(
            SimpleNamespace(
                get_current_device=lambda arch=arch: arch,
                get_current_stream=lambda _: 0,
                get_current_target=lambda target=target: target,
            )
        )

        def build(
            self: Any, *args: Any, grid: Any, warmup: bool, arch: int = arch, **options: Any
        ) -> Any:
            """Build what was to be launched."""
            del warmup
            kernel = launch(self, *args, grid=grid, warmup=True, **options)
            rows.append(described(arch, kernel))
            return kernel

        JITFunction.run = build
        call_all()
    sys.stdout.write(json.dumps(rows))


if __name__ == "__main__":
    main([int(arch) for arch in sys.argv[1:]])
