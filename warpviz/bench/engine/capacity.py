"""What N agents over one context cost in bytes and time, by how they share it."""

import argparse
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from warp_cortex import Prism, Synapse, SynapseConfig

from warpviz.bench.engine import shape, variants
from warpviz.bench.engine.variants import BenchRiver, BenchSetting, Lane
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import load, provenance
from warpviz.bench.harness.report import Report, ended
from warpviz.bench.harness.timing import PeakBytes, TimeSpread, tidy, wait

TASK = 8  # tokens of a task
RIVER_TOKENS = 24
MOST_THREADS = 100
THREAD_TOKENS = 4  # a thread's tokens cost the same each; more would only take longer
WARM = 3  # River tokens before those that are timed


def scene_of(prism: Prism, tokens: int, *, own: int, k: int, seed: int) -> BenchSetting:
    """Read a random context and publish k landmarks of it."""
    context = shape.random_context(prism, tokens, seed=seed, room=256)
    config = SynapseConfig(k=min(k, tokens))
    return BenchSetting(prism, context, Synapse(config, seed=seed).publish(context), own)


def rows_of(
    scene: BenchSetting,
    *,
    agents: Sequence[int],
    names: Sequence[str],
    seed: int,
    longest: float = float("inf"),
) -> Iterator[dict[str, Any]]:
    """Measure the arms in turn, for every number of agents.

    longest: seconds after which an arm that is still writing is stopped, with its slots filled up;
    an arm of which a single step would take longer, going by fewer agents, is not run.
    """
    pace: dict[str, tuple[int, float]] = {}  # of each arm: agents, and the seconds of their step
    high = variants.lane(scene.prism.device, high=True)
    low = variants.lane(scene.prism.device)
    for count in agents:
        for name in names:
            row = _frame(scene, name, count)
            if (reason := _why_not(scene, name, count, pace, longest)) is not None:
                yield row | {"skipped": reason}
                continue
            vocabulary = scene.prism.spec.vocab_size
            tasks = shape.random_tasks(count, task_tokens(scene), vocabulary, seed=seed + count)
            if name == variants.THREADS:
                yield row | _threads(scene, tasks, high=high)
            else:
                found = _batch(scene, name, tasks, high=high, low=low, longest=longest)
                pace[name] = count, found["step_ms"] / 1e3
                yield row | found
            tidy(scene.prism.device)


def task_tokens(scene: BenchSetting) -> int:
    """Return the tokens of a task; an agent has room for one more at least."""
    return min(TASK, scene.own - 1)


def river_times(scene: BenchSetting, tokens: int, stream: Lane) -> TimeSpread:
    """Return the times of a River's tokens from the text's end on, after a few to warm up."""
    main = BenchRiver(scene.context.fork())
    variants.latencies(main, WARM, stream)
    return TimeSpread(tuple(variants.latencies(main, tokens, stream)))


def _why_not(
    scene: BenchSetting, name: str, count: int, pace: dict[str, tuple[int, float]], longest: float
) -> str | None:
    """Return why so many agents are not measured in this arm, or None if they are."""
    if name == variants.THREADS and count > MOST_THREADS:
        return f"more than {MOST_THREADS} threads are not tried"
    if (reason := variants.lacking(scene, name, count)) is not None:
        return reason
    fewer, seconds = pace.get(name, (count, 0.0))
    if (expected := seconds * count / fewer) > longest:
        return f"a step would take {expected:,.0f} s, going by {fewer:,} agents"
    return None


def _frame(scene: BenchSetting, name: str, count: int) -> dict[str, Any]:
    return {
        "arm": name,
        "agents": count,
        "context": scene.base,
        "own_tokens": scene.own,
        "weights_bytes": scene.prism.weight_bytes,
    }


def _batch(
    scene: BenchSetting,
    name: str,
    tasks: torch.Tensor,
    *,
    high: Lane,
    low: Lane,
    longest: float,
) -> dict[str, Any]:
    device = scene.prism.device
    alone = river_times(scene, RIVER_TOKENS, high)
    peak = PeakBytes(device)
    start = time.perf_counter()
    streams = variants.seat(scene, name, tasks)
    wait(device)
    spawn = time.perf_counter() - start
    start = time.perf_counter()
    done = 0
    with torch.cuda.stream(low):
        while streams.longest < scene.own and (not done or time.perf_counter() - start < longest):
            streams.run(1)
            done += 1
    wait(device)
    seconds = time.perf_counter() - start
    variants.fill(streams)
    held = peak.by_owner()
    streams.restore(tasks.shape[1])  # the River meets steps, not the reading of new tasks
    with variants.busy(streams, low):
        under = river_times(scene, RIVER_TOKENS, high)
    shared = 0 if streams.batch.shared is None else streams.batch.shared.num_bytes
    return {
        "shared_bytes": shared,
        "private_bytes": streams.num_bytes // len(tasks),
        "tensors_bytes": shared + streams.num_bytes,
        **held,
        "tokens_each": tasks.shape[1] + done,
        "agent_tokens_per_s": len(tasks) * done / seconds,
        "step_ms": 1e3 * seconds / done,
        "spawn_s": spawn,
        "river_slowdown": under.median / alone.median,
    }


