"""Time and memory of a piece of work, on a CPU or a CUDA device."""

import ctypes
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


@dataclass(frozen=True, slots=True)
class TimeSpread:
    """Seconds of one piece of work over several repeats."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)

    def quantile(self, share: float) -> float:
        """Return the seconds within which `share` of the repeats ended."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def relative(self) -> float:
        """Spread of the repeats: (90 % quantile - 10 % quantile) / median."""
        return (self.quantile(0.9) - self.quantile(0.1)) / self.median


def wait(device: torch.device) -> None:
    """Wait until the device has finished its work; on a CPU it always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def time_of(
    work: Callable[[], object], device: torch.device, *, repeats: int, warm: int = 1
) -> TimeSpread:
    """Time `work` by a wall clock, the device drained before and after each repeat."""
    for _ in range(warm):
        work()
    found = []
    for _ in range(repeats):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        found.append(time.perf_counter() - start)
    return TimeSpread(tuple(found))


def tidy(device: torch.device) -> None:
    """Free unused memory, so that the next measurement starts from the bytes in use."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        # glibc keeps freed memory: the next measurement would reuse it and seem to need none
        trim(0)


class PeakBytes:
    """Bytes above those held when it was made, by the device's allocator or by this process.

    On a CPU, torch's allocator is the C library's, which keeps no account: the process' resident
    memory stands for it.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        tidy(device)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
            self._before = torch.cuda.memory_allocated(device)
        if CLEAR.exists():
            CLEAR.write_text("5", encoding="ascii")
        self._resident = _status_bytes("VmRSS")

    def read(self) -> int:
        """Return the peak so far, in bytes."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) - self._before
        return max(0, _status_bytes("VmHWM") - self._resident)

    def by_owner(self) -> dict[str, int]:
        """Return a table's columns: bytes held now and at the peak, and this process' share.

        steady_bytes, peak_bytes: of the allocator (on a CPU, of the process). process_bytes,
        process_peak_bytes: of resident memory. reserved_bytes: all that a CUDA allocator has taken
        from the device.
        """
        resident = max(0, _status_bytes("VmRSS") - self._resident)
        peak = max(0, _status_bytes("VmHWM") - self._resident)
        found = {"steady_bytes": resident, "peak_bytes": self.read()}
        if self.device.type == "cuda":
            found["steady_bytes"] = torch.cuda.memory_allocated(self.device) - self._before
            found["reserved_bytes"] = torch.cuda.memory_reserved(self.device)
        return found | {"process_bytes": resident, "process_peak_bytes": peak}


def _status_bytes(name: str) -> int:
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    return 0
