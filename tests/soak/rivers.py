"""Many short Rivers in one process: do memory, threads, descriptors or seconds grow?

`python -m tests.soak.rivers --minutes 60 --record soak.csv` prints the slopes without the first
fifth, which is warm-up; docs/trust.md records them with their length.
"""

import argparse
import csv
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import psutil
from warp_cortex import (
    Cortex,
    CortexConfig,
    Prism,
    RiverConfig,
    RouterConfig,
    Spawn,
    StreamConfig,
    SynapseConfig,
)

import warpviz

WARM_UP = 0.2  # the share of the rounds that are not counted
MODES = ("cooperative", "concurrent")


@dataclass(frozen=True)
class Round:
    """What the process held after a run, and what the run was."""

    rss_mb: float
    threads: int
    descriptors: int
    seconds: float
    spawns: int


def settings(number: int) -> CortexConfig:
    """Return the settings of a run: every second one has two threads, and each another seed."""
    return CortexConfig(
        seed=number,
        mode=MODES[number % len(MODES)],
        river=RiverConfig(max_tokens=60),
        streams=StreamConfig(max_tokens=12),
        synapse=SynapseConfig(k=48, policy="hybrid"),
        router=RouterConfig(
            triggers=("bracket", "phrase", "sentence", "schedule"), every=6, max_rate=1.0
        ),
    )


def play(prism: Prism, prompt: str, number: int, folder: Path) -> Round:
    """Let one River write, its trace saved as it grows; return what the process holds then."""
    process = psutil.Process()
    begun = time.perf_counter()
    cortex = Cortex(prism, settings(number))
    for _ in cortex.run(prompt, save=folder):
        pass
    seconds = time.perf_counter() - begun
    assert cortex.trace.has_ended
    return Round(
        rss_mb=process.memory_info().rss / 1e6,
        threads=threading.active_count(),
        descriptors=process.num_fds(),
        seconds=seconds,
        spawns=len(cortex.trace.of(Spawn)),
    )


def soak(minutes: float, *, least: int = 10) -> list[Round]:
    """Play runs for some minutes, and at least a few; return their rounds."""
    prompt = warpviz.sample("village")
    rounds: list[Round] = []
    end = time.monotonic() + 60 * minutes
    with Prism.load("village") as prism, tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end or len(rounds) < least:
            rounds.append(play(prism, prompt, len(rounds), Path(folder)))
    return rounds


def slope(values: list[float]) -> float:
    """Return by how much a value grows per run, after the warm-up."""
    kept = values[int(len(values) * WARM_UP) :]
    return float(np.polyfit(np.arange(len(kept)), kept, 1)[0])


def report(rounds: list[Round]) -> str:
    """Return the slopes and ends of what was measured, in words."""
    lines = [f"{len(rounds)} runs, {sum(each.spawns for each in rounds)} streams"]
    for field in fields(Round)[:-1]:
        values = [float(getattr(each, field.name)) for each in rounds]
        half = len(values) // 2
        lines.append(
            f"{field.name}: {slope(values):+.5f} a run; median of the second half "
            f"{statistics.median(values[half:]):.2f}, of the half before "
            f"{statistics.median(values[:half]):.2f}, most {max(values):.2f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Soak for as long as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--record", type=Path, help="a CSV file of all rounds")
    args = parser.parse_args()
    rounds = soak(args.minutes)
    if args.record is not None:
        with args.record.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([field.name for field in fields(Round)])
            writer.writerows(map(astuple, rounds))
    sys.stdout.write(f"{report(rounds)}\n")


if __name__ == "__main__":
    main()
