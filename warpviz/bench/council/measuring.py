"""The worlds of the council's benchmark, each measured once and kept, and their tables."""

import argparse
import json
import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from warp_cortex import Prism
from warp_cortex.config import POLICIES
from warp_cortex.config.checks import choice

from warpviz.bench.council.arms import ALONE, FULL, PART, Arm, measured
from warpviz.bench.council.summary import table
from warpviz.bench.council.worlds import CONFUSABLE, SINGLE, World, worlds
from warpviz.bench.harness.machine import load, provenance
from warpviz.bench.harness.progress import meter
from warpviz.bench.harness.report import Report

NOTES = {
    SINGLE: "One fact planted in prose (documentation, Genesis).",
    CONFUSABLE: "One of sixteen facts about two similar places, in a text of about 1,000 tokens.",
}
NOTE = (
    " The River holds the last {window} tokens; a stream is asked the same question over what its "
    "arm names (k is a part of {part} of the text), and its thought is injected if the calibrated "
    "gate accepts it. right: share of answers with 95 % Wilson intervals; of_full: answers right "
    "against those of the River with its full cache, with a paired bootstrap over worlds; wrong: "
    "per 100 answers; the rest gives no value."
)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure what is not in the record yet, and return provenance and rows.

    Raises:
        ValueError: there is no such model, or the record holds worlds of other settings.
    """
    policies = [choice("policy", name, POLICIES) for name in args.policies.split(",")]
    prism = Prism.load(args.model, device=args.device)
    arms = _arms(policies, args.focus)
    record = provenance(args.device, seed=args.seed) | load() | {"model": args.model}
    label = Path(args.model).stem
    name = f"council-{label}"
    args.out.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + 60 * args.minutes
    path = args.out / f"{name}.jsonl"
    settings = {
        "model": prism.spec.checksum,
        "window": args.window,
        "seed": args.seed,
        "arms": [arm.name for arm in arms],
    }
    known = _known(path, settings)
    wanted = list(worlds(prism, args.lengths, args.worlds, seed=args.seed))
    missing = [world for world in wanted if world.key not in known]
    done = len(wanted) - len(missing)
    with (
        path.open("a", encoding="utf-8") as file,
        meter(len(wanted), done, quiet=False, unit="worlds") as shown,
    ):
        for world in missing:
            if time.monotonic() > end:
                break
            with torch.no_grad():
                found = measured(prism, world, arms, window=args.window)
            known[world.key] = found
            file.write(json.dumps(found) + "\n")
            file.flush()
            shown.advance(1, found["tokens"])
    # what has been measured is always shown: the budget is that of measuring
    report = Report(name, args.out, record, minutes=math.inf, quiet=args.json)
    for task, note in NOTES.items():
        for kind, group in _groups(wanted, known, task):
            text = note + NOTE.format(window=args.window, part=f"1/{PART}")

            def measure(rows: list[dict[str, Any]], group: list[dict[str, Any]] = group) -> None:
                """Summarise the worlds of one task."""
                rows.extend(table(group, [FULL, ALONE, *[arm.name for arm in arms]]))

            report.section(f"{label}, {kind}", text, measure)
    return report.record() | {"rows": report.rows}


def _arms(policies: Iterable[str], focus: int) -> list[Arm]:
    plain = [Arm(policy=policy) for policy in policies]
    focused = [Arm(policy=policy, focus=focus) for policy in policies if focus]
    return [Arm(policy="all"), *plain, *focused]


def _known(path: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the worlds of a record by key; begin the record if there is none."""
    if not path.exists():
        path.write_text(json.dumps(settings) + "\n", encoding="utf-8")
        return {}
    text = path.read_text(encoding="utf-8")
    first, *lines = text.splitlines()
    if json.loads(first) != settings:
        msg = f"{path} holds worlds of other settings; give another --out"
        raise ValueError(msg)
    found = {}
    if lines and not text.endswith("\n"):  # a run was killed while it wrote
        path.write_text("\n".join([first, *lines[:-1]]) + "\n", encoding="utf-8")
        lines = lines[:-1]
    for line in lines:
        row = json.loads(line)
        found[row["key"]] = row
    return found


def _groups(
    wanted: list[World], known: dict[str, dict[str, Any]], task: str
) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return a label and the measured worlds of each length of a task."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for world in wanted:
        if world.task == task and world.key in known:
            label = f"{task}, {world.num_tokens} tokens" if world.num_tokens else task
            groups.setdefault(label, []).append(known[world.key])
    return list(groups.items())
