"""Whether Triton's kernels can be launched, and on which device.

A GPU is not enough: the launcher is built by a C compiler.
"""

import functools
import subprocess
import warnings
from contextlib import AbstractContextManager, nullcontext

import torch


@functools.cache
def can_launch(device: torch.device) -> bool:
    """Launch a kernel on a CUDA device and return whether that worked; warn if it did not.

    There is no warning where Triton is not installed, or where there is no such device.
    """
    if device.type != "cuda" or not torch.cuda.is_available():
        return False
    try:
        from warp_cortex.kernels import cover_triton
    except ImportError:
        return False
    try:
        with current(device):
            cover_triton.trial(device)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        reason = str(error).partition("\n")[0]
        warnings.warn(
            f"Triton cannot launch kernels on {device} ({reason}), so slower code runs; it needs a "
            "C compiler and Python's headers (Debian: apt install gcc python3-dev)",
            stacklevel=2,
        )
        return False
    return True


def current(device: torch.device) -> AbstractContextManager[object]:
    """Return a context in which a GPU is current: Triton launches its kernels there."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
