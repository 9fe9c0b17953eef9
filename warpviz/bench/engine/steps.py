"""A run's batched step against its own linear layers alone: where a CPU spends its time."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from warp_cortex import Prism, Stream, StreamConfig
from warp_cortex.agents.runner import LocalRunner
from warp_cortex.decode.weights import FusedWeights, fuse

from warpviz.bench.engine import capacity, shape, variants
from warpviz.bench.engine.variants import BenchSetting, BenchStreams
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import load, provenance
from warpviz.bench.harness.report import Report, ended
from warpviz.bench.harness.timing import TimeSpread, tidy, wait

DTYPES = ("bfloat16", "float32")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--model", default="village", help=f"models or shapes: {', '.join(shape.SHAPES)}"
    )
    parser.add_argument(
        "--agents", type=flags.counts, default="1,10,100,256,512,1000", help="numbers of agents"
    )
    parser.add_argument(
        "--dtypes",
        type=flags.names(DTYPES),
        default=",".join(DTYPES),
        help="precisions (bfloat16,float32)",
    )
    parser.add_argument(
        "--context", type=flags.at_least(1), default=512, help="tokens of the context (512)"
    )
    parser.add_argument(
        "--own-tokens",
        type=flags.at_least(2),
        default=24,
        help="tokens an agent writes, task included (24)",
    )
    parser.add_argument("--repeats", type=flags.at_least(1), default=15)
    flags.common(parser, minutes=20)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return provenance and rows.

    Raises:
        ValueError: there is no such model or device, or a model cannot read the context.
    """
    models = args.model.split(",")
    positions = args.context + args.own_tokens
    for name in models:
        shape.check(
            name, device=args.device, tokens=args.context, dtype=getattr(torch, args.dtypes[0])
        )
    record = provenance(args.device, seed=args.seed) | load()
    report = Report("steps", args.out, record, minutes=args.minutes, quiet=args.json)
    for name in models:
        for dtype in args.dtypes:

            def measure(rows: list[dict[str, Any]], name: str = name, dtype: str = dtype) -> None:
                """Measure one model in one precision."""
                kind = getattr(torch, dtype)
                prism = shape.load(
                    name, device=args.device, dtype=kind, positions=positions, seed=args.seed
                )
                scene = capacity.scene_of(
                    prism, args.context, own=args.own_tokens, k=64, seed=args.seed
                )
                found = (
                    measured(scene, count, repeats=args.repeats, seed=args.seed)
                    for count in args.agents
                )
                rows.extend({"model": name, "dtype": dtype} | row for row in found)

            report.section(f"{name}, {dtype}", NOTE, measure)
    return report.record() | {"rows": report.rows}


def measured(scene: BenchSetting, count: int, *, repeats: int, seed: int) -> dict[str, Any]:
    """Return one row: a step of `count` agents with half-full slots, and its linear layers."""
    if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
        return {"agents": count, "own_tokens": scene.own, "skipped": reason}
    prism = scene.prism
    vocabulary = prism.spec.vocab_size
    tasks = shape.random_tasks(count, capacity.task_tokens(scene), vocabulary, seed=seed)
    lane = _RunLane(scene, tasks.tolist())
    weights = fuse(prism.model, prism.layout)
    found = _in_turn(
        _BatchStep(variants.seat(scene, variants.LANDMARKS, tasks)),
        lane,
        _Linears(weights, count, prism),
        repeats=repeats,
        device=prism.device,
    )
    (whole, whole_cpu), (run, run_cpu), (alone, alone_cpu) = found
    tidy(prism.device)
    return {
        "agents": count,
        "own_tokens": scene.own,
        "step_ms": 1e3 * whole.median,
        "run_ms": 1e3 * run.median,
        "linear_ms": 1e3 * alone.median,
        "times_linear": whole.median / alone.median,
        "us_per_agent_token": 1e6 * whole.median / count,
        "agent_tokens_per_s": count / whole.median,
        "step_cpu_ms": 1e3 * whole_cpu.median,
        "run_cpu_ms": 1e3 * run_cpu.median,
        "linear_cpu_ms": 1e3 * alone_cpu.median,
        "times_linear_cpu": whole_cpu.median / alone_cpu.median,
        "agent_tokens_per_cpu_s": count / whole_cpu.median,
        "step_spread": whole.relative,
        "run_spread": run.relative,
        "linear_spread": alone.relative,
        "repeats": repeats,
    }