def _threads(scene: BenchSetting, tasks: torch.Tensor, *, high: Lane) -> dict[str, Any]:
    prism = scene.prism
    device = scene.prism.device
    gate = threading.Event()
    tokens = min(THREAD_TOKENS, scene.own)
    alone = river_times(scene, RIVER_TOKENS, high)
    peak = PeakBytes(device)
    start = time.perf_counter()
    agents = [
        variants.ThreadedAgent(scene, task, tokens=tokens, gate=gate) for task in tasks.tolist()
    ]
    main = BenchRiver(scene.context.fork())
    variants.latencies(main, WARM, high)
    # a thread makes its forward passes, as the paper has it
    usual = prism.records_steps
    prism.records_steps = False
    try:
        for agent in agents:
            agent.start()
        wait(device)
        spawn = time.perf_counter() - start
        start = time.perf_counter()
        gate.set()
        under = TimeSpread(tuple(variants.latencies(main, 4, high)))
    finally:
        gate.set()
        for agent in agents:
            agent.join()
        prism.records_steps = usual
    wait(device)
    seconds = time.perf_counter() - start
    if failures := [agent.failure for agent in agents if agent.failure is not None]:
        raise failures[0]
    return {
        "shared_bytes": 0,
        "private_bytes": agents[0].store.num_bytes,
        "tensors_bytes": sum(agent.store.num_bytes for agent in agents),
        **peak.by_owner(),
        "tokens_each": tokens,
        "agent_tokens_per_s": len(agents) * tokens / seconds,
        "step_ms": 1e3 * seconds / tokens,
        "spawn_s": spawn,
        "river_slowdown": under.median / alone.median,
    }


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--model", default="village", help=f"a model, or a shape: {', '.join(shape.SHAPES)}"
    )
    parser.add_argument(
        "--agents", type=flags.counts, default="1,10,50,100,1000", help="numbers of agents"
    )
    parser.add_argument("--context", type=flags.counts, default="512", help="tokens of the context")
    parser.add_argument(
        "--own-tokens",
        type=flags.at_least(2),
        default=64,
        help="tokens an agent writes by itself, task included",
    )
    parser.add_argument(
        "--arms",
        type=flags.names(variants.ARMS),
        default=",".join(variants.ARMS),
        help="which arms",
    )
    parser.add_argument("--k", type=flags.at_least(1), default=64, help="landmarks")
    parser.add_argument(
        "--arm-seconds",
        type=flags.at_least(1),
        default=60,
        help="after which agents still writing are stopped (60)",
    )
    flags.common(parser, minutes=30)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return provenance and rows.

    Raises:
        ValueError: there is no such model or device, or the model can read none of the contexts.
    """
    positions = max(args.context) + args.own_tokens + 64
    prism = shape.load(args.model, device=args.device, positions=positions, seed=args.seed)
    shape.check_positions(prism, min(args.context))
    record = provenance(args.device, seed=args.seed) | load()
    report = Report("capacity", args.out, record, minutes=args.minutes, quiet=args.json)
    for tokens in args.context:

        def measure(rows: list[dict[str, Any]], tokens: int = tokens) -> None:
            """Measure every arm over one context."""
            if (reason := shape.unfit(prism, tokens + args.own_tokens)) is not None:
                rows.append({"context": tokens, "skipped": reason})
                return
            scene = scene_of(prism, tokens, own=args.own_tokens, k=args.k, seed=args.seed)
            found = rows_of(
                scene, agents=args.agents, names=args.arms, seed=args.seed, longest=args.arm_seconds
            )
            rows.extend(found)

        report.section(f"Capacity, context of {tokens:,} tokens", NOTE, measure)
    return report.record() | {"rows": report.rows}


def try_out(folder: Path | str, *, agents: str = "1,10,100") -> dict[str, Any]:
    """Measure the bundled model at small sizes; print nothing and return what `--json` prints."""
    parser = argparse.ArgumentParser()
    configure(parser)
    small = ["--agents", agents, "--context", "256", "--own-tokens", "16", "--json"]
    return run(parser.parse_args([*small, "--out", str(folder)]))


def execute(args: argparse.Namespace) -> int:
    """Run and print; the exit code is 1 if a table could not be finished."""
    return ended(run(args), as_json=args.json)


NOTE = (
    "Batched arms take the steps that a run takes (StreamBatch); the River writes with "
    "Context.write. private_bytes is per agent; tensors_bytes is all agents' and the shared "
    "block. steady_bytes and peak_bytes are over weights and the River's own cache, once the "
    "agents have written and at the highest moment: of the allocator, on a CPU of the process. "
    "tokens_each: tokens of every agent, its task included; fewer than own_tokens where the time "
    "for an arm was up (the rest of its slots is filled then) or, a thread each, where more would "
    "only take longer. spawn_s is from tasks to every agent's first token. river_slowdown is the "
    "River's median token time while the agents run, over its time alone (CUDA: two streams, the "
    "River's of high priority)."
)
