"""All measurements of a CUDA device in one command, correctness first, inside a time budget."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from warp_cortex import Prism

from warpviz.bench.engine import capacity, checks, contexts, rivers, roofline, shape, variants
from warpviz.bench.engine.variants import BenchSetting
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import provenance
from warpviz.bench.harness.report import Report, to_json

Rows = list[dict[str, Any]]
MODEL = "qwen2.5-0.5b-shape"
PROFILED = (100, 1000)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is measured: as on a large GPU, or so small that a CPU does all of it in seconds."""

    model: str
    own: int
    agents: tuple[int, ...]
    contexts: tuple[int, ...]
    step_agents: tuple[int, ...]
    resident: int
    resident_limit: float
    streams: tuple[int, ...]
    river_context: int
    river_tokens: int
    long: tuple[int, ...]
    chunk: int
    checked: str = "check-shape"
    k: int = 64


LARGE = Sizes(
    model=MODEL,
    own=64,
    agents=(1, 10, 50, 100, 1000, 10000),
    contexts=(512, 4096, 32768),
    step_agents=(1, 10, 100, 1000, 10000),
    resident=20000,
    resident_limit=24e9,
    streams=(1, 10, 100, 1000),
    river_context=4096,
    river_tokens=200,
    long=(32768, 131072),
    chunk=4096,
)
TINY = Sizes(
    model="tiny-shape",
    own=12,
    agents=(1, 3),
    contexts=(96,),
    step_agents=(1, 4),
    resident=20,
    resident_limit=24e9,
    streams=(2,),
    river_context=100,
    river_tokens=8,
    long=(150,),
    chunk=64,
    checked="tiny-shape",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--device", type=flags.device, default="cuda", help="cuda, or cpu to try the command out"
    )
    parser.add_argument("--tiny", action="store_true", help="sizes that take seconds on a CPU")
    parser.add_argument(
        "--minutes", type=float, default=6, help="budget; sections that do not fit are not run"
    )
    parser.add_argument("--seed", type=flags.seed, default=0)
    parser.add_argument(
        "--sections", default="", help="only the sections whose title has one of these words"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(os.environ.get("OUT", "benchmarks")),
        help="folder of the tables",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of tables"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run every section and return the record; what is done is on disk at any moment.

    Raises:
        ValueError: there is no CUDA device and `--device cpu` was not given, or no section was
        asked for.
    """
    if torch.device(args.device).type == "cuda" and not torch.cuda.is_available():
        msg = "no CUDA device here; --device cpu --tiny runs the same command on the processor"
        raise ValueError(msg)
    report = Report(
        "gpu",
        args.out,
        provenance(args.device, seed=args.seed),
        minutes=args.minutes,
        quiet=args.json,
    )
    bench = GpuBench(args, TINY if args.tiny else LARGE, report)
    bench.run()
    return report.record()


class GpuBench:
    """The sections in order of importance; the model and the scenes are made once."""

    def __init__(self, args: argparse.Namespace, sizes: Sizes, report: Report) -> None:
        self.args = args
        self.sizes = sizes
        self.report = report
        self._prism: Prism | None = None
        self._scenes: dict[int, BenchSetting] = {}
        self._titles: list[str] = []

    @property
    def prism(self) -> Prism:
        """The model under test, with room for the longest context."""
        if self._prism is None:
            positions = max(self.sizes.long) + self.sizes.own + 128
            self._prism = shape.load(
                self.sizes.model, device=self.args.device, positions=positions, seed=self.args.seed
            )
        return self._prism

    def scene(self, tokens: int) -> BenchSetting:
        """Return a context with its landmarks; one is kept at a time."""
        if tokens not in self._scenes:
            self._scenes = {
                tokens: capacity.scene_of(
                    self.prism, tokens, own=self.sizes.own, k=self.sizes.k, seed=self.args.seed
                )
            }
        return self._scenes[tokens]

    def run(self) -> None:
        """Run the sections, or those that were asked for; a ValueError if that is none."""
        self._section(
            "Correct",
            CORRECT,
            lambda rows: rows.extend(
                checks.checks(self.args.device, seed=self.args.seed, model=self.sizes.checked)
            ),
        )
        self._section("Step against the floor", FLOOR, self._steps)
        self._section("River latency", rivers.NOTE, self._lanes)
        self._section("Resident within 24 GB", RESIDENT, self._resident)
        self._capacity(self.sizes.contexts[0])
        for count in PROFILED:
            self._profile(count)
        self._section("Long contexts", LONG, self._long)
        for tokens in self.sizes.contexts[1:]:
            self._capacity(tokens)
        if not self.report.sections:
            asked = self.args.sections
            titles = "; ".join(self._titles)
            msg = f"no section has a word of --sections {asked!r}; there are: {titles}"
            raise ValueError(msg)

    def _steps(self, rows: Rows) -> None:
        scene = self.scene(self.sizes.contexts[0])
        roofline.steps(rows, scene, agents=list(self.sizes.step_agents), seed=self.args.seed)

    def _lanes(self, rows: Rows) -> None:
        sizes = self.sizes
        scene = self.scene(sizes.river_context)
        rivers.lane_rows(
            rows, scene, streams=list(sizes.streams), tokens=sizes.river_tokens, seed=self.args.seed
        )

    def _resident(self, rows: Rows) -> None:
        scene = self.scene(self.sizes.contexts[0])
        limit = self.sizes.resident_limit
        roofline.resident(rows, scene, agents=self.sizes.resident, limit=limit, seed=self.args.seed)

    def _profile(self, count: int) -> None:
        def measure(rows: Rows) -> None:
            """Find the kernels of one step."""
            agents = min(count, max(self.sizes.agents))
            roofline.hottest(
                rows, self.scene(self.sizes.contexts[0]), agents=agents, seed=self.args.seed
            )

        self._section(f"Profile of one step, {count:,} agents", PROFILE, measure)

    def _long(self, rows: Rows) -> None:
        sizes = self.sizes
        contexts.long_rows(
            rows,
            self.prism,
            contexts=list(sizes.long),
            chunk=sizes.chunk,
            k=sizes.k,
            seed=self.args.seed,
        )

    def _capacity(self, tokens: int) -> None:
        def measure(rows: Rows) -> None:
            """Measure every arm over one context."""
            # threads copy k landmarks, so their cost is independent of the context: measured for
            # the first context only
            names = [
                *variants.BATCHED,
                *([variants.THREADS] if tokens == self.sizes.contexts[0] else []),
            ]
            found = capacity.rows_of(
                self.scene(tokens), agents=self.sizes.agents, names=names, seed=self.args.seed
            )
            rows.extend(found)

        self._section(f"Capacity, context of {tokens:,} tokens", capacity.NOTE, measure)

    def _section(self, title: str, note: str, measure: Callable[[Rows], None]) -> None:
        wanted = [word for word in self.args.sections.lower().split(",") if word]
        self._titles.append(title)
        if not wanted or any(word in title.lower() for word in wanted):
            self.report.section(title, note, measure)


def execute(args: argparse.Namespace) -> int:
    """Run and print; the exit code is 1 if a law failed or a section could not be finished."""
    record = run(args)
    if args.json:
        sys.stdout.write(to_json(record) + "\n")
    laws = [
        row["holds"] for section in record["sections"] for row in section["rows"] if "holds" in row
    ]
    return int(not all(laws) or any("failed" in section for section in record["sections"]))


CORRECT = "Relative error of the final states after 24 tokens of 5 agents with ragged tasks."
FLOOR = (
    "One token for every agent as a run takes it (StreamBatch, choice included), 64 shared "
    "landmarks, 64 own entries each; recorded, on CUDA as a graph, and without a recording. "
    "admit_s: until all agents have read their tasks. floor: (weights + keys and values) / "
    "measured copy bandwidth (read + written). products: the linear layers' operations / measured "
    "rate of a large product; no step can be faster than the larger of the two."
)
RESIDENT = (
    "All slots in memory at once, every agent writing, under an allocator limit of 24 GB, weights "
    "included."
)
PROFILE = "Device time by kernel, without a graph."
LONG = (
    "The whole text read in chunks, evidence for the first snapshot collected after each; "
    "publishing = choosing landmarks from everything held, not incrementally; evidence_ms: the "
    "time to collect the evidence at once."
)

if __name__ == "__main__":
    PARSER = argparse.ArgumentParser(prog="python -m warpviz.bench.engine.gpu", description=__doc__)
    configure(PARSER)
    raise SystemExit(execute(PARSER.parse_args()))
