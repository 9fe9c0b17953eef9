"""A step's time beside what the machine allows: the bytes that must move, and the products that
must be done.
"""

import time
from functools import partial
from typing import Any

import torch
from torch import Tensor
from warp_cortex import StreamBatch

from warpviz.bench.engine import shape, variants
from warpviz.bench.engine.variants import BenchSetting
from warpviz.bench.harness.timing import PeakBytes, TimeSpread, tidy, time_of, wait

COPY_BYTES = 2**30
MATRIX = 8192


def copy_bandwidth(device: torch.device, *, size: int = COPY_BYTES) -> float:
    """Return bytes per second of a copy inside the device's memory, bytes read plus bytes
    written.
    """
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / time_of(lambda: target.copy_(source), device, repeats=10, warm=3).median


def product_rate(device: torch.device, dtype: torch.dtype, *, size: int = MATRIX) -> float:
    """Return floating-point operations per second of one large matrix product of random numbers."""
    one, other = (torch.randn(size, size, dtype=dtype, device=device) for _ in range(2))
    return 2 * size**3 / time_of(lambda: one @ other, device, repeats=10, warm=3).median


def product_flops(scene: BenchSetting) -> int:
    """Return the operations one token costs in the linear layers, the vocabulary projection
    included.
    """
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
    """Fill one row per number of agents: all slots full but for the last entry, so that a step
    reads the most.
    """
    device = scene.prism.device
    spec = scene.prism.spec
    small = device.type != "cuda"
    bandwidth = copy_bandwidth(device, size=COPY_BYTES // 32 if small else COPY_BYTES)
    rate = product_rate(device, scene.prism.dtype, size=512 if small else MATRIX)
    for count in agents:
        if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
            rows.append({"agents": count, "skipped": reason})
            continue
        peak = PeakBytes(device)
        tasks = shape.random_tasks(count, scene.own, spec.vocab_size, seed=seed)
        stepper = variants.seat(scene, variants.LANDMARKS, tasks)
        stepper.data.normal_()
        stepper.lengths.fill_(scene.own - 1)
        eager = time_of(stepper.step, device, repeats=7, warm=2)
        if device.type == "cuda":
            stepper.capture()
            spread = time_of(partial(stepper.run, 1), device, repeats=30, warm=3)
        else:
            spread = eager
        kv = stepper.num_bytes + scene.snapshot.num_bytes
        floor = (scene.prism.weight_bytes + kv) / bandwidth
        products = count * product_flops(scene) / rate
        rows.append(
            {
                "agents": count,
                "step_ms": 1e3 * spread.median,
                "spread": spread.relative,
                "step_without_graph_ms": 1e3 * eager.median,
                "floor_ms": 1e3 * floor,
                "times_floor": spread.median / floor,
                "products_ms": 1e3 * products,
                "times_larger_floor": spread.median / max(floor, products),
                "agent_tokens_per_s": count / spread.median,
                "kv_bytes": kv,
                "peak_bytes": peak.read(),
                "bandwidth_GB_per_s": bandwidth / 1e9,
                "products_TFLOP_per_s": rate / 1e12,
            }
        )
        del stepper
        tidy(device)


def engine_steps(
    rows: list[dict[str, Any]], scene: BenchSetting, *, agents: list[int], seed: int
) -> None:
    """Fill a row with the River's token and one per number of agents with StreamBatch's step, as a
    run takes them.
    """
    prism = scene.prism
    recorded = scene.prism.records_steps
    context = scene.context.fork()
    times = {}
    for prism.records_steps in (recorded, False):
        times[prism.records_steps] = time_of(
            partial(context.write, 5), prism.device, repeats=15, warm=3
        )
    prism.records_steps = recorded
    rows.append(_engine_row("the River", 1, times[recorded], times[False]))
    for count in agents:
        tasks = shape.random_tasks(count, 8, scene.prism.spec.vocab_size, seed=seed).tolist()
        batch = StreamBatch(scene.prism, scene.snapshot, slots=count, capacity=scene.own)
        start = time.perf_counter()
        out = batch.admit(list(range(count)), tasks, [None] * count)
        wait(scene.prism.device)
        admit = time.perf_counter() - start
        tokens: Tensor = out.logits.argmax(-1)
        for prism.records_steps in (recorded, False):
            times[prism.records_steps] = time_of(
                partial(batch.step, tokens), prism.device, repeats=7, warm=2
            )
        prism.records_steps = recorded
        rows.append(
            _engine_row("streams", count, times[recorded], times[False]) | {"admit_s": admit}
        )
        del batch, out
        tidy(scene.prism.device)


def _engine_row(who: str, count: int, step: TimeSpread, bare: TimeSpread) -> dict[str, Any]:
    return {
        "who": who,
        "agents": count,
        "step_ms": 1e3 * step.median,
        "spread": step.relative,
        "step_without_graph_ms": 1e3 * bare.median,
        "agent_tokens_per_s": count / step.median,
    }


def resident(
    rows: list[dict[str, Any]], scene: BenchSetting, *, agents: int, limit: float, seed: int
) -> None:
    """Let `agents` agents write all their own tokens while the allocator may hold no more than
    `limit` bytes.
    """
    device = scene.prism.device
    spec = scene.prism.spec
    total = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else 0
    if total:
        tidy(device)
        torch.cuda.set_per_process_memory_fraction(min(1.0, limit / total), device)
    try:
        stepper = variants.seat(
            scene, variants.LANDMARKS, shape.random_tasks(agents, 8, spec.vocab_size, seed=seed)
        )
        if total:
            torch.cuda.reset_peak_memory_stats(device)
            stepper.capture()
        spread = time_of(lambda: stepper.run(1), device, repeats=scene.own - 2, warm=1)
        rows.append(
            {
                "agents": agents,
                "own_tokens": scene.own,
                "private_bytes": stepper.num_bytes // agents,
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
    stepper = variants.seat(
        scene,
        variants.LANDMARKS,
        shape.random_tasks(agents, 8, scene.prism.spec.vocab_size, seed=seed),
    )
    stepper.lengths.fill_(scene.own - 1)
    stepper.step()
    kinds = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        kinds.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=kinds) as profile:
        stepper.step()
        wait(device)
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
