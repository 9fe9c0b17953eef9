"""The River with and without streams: `python -m warpviz.village.evaluate.council --json`.

Held-out worlds, the engine's own runs: the River reads a document that ends in a need, writes the
task, and goes on; its own cache is bounded to sinks and a recent window, while the Synapse keeps
landmarks of the whole text. Right is an answer sentence with the right value. Every arm runs the
same worlds; in the arm `without` the router is off.
"""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from warp_cortex import (
    Cortex,
    CortexConfig,
    Prism,
    RiverConfig,
    RouterConfig,
    SynapseConfig,
    Thought,
    Token,
)

from warpviz.village.evaluate.report import finish, interval, paired
from warpviz.village.world.scene import Kind, Scene, answered, scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_WRITTEN = 80  # the task, three sentences of waiting and the answer take about 55


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to run the same worlds; `window` says whether the River's cache is bounded."""

    name: str
    kind: Kind = "any"
    streams: bool = True
    window: bool = True
    k: int = 64
    policy: str = "hybrid"
    max_age: int = 0


MAIN = (Arm(name="without", streams=False), Arm(name="with"))
OTHERS = (
    Arm(name="with, max_age 64", max_age=64),
    Arm(name="with, k 128", k=128),
    Arm(name="with, k 128, max_age 64", k=128, max_age=64),
    Arm(name="with, snapkv", policy="snapkv"),
    Arm(name="with, h2o", policy="h2o"),
    Arm(name="with, random", policy="random"),
    Arm(name="with, all", policy="all"),
)
TWO_HOP = (
    Arm(name="two hops, full cache, without", kind="two", streams=False, window=False),
    Arm(name="two hops, full cache, with", kind="two", window=False),
    Arm(name="two hops, full cache, with, k 128", kind="two", window=False, k=128),
    Arm(name="two hops, full cache, with, all", kind="two", window=False, policy="all"),
    Arm(name="two hops, without", kind="two", streams=False),
    Arm(name="two hops, with, k 128, max_age 64", kind="two", k=128, max_age=64),
)


@dataclass(frozen=True, slots=True)
class WorldJob:
    """One run: an arm in one world."""

    arm: Arm
    seed: int
    tokens: int
    window: int


@dataclass(frozen=True, slots=True)
class WorldOutcome:
    """What the River answered in one run.

    outside: a fact that it needs lay outside its window when the prompt ended.
    """

    arm: str
    seed: int
    right: bool
    answer: str | None
    thought: str | None
    thought_right: bool
    outside: bool
    two_hop: bool


_PRISM: list[Prism] = []


def prepare(model: str) -> None:
    """Load the model once per process, on one thread."""
    torch.set_num_threads(1)
    _PRISM[:] = [Prism.load(model)]


def play(job: WorldJob) -> WorldOutcome:
    """Run one job in this process until the River has answered."""
    prism = _PRISM[0]

    def length(text: str) -> int:
        """Count the tokens of a text."""
        return len(prism.encode(text))

    where = scene(job.seed, job.tokens, length, kind=job.arm.kind)
    cortex = Cortex(prism, settings(job))
    text = ""
    for event in cortex.run(where.prompt):
        if isinstance(event, Token):
            text += event.text
            if event.text == "." and answered(text, where.asked.question) is not None:
                break
    thoughts = [event.text for event in cortex.trace.of(Thought)]
    thought = thoughts[0] if thoughts else None
    answer = answered(text, where.asked.question)
    return WorldOutcome(
        job.arm.name,
        job.seed,
        answer == where.asked.question.value,
        answer,
        thought,
        thought == where.asked.thought.strip(),
        is_outside(where, job.window, length),
        where.asked.question.two_hop,
    )


def settings(job: WorldJob) -> CortexConfig:
    """Return the engine's settings of a job.

    The River always takes the likeliest token; all else is the engine's default.
    """
    arm = job.arm
    return CortexConfig(
        river=RiverConfig(
            max_tokens=MOST_WRITTEN, temperature=0.0, window=job.window if arm.window else None
        ),
        synapse=SynapseConfig(k=arm.k, policy=arm.policy, max_age=arm.max_age),
        router=RouterConfig(enabled=arm.streams),
    )


def is_outside(where: Scene, window: int, length: Callable[[str], int]) -> bool:
    """Tell whether a needed fact ends before the last `window` tokens of the prompt."""
    total = length(where.prompt)
    return any(length(where.prompt[:end]) < total - window for _, end in where.asked.evidence)


