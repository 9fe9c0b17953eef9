"""Long contexts: the time to read them, of two snapshots of their landmarks, of a River token."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from warp_cortex import (
    Context,
    Evidence,
    Prism,
    Snapshot,
    Synapse,
    SynapseConfig,
    cover_radius,
    rank,
)
from warp_cortex.context import budget

from warpviz.bench.engine import shape
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import provenance
from warpviz.bench.harness.report import Report, ended
from warpviz.bench.harness.timing import PeakBytes, TimeSpread, tidy, wait

NEW = 64  # tokens between a snapshot and the next
RIVER_TOKENS = 16
ROOM = 8  # times NEW: positions and cache left for what is written after the text
WARM = 1 << 20  # numbers of a cloud that is long enough for compiled loops


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--model", default="village-shape", help=f"a model, or a shape: {', '.join(shape.SHAPES)}"
    )
    parser.add_argument(
        "--context", type=flags.counts, default="1024,4096,32768", help="tokens of the contexts"
    )
    parser.add_argument("--k", type=flags.at_least(1), default=64, help="landmarks")
    parser.add_argument(
        "--chunk", type=flags.at_least(1), default=2048, help="tokens read at a time"
    )
    parser.add_argument(
        "--repeats", type=flags.at_least(1), default=5, help="of everything but reading"
    )
    flags.common(parser, minutes=30)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return provenance and rows.

    Raises:
        ValueError: there is no such model or device, or the model can read none of the contexts.
    """
    prism = shape.load(
        args.model, device=args.device, positions=max(args.context) + ROOM * NEW, seed=args.seed
    )
    shape.check_positions(prism, min(args.context) + ROOM * NEW)
    report = Report(
        "longcontext",
        args.out,
        provenance(args.device, seed=args.seed),
        minutes=args.minutes,
        quiet=args.json,
    )
    for tokens in args.context:

        def measure(rows: list[dict[str, Any]], tokens: int = tokens) -> None:
            """Measure one length."""
            row: dict[str, Any] = {
                "model": args.model,
                "context": tokens,
                "chunk": args.chunk,
                "k": args.k,
            }
            rows.append(row)
            fill(
                row, prism, tokens, k=args.k, chunk=args.chunk, repeats=args.repeats, seed=args.seed
            )

        report.section(f"Context of {tokens:,} tokens", NOTE, measure)
    return report.record() | {"rows": report.rows}


def fill(
    row: dict[str, Any], prism: Prism, tokens: int, *, k: int, chunk: int, repeats: int, seed: int
) -> None:
    """Measure one context; `row` holds what is known at any moment, or why it does not fit."""
    try:
        estimate = budget.check_fits(prism, tokens + ROOM * NEW, chunk=chunk)
    except ValueError as error:
        row["skipped"] = str(error)
        return
    row["estimated_bytes"] = estimate.total
    _warm()  # loads compiled loops once, which are no part of a context's bytes
    peak = PeakBytes(prism.device)
    context = Context(prism, capacity=tokens + ROOM * NEW)
    ids = shape.random_ids(tokens, prism.spec.vocab_size, seed=seed)
    followed = Synapse(SynapseConfig(k=min(k, tokens), incremental=False), seed=seed)
    _read(row, context, followed, ids, chunk=chunk)
    config = SynapseConfig(k=min(k, tokens), incremental=True)
    followed.publish(context)
    row["peak_bytes"] = peak.read()
    _first(row, context, followed, repeats=repeats, seed=seed)
    del followed
    _river(row, context, seed=seed)
    row["select_in_river_tokens"] = _ratio(row, "select", "river_token")
    row["first_in_river_tokens"] = _ratio(row, "first_publish", "river_token")
    _later(row, context, config, repeats=repeats, seed=seed)
    tidy(prism.device)