class _BatchStep:
    """One step of a batch with half-full slots."""

    def __init__(self, streams: BenchStreams) -> None:
        self.streams = streams
        self.half = max(streams.longest, streams.own // 2)

    def prepare(self) -> None:
        """Go back to half-full slots."""
        self.streams.restore(self.half)

    def run(self) -> None:
        """Take the step."""
        self.streams.run(1)


class _RunLane:
    """One step of a run's stream lane: the same batch, and what a run makes of its tokens."""

    def __init__(self, scene: BenchSetting, tasks: list[list[int]]) -> None:
        # a thought of one token, and the step that is measured, must not end it
        room = max(scene.own - len(tasks[0]), 3)
        config = StreamConfig(slots=len(tasks), max_tokens=room, stop=())
        self.runner = LocalRunner(scene.prism, config)
        self.runner.stop_ids = frozenset()  # all agents go on to the end of the measurement
        version = scene.snapshot.version
        self.streams = [
            Stream(number, "", "bench", (0, 0), version, task) for number, task in enumerate(tasks)
        ]
        for stream in self.streams:
            self.runner.open(stream, scene.snapshot)
        self.runner.step()
        self.half = max(len(tasks[0]), scene.own // 2)
        self.batch = self.runner.batches[version]

    def prepare(self) -> None:
        """Go back to half-full slots and to thoughts of one token."""
        self.batch.slots.restore([self.half] * len(self.streams))
        for stream in self.streams:
            del stream.ids[:-1]
            stream.text = ""

    def run(self) -> None:
        """Take the step."""
        self.runner.step()


class _Linears:
    """Every matrix product of a step with shared weights, on inputs of the right shapes."""

    def __init__(self, weights: FusedWeights, count: int, prism: Prism) -> None:
        self.weights = weights
        layer = weights.layers[0]
        sizes = (
            layer.into_attention,
            layer.from_attention,
            layer.into_mlp,
            layer.from_mlp,
            weights.head,
        )
        self.inputs = [
            torch.randn(count, part.shape[1], device=prism.device).to(prism.dtype) for part in sizes
        ]

    def prepare(self) -> None:
        """Do nothing: the inputs stay as they are."""

    @torch.no_grad()
    def run(self) -> Tensor:
        """Do them."""
        hidden, mixed, normed, opened, final = self.inputs
        for layer in self.weights.layers:
            functional.linear(hidden, layer.into_attention, layer.into_attention_bias)
            functional.linear(mixed, layer.from_attention, layer.from_attention_bias)
            functional.linear(normed, layer.into_mlp)
            functional.linear(opened, layer.from_mlp)
        return functional.linear(final, self.weights.head)


Times = tuple[TimeSpread, TimeSpread]  # by the wall clock, and of this process on a core


def _in_turn(
    *works: _BatchStep | _RunLane | _Linears, repeats: int, device: torch.device
) -> list[Times]:
    """Time several pieces of work in turn, so that other load on the machine meets all of them."""
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    for number in range(2 * repeats + 1):
        for work, times in zip(works, found, strict=True):
            work.prepare()
            taken = _timed(work.run, device)
            if number:  # the first one warms up
                times.append(taken)
    return [_spreads(times) for times in found]


def _timed(work: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Return seconds by the wall clock, and seconds of this process' threads on a core."""
    wait(device)
    wall = time.perf_counter()
    core = time.process_time()
    work()
    wait(device)
    return time.perf_counter() - wall, time.process_time() - core


def _spreads(found: list[tuple[float, float]]) -> Times:
    return TimeSpread(tuple(wall for wall, _ in found)), TimeSpread(
        tuple(core for _, core in found)
    )


def execute(args: argparse.Namespace) -> int:
    """Run and print; the exit code is 1 if a table could not be finished."""
    return ended(run(args), as_json=args.json)


NOTE = (
    "step: one token for every agent as a run takes it (StreamBatch), 64 shared landmarks, own "
    "entries half full, greedy choice included. run: the same in a run's stream lane "
    "(LocalRunner), text and outcomes of every agent included. linear: the same products with the "
    "shared weights alone, vocabulary included. All three are timed in turn; times_linear is the "
    "ratio of the medians. cpu: seconds on a core, which other load hardly changes."
)