def jobs(
    worlds: int, arm_worlds: int, *, tokens: int, window: int, seed: int
) -> Iterator[WorldJob]:
    """Yield every run: the main arms world by world, then the others."""
    for index in range(worlds):
        yield from (WorldJob(arm, seed + index, tokens, window) for arm in MAIN)
    for index in range(arm_worlds):
        yield from (WorldJob(arm, seed + index, tokens, window) for arm in (*OTHERS, *TWO_HOP))


def table(outcomes: list[WorldOutcome]) -> dict[str, object]:
    """Return accuracy by arm and by where the facts lay, and the gain from streams."""
    arms = {}
    for name in dict.fromkeys(found.arm for found in outcomes):
        these = [found for found in outcomes if found.arm == name]
        arms[name] = {
            "river": _share(these),
            "river_fact_outside": _share([found for found in these if found.outside]),
            "river_fact_inside": _share([found for found in these if not found.outside]),
            "river_one_hop": _share([found for found in these if not found.two_hop]),
            "river_two_hops": _share([found for found in these if found.two_hop]),
            "thought_right": interval(sum(found.thought_right for found in these), len(these)),
            "thought_nothing": interval(
                sum(found.thought == "nothing is known." for found in these), len(these)
            ),
        }
    gains = {name: gain for name in arms if (gain := _gain(outcomes, name)) is not None}
    return {"arms": arms, "gain_points_over_without": gains}


def _share(these: list[WorldOutcome]) -> dict[str, object]:
    return interval(sum(found.right for found in these), len(these))


def _gain(outcomes: list[WorldOutcome], name: str) -> dict[str, object] | None:
    """Return what an arm adds to the River without streams in the same worlds.

    Keys: `base`, then `all` and `fact_outside`, the worlds whose fact lay outside the window.
    """
    if name.endswith("without"):
        return None
    full = "two hops, full cache, without" if "full cache" in name else None
    base = full or ("two hops, without" if name.startswith("two hops") else "without")
    alone = {found.seed: found for found in outcomes if found.arm == base}
    pairs = [
        (found, alone[found.seed])
        for found in outcomes
        if found.arm == name and found.seed in alone
    ]
    out: dict[str, object] = {"base": base}
    for label, chosen in (
        ("all", pairs),
        ("fact_outside", [pair for pair in pairs if pair[0].outside]),
    ):
        if chosen:
            out[label] = paired(
                [one.right for one, _ in chosen], [other.right for _, other in chosen]
            )
    return out


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.evaluate.council", description=__doc__
    )
    parser.add_argument("--model", default="village")
    parser.add_argument("--worlds", type=int, default=200, help="worlds of the two main arms")
    parser.add_argument("--arm-worlds", type=int, default=50, help="worlds of every other arm")
    parser.add_argument("--tokens", type=int, default=1024, help="length of a document")
    parser.add_argument("--window", type=int, default=256, help="the River's own recent window")
    parser.add_argument("--seed", type=int, default=100_000, help="first world")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="budget; runs that do not fit are left out"
    )
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--runs", metavar="FILE", help="also write every run as a line of JSON")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    got = parse(arguments)
    start = time.monotonic()
    work = list(
        jobs(got.worlds, got.arm_worlds, tokens=got.tokens, window=got.window, seed=got.seed)
    )
    outcomes: list[WorldOutcome] = []
    for found in _played(work, model=got.model, processes=got.processes):
        outcomes.append(found)
        if got.runs:
            with Path(got.runs).open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(found)) + "\n")
        if time.monotonic() - start > 60 * got.minutes:
            break
    minutes = round((time.monotonic() - start) / 60, 1)
    record: dict[str, object] = {
        "tokens": got.tokens,
        "window": got.window,
        "seed": got.seed,
        "minutes": minutes,
    }
    record |= table(outcomes)
    finish(record, Prism.load(got.model), as_json=got.json)


def _played(work: list[WorldJob], *, model: str, processes: int) -> Iterator[WorldOutcome]:
    """Yield the outcomes in the order of the jobs; closing the generator cancels the rest."""
    pool = ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=prepare, initargs=(model,)
    )
    try:
        yield from pool.map(play, work, chunksize=4)
    finally:
        pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