def _warm() -> None:
    """Choose landmarks of a cloud in memory, on the processor."""
    cloud = torch.ones(WARM // 64, 64)
    rank(
        Evidence(points=cloud, keys=cloud, attention=cloud[:, 0][None], received=cloud[:, 0]), k=24
    )


def _read(
    row: dict[str, Any], context: Context, followed: Synapse, ids: list[int], *, chunk: int
) -> None:
    """Time reading, and the evidence collected after each chunk for the first snapshot."""
    reading, following = (Clocks(context.prism.device) for _ in range(2))
    reading.time(
        lambda: context.read(
            ids, chunk=chunk, progress=lambda *_: following.time(lambda: followed.follow(context))
        )
    )
    reading.note(row, "read")
    row["follow_ms"] = following.total_ms
    row["follow_share"] = following.total_ms / reading.total_ms


def _first(
    row: dict[str, Any], context: Context, followed: Synapse, *, repeats: int, seed: int
) -> None:
    """Time a first snapshot with and without evidence collected while reading; and the choice."""
    publishing, cold, choosing = (Clocks(context.prism.device) for _ in range(3))
    config = followed.config
    evidence = context.evidence(config.space)
    rankings = [rank(evidence, k=config.chosen_k)]
    for _ in range(repeats):
        publishing.time(lambda: followed.publish(context))  # with nothing new each is a first one
        cold.time(lambda: Synapse(config, seed=seed).publish(context))
        choosing.time(lambda: rankings.append(rank(evidence, k=config.chosen_k)))
    publishing.note(row, "first_publish")
    cold.note(row, "unfollowed_publish")
    choosing.note(row, "select")
    row["select_distances"] = rankings[-1].evaluations
    row["all_distances"] = config.chosen_k * len(evidence.points)
    row["followed_bytes"] = followed.num_bytes


def _river(row: dict[str, Any], context: Context, *, seed: int) -> None:
    """Time the River's own tokens over the whole cache."""
    copy = iter(shape.random_ids(2 * RIVER_TOKENS, context.prism.spec.vocab_size, seed=seed + 1))
    clocks = Clocks(context.prism.device)
    context.write(next(copy))
    for _ in range(RIVER_TOKENS):
        clocks.time(lambda: context.write(next(copy)))
    clocks.note(row, "river_token")


def _later(
    row: dict[str, Any], context: Context, config: SynapseConfig, *, repeats: int, seed: int
) -> None:
    """Time snapshots 64 tokens apart, and compare the last one with an exact one."""
    clocks = Clocks(context.prism.device)
    synapse = Synapse(config, seed=seed)
    snapshot = synapse.publish(context)
    for number in range(min(repeats, ROOM - 1)):
        context.read(shape.random_ids(NEW, context.prism.spec.vocab_size, seed=seed + 2 + number))
        clocks.time(lambda: synapse.publish(context))
        snapshot = synapse.current or snapshot
    clocks.note(row, "later_publish")
    row["later_distances"] = snapshot.evaluations
    row["later_in_river_tokens"] = _ratio(row, "later_publish", "river_token")
    row["first_over_later"] = _ratio(row, "first_publish", "later_publish")
    row["kept_bytes"] = synapse.num_bytes
    _compare(row, context, snapshot, config)


def _compare(
    row: dict[str, Any], context: Context, snapshot: Snapshot, config: SynapseConfig
) -> None:
    """Compare the last incremental snapshot with an exact one: radii, and landmarks in common."""
    points = context.points(config.space)
    exact = rank(
        context.evidence(config.space),
        k=config.chosen_k,
        policy=config.chosen_policy,
        alpha=config.alpha,
    )
    row["certified_radius"] = snapshot.radius
    row["true_radius"] = cover_radius(points, snapshot.landmarks)
    row["exact_radius"] = float(exact.radii[-1])
    both = torch.isin(snapshot.landmarks, exact.landmarks().cpu())
    row["landmarks_in_common"] = int(both.sum())


def _ratio(row: dict[str, Any], one: str, other: str) -> float:
    """Return one time over another, by the process' own clock where there is one."""
    unit = "cpu_ms" if f"{one}_cpu_ms" in row else "ms"
    return float(row[f"{one}_{unit}"] / row[f"{other}_{unit}"])


class Clocks:
    """Seconds by the wall clock and of this process alone, which other load hardly changes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._wall: list[float] = []
        self._own: list[float] = []

    def time(self, work: Callable[[], object]) -> None:
        """Do some work once, the device drained before and after."""
        wait(self.device)
        wall = time.perf_counter()
        own = time.process_time()
        work()
        wait(self.device)
        self._wall.append(time.perf_counter() - wall)
        self._own.append(time.process_time() - own)

    @property
    def total_ms(self) -> float:
        """Milliseconds in all: this process' own, or of a GPU the wall's."""
        return 1e3 * sum(self._own if self.device.type == "cpu" else self._wall)

    def note(self, row: dict[str, Any], name: str) -> None:
        """Write medians and spreads into a row.

        The process' own time is left out on a GPU, of whose work it says nothing.
        """
        wall = TimeSpread(tuple(self._wall))
        own = TimeSpread(tuple(self._own))
        row[f"{name}_ms"] = 1e3 * wall.median
        row[f"{name}_spread"] = wall.relative
        if self.device.type == "cpu":
            row[f"{name}_cpu_ms"] = 1e3 * own.median
            row[f"{name}_cpu_spread"] = own.relative


def execute(args: argparse.Namespace) -> int:
    """Run and print; the exit code is 1 if a table could not be finished."""
    return ended(run(args), as_json=args.json)


NOTE = (
    "Random weights, random text. follow: the evidence collected after every chunk, a part of read "
    "(the process' own time on a CPU). first_publish: a snapshot of the text just read and "
    "followed; unfollowed_publish: of a text that was not (geometry, attention and choice of "
    "everything at once); both rank 128 tokens. select: the choice of k landmarks alone. "
    "later_publish comes 64 tokens after another snapshot; it considers the tokens since and those "
    "that stand for the text before. certified_radius bounds true_radius; exact_radius is that of "
    "a choice among everything. Times are medians, spreads (90 % - 10 %) / median; cpu times, of "
    "which the ratios are made, are the process' own. estimated_bytes is the need that is checked "
    "before reading, peak_bytes what reading and the first snapshot took (on a CPU, of the "
    "process)."
)
