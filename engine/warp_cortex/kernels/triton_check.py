"""Whether Triton's kernels can be launched, and where: a GPU is not enough, the launcher is built
by a C compiler.
"""

import functools
import subprocess
import warnings
from contextlib import AbstractContextManager, nullcontext

import torch


@functools.cache
def can_launch(device: torch.device) -> bool:
    """Launch a kernel on a CUDA device and tell whether that went well; if not, a warning says what
    is missing.

    False without a word where Triton is not installed, or there is no such device.
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
            f"Triton cannot launch kernels on {device} ({reason}), so slower ways are taken; it needs a C compiler and "
            "Python's headers (Debian: apt install gcc python3-dev)",
            stacklevel=2,
        )
        return False
    return True


def current(device: torch.device) -> AbstractContextManager[object]:
    """Return a block in which a GPU is the current one: Triton launches there, wherever the tensors
    lie.
    """
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()
