"""Provenance of a number: machine, date, versions, seed."""

import datetime as dt
import os
import platform
from pathlib import Path
from typing import Any

import torch
import transformers


def provenance(device: str, *, seed: int) -> dict[str, Any]:
    """Return the provenance that every table must have, JSON-ready.

    Raises:
        ValueError: the device is a CUDA device, and this machine has none.
    """
    check_present(device)
    size = f"{os.cpu_count()} cores, {memory_gib():.0f} GiB"
    record: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{processor()} ({instructions()}), {size}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "threads": torch.get_num_threads(),
        "device": device,
        "seed": seed,
    }
    if torch.device(device).type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        gib = properties.total_memory / 2**30
        record["gpu"] = (
            f"{properties.name}, {properties.multi_processor_count} multiprocessors, {gib:.0f} GiB"
        )
        record["cuda"] = torch.version.cuda
    return record


def check_present(device: str) -> None:
    """Check that this machine has the device.

    Raises:
        ValueError: it is a CUDA device, and this machine has none.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        msg = f"no CUDA device here, so {device!r} cannot be used; --device cpu can"
        raise ValueError(msg)


def load() -> dict[str, float]:
    """Return how many processes wanted a core over the last minute: a busy machine is slow."""
    return {"load": round(os.getloadavg()[0], 1)}


def sentence(record: dict[str, Any]) -> str:
    """Return the provenance as one line for the foot of a table."""
    parts = [record.get("gpu"), record["machine"], record["date"], f"seed {record['seed']}"]
    versions = (
        f"python {record['python']}, torch {record['torch']}, transformers {record['transformers']}"
    )
    busy = [f"load {record['load']} before"] if "load" in record else []
    return "; ".join(
        [*(str(part) for part in parts if part), versions, f"{record['threads']} threads", *busy]
    )


def processor() -> str:
    """Return the processor's name, or its architecture where the system does not name it."""
    source = Path("/proc/cpuinfo")
    if source.exists():
        for line in source.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def instructions() -> str:
    """Return the vector instructions torch uses here, and whether they multiply bfloat16."""
    products = "bfloat16 products" if has_bfloat16() else "no bfloat16 products"
    return f"{torch.backends.cpu.get_cpu_capability()}, {products}"


def has_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 matrices itself.

    Where it emulates them, batches are faster in float32.
    """
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def memory_gib() -> float:
    """Return the machine's memory in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
