"""How long the River waits for a token while 0 to 1,000 streams think, here or elsewhere."""

import argparse
from typing import Any

import torch
from warp_cortex import ProcessStreams, Stream, StreamConfig

from warpviz.bench.engine import capacity, rivers, shape, variants
from warpviz.bench.engine.capacity import river_times
from warpviz.bench.engine.variants import BenchSetting
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import load, provenance
from warpviz.bench.harness.report import Report, ended


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--model", default="village", help=f"a model, or a shape: {', '.join(shape.SHAPES)}"
    )
    parser.add_argument(
        "--streams",
        type=flags.counts,
        default="1,10,100,1000",
        help="numbers of streams (1,10,100,1000)",
    )
    parser.add_argument(
        "--context", type=flags.at_least(1), default=512, help="tokens the River has read (512)"
    )
    parser.add_argument(
        "--own-tokens",
        type=flags.at_least(capacity.TASK + 1),
        default=64,
        help="room of a stream, task included (64)",
    )
    parser.add_argument(
        "--tokens", type=flags.at_least(1), default=48, help="River tokens per measurement (48)"
    )
    parser.add_argument(
        "--dtype",
        choices=("auto", "bfloat16", "float32"),
        default="auto",
        help="as the model has it",
    )
    flags.common(parser, minutes=30)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return provenance and rows.

    Raises:
        ValueError: there is no such model or device, or the model cannot read the context.
    """
    streams = list(args.streams)
    dtype = None if args.dtype == "auto" else getattr(torch, args.dtype)
    positions = args.context + 8 * args.tokens + args.own_tokens + 64
    prism = shape.load(
        args.model, device=args.device, dtype=dtype, positions=positions, seed=args.seed
    )
    shape.check_positions(prism, args.context)
    record = provenance(args.device, seed=args.seed) | load()
    report = Report("latency", args.out, record, minutes=args.minutes, quiet=args.json)
    scene = capacity.scene_of(prism, args.context, own=args.own_tokens, k=64, seed=args.seed)
    report.section(
        "River latency",
        rivers.NOTE,
        lambda rows: rivers.lane_rows(
            rows, scene, streams=streams, tokens=args.tokens, seed=args.seed
        ),
    )
    if prism.source is not None and prism.device.type == "cpu":
        report.section(
            "Streams in another process",
            ELSEWHERE,
            lambda rows: process_rows(
                rows, scene, streams=streams, tokens=args.tokens, seed=args.seed
            ),
        )
    return report.record() | {"rows": report.rows}


class StreamsElsewhere:
    """The streams in a process of their own; one that ends is replaced, so that `count` think."""

    def __init__(
        self, place: ProcessStreams, scene: BenchSetting, count: int, *, seed: int
    ) -> None:
        config = StreamConfig(max_tokens=scene.own - capacity.TASK, slots=count, stop=())
        self.scene = scene
        self.num_tokens = 0
        self._opened = 0
        self.lane = place.connect(scene.prism, config, seed=seed)
        self.tasks = shape.random_tasks(
            count, capacity.TASK, scene.prism.spec.vocab_size, seed=seed
        ).tolist()
        for _ in self.tasks:
            self._open()
        while self.num_tokens <= count:  # all of them have begun
            self.run(1)

    def run(self, steps: int) -> None:
        """Take what has come since the last call; open a stream for each that has ended."""
        for _ in range(steps):
            for outcome in self.lane.step():
                self.num_tokens += outcome.token is not None
                if outcome.token is None:
                    self._open()

    def _open(self) -> None:
        self._opened += 1
        prompt = self.tasks[self._opened % len(self.tasks)]
        stream = Stream(self._opened, "", "bench", (0, 0), self.scene.snapshot.version, prompt)
        self.lane.open(stream, self.scene.snapshot)


def process_rows(
    rows: list[dict[str, Any]], scene: BenchSetting, *, streams: list[int], tokens: int, seed: int
) -> None:
    """Fill one row per number of streams in another process, which has loaded the model too."""
    alone = river_times(scene, tokens, None)
    rows.append(rivers.row("alone", 0, alone, alone))
    with ProcessStreams() as place:
        for count in streams:
            if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
                rows.append({"streams": count, "skipped": reason})
                continue
            alone = river_times(scene, tokens, None)
            batch = StreamsElsewhere(place, scene, count, seed=seed)
            with variants.busy(batch, None):
                before = batch.num_tokens
                meanwhile = river_times(scene, tokens, None)
                rate = {"stream_tokens_per_s": (batch.num_tokens - before) / sum(meanwhile.seconds)}
            batch.lane.close("done")
            rows.append(rivers.row("another process", count, meanwhile, alone) | rate)


def execute(args: argparse.Namespace) -> int:
    """Run and print; the exit code is 1 if a table could not be finished."""
    return ended(run(args), as_json=args.json)


ELSEWHERE = (
    "Context.write for the River, and the streams in a process of their own (ProcessStreams), as "
    "fast as they can; a thread of the River's process takes what they send and opens a stream for "
    "each that ends."
)
