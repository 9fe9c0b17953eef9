"""A step's time against the machine's limits: bytes that must move, products that must be done."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import torch
from warp_cortex import Prism

from warpviz.bench.engine import shape, variants
from warpviz.bench.engine.capacity import task_tokens
from warpviz.bench.engine.variants import BenchSetting, BenchStreams
from warpviz.bench.harness.timing import PeakBytes, TimeSpread, tidy, time_of, wait

COPY_BYTES = 2**30
MATRIX = 8192
Found = TypeVar("Found")


def copy_bandwidth(device: torch.device, *, size: int = COPY_BYTES) -> float:
    """Return the bytes per second, read plus written, of a copy inside the device's memory."""
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / time_of(lambda: target.copy_(source), device, repeats=10, warm=3).median


def product_rate(device: torch.device, dtype: torch.dtype, *, size: int = MATRIX) -> float:
    """Return floating-point operations per second of a large product of random matrices."""
    one, other = (torch.randn(size, size, dtype=dtype, device=device) for _ in range(2))
    return 2 * size**3 / time_of(lambda: one @ other, device, repeats=10, warm=3).median


def product_flops(scene: BenchSetting) -> int:
    """Return the operations of one token in the linear layers and the vocabulary projection."""
    linear = sum(
        p.numel()
        for name, p in scene.prism.model.named_parameters()
        if p.dim() > 1 and "embed" not in name
    )
    head = scene.prism.model.get_output_embeddings().weight.numel()
    tied = "lm_head.weight" not in dict(scene.prism.model.named_parameters())
    total: int = 2 * (linear + (head if tied else 0))
    return total


def steps(rows: list[dict[str, Any]], scene: BenchSetting, *, agents: list[int], seed: int) -> None:
    """Fill one row per number of agents: every slot full but for one entry, the longest step."""
    device = scene.prism.device
    small = device.type != "cuda"
    bandwidth = copy_bandwidth(device, size=COPY_BYTES // 32 if small else COPY_BYTES)
    rate = product_rate(device, scene.prism.dtype, size=512 if small else MATRIX)
    for count in agents:
        if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
            rows.append({"agents": count, "skipped": reason})
            continue
        peak = PeakBytes(device)
        start = time.perf_counter()
        streams = _seated(scene, count, seed=seed)
        wait(device)
        admit = time.perf_counter() - start
        spread, bare = _times(streams, scene)
        kv = streams.num_bytes + scene.snapshot.num_bytes
        floor = (scene.prism.weight_bytes + kv) / bandwidth
        products = count * product_flops(scene) / rate
        rows.append(
            {
                "agents": count,
                "step_ms": 1e3 * spread.median,
                "spread": spread.relative,
                "step_without_graph_ms": 1e3 * bare.median,
                "floor_ms": 1e3 * floor,
                "times_floor": spread.median / floor,
                "products_ms": 1e3 * products,
                "times_larger_floor": spread.median / max(floor, products),
                "agent_tokens_per_s": count / spread.median,
                "admit_s": admit,
                "kv_bytes": kv,
                "peak_bytes": peak.read(),
                "bandwidth_GB_per_s": bandwidth / 1e9,
                "products_TFLOP_per_s": rate / 1e12,
            }
        )
        del streams
        tidy(device)


def _seated(scene: BenchSetting, agents: int, *, seed: int) -> BenchStreams:
    """Return agents that have read a random task each."""
    vocabulary = scene.prism.spec.vocab_size
    tasks = shape.random_tasks(agents, task_tokens(scene), vocabulary, seed=seed)
    return variants.seat(scene, variants.LANDMARKS, tasks)


def _times(streams: BenchStreams, scene: BenchSetting) -> tuple[TimeSpread, TimeSpread]:
    """Return the times of a step into the last entry: recorded where steps are, and without."""
    prism = scene.prism

    def last_step() -> None:
        """Take the last step again."""
        streams.restore(scene.own - 1)
        streams.run(1)

    bare = _unrecorded(prism, partial(time_of, last_step, prism.device, repeats=7, warm=2))
    if not prism.records_steps:
        return bare, bare
    return time_of(last_step, prism.device, repeats=30, warm=3), bare


def _unrecorded(prism: Prism, measure: Callable[[], Found]) -> Found:
    """Measure with steps that are taken kernel by kernel."""
    usual = prism.records_steps
    prism.records_steps = False
    try:
        return measure()
    finally:
        prism.records_steps = usual


def resident(
    rows: list[dict[str, Any]], scene: BenchSetting, *, agents: int, limit: float, seed: int
) -> None:
    """Let agents write all their own tokens while the allocator may hold `limit` bytes at most."""
    device = scene.prism.device
    total = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
    if total:
        tidy(device)
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)
    try:
        streams = _seated(scene, agents, seed=seed)
        if total:
            torch.cuda.reset_peak_memory_stats(device)
        left = scene.own - streams.longest
        spread = time_of(partial(streams.run, 1), device, repeats=left - 1, warm=1)
        rows.append(
            {
                "agents": agents,
                "own_tokens": scene.own,
                "private_bytes": streams.num_bytes // agents,
                "limit_bytes": int(limit),
                "allocated_peak_bytes": torch.cuda.max_memory_allocated(device) if total else None,
                "reserved_bytes": torch.cuda.memory_reserved(device) if total else None,
                "step_ms_first": 1e3 * spread.seconds[0],
                "step_ms_last": 1e3 * spread.seconds[-1],
                "agent_tokens_per_s": agents * len(spread.seconds) / sum(spread.seconds),
            }
        )
    finally:
        if total:
            torch.cuda.set_per_process_memory_fraction(1.0, device)


def hottest(
    rows: list[dict[str, Any]], scene: BenchSetting, *, agents: int, seed: int, count: int = 14
) -> None:
    """Fill one row per kernel: where the time of one step without a graph goes."""
    device = scene.prism.device
    streams = _seated(scene, agents, seed=seed)
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        kinds.append(torch.profiler.ProfilerActivity.CUDA)

    def last_step() -> None:
        """Take the last step again."""
        streams.restore(scene.own - 1)
        streams.run(1)
        wait(device)

    _unrecorded(scene.prism, last_step)
    with torch.profiler.profile(activities=kinds) as profile:
        _unrecorded(scene.prism, last_step)
    cuda = device.type == "cuda"
    key = "self_device_time_total" if cuda else "self_cpu_time_total"
    kind = "CUDA" if cuda else "CPU"
    averages = [event for event in profile.key_averages() if event.device_type.name == kind]
    found = sorted(averages, key=lambda event: -getattr(event, key))
    whole = sum(getattr(event, key) for event in found)
    rows.extend(
        {
            "kernel": event.key[:90],
            "calls": event.count,
            "total_us": getattr(event, key),
            "share": getattr(event, key) / whole,
        }
        for event in found[:count]
    )
    rows.append(
        {
            "kernel": "all",
            "calls": sum(event.count for event in found),
            "total_us": whole,
            "share": 1.0,
        }
    )
