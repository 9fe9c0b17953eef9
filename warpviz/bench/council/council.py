"""What streams are worth to a bounded River on a real model: answers right, answers wrong."""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from warp_cortex import Prism
from warp_cortex.config import POLICIES

from warpviz.bench.council.arms import ALONE, EVERY, FULL, PART, Arm, measured
from warpviz.bench.council.summary import table
from warpviz.bench.council.worlds import CONFUSABLE, SINGLE, World, worlds
from warpviz.bench.engine import shape
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import load, provenance
from warpviz.bench.harness.report import Report, ended
from warpviz.cli.progress import shown_progress

NOTES = {
    SINGLE: "One fact planted in prose (documentation, Genesis).",
    CONFUSABLE: "One of sixteen facts about two similar places, in a text of about 700 tokens.",
}
NOTE = (
    " The River holds the last {window} tokens; a stream is asked the same question over what its "
    "arm names (k is a part of {part} of the text), and its thought is injected if the calibrated "
    "gate accepts it. right: share of answers with 95 % Wilson intervals; of_full: answers right "
    "against those of the River with its full cache, with a paired bootstrap over worlds; wrong: "
    "per 100 answers; the rest gives no value."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument("--model", default="smollm2", help="village, smollm2, a folder, a .gguf")
    parser.add_argument("--worlds", type=flags.at_least(1), default=200, help="of each task (200)")
    parser.add_argument(
        "--lengths", type=flags.counts, default="1000,4000", help="tokens of the prose (1000,4000)"
    )
    parser.add_argument("--window", type=flags.at_least(1), default=256, help="of the River (256)")
    parser.add_argument(
        "--policies",
        type=flags.names([name for name in POLICIES if name != "all"]),
        default=",".join(name for name in POLICIES if name != "all"),
        help="landmark policies (all of them)",
    )
    parser.add_argument(
        "--focus", type=flags.at_least(0), default=64, help="focus landmarks of a second arm (64)"
    )
    flags.common(parser, minutes=240)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure what is not in the record yet, and return provenance and rows.

    Raises:
        ValueError: there is no such model, or the record holds worlds of other settings.
    """
    prism = Prism.load(args.model)
    torch.set_grad_enabled(mode=False)
    arms = _arms(args.policies, args.focus)
    record = provenance(args.device, seed=args.seed) | load() | {"model": prism.spec.name}
    report = Report(
        f"council-{prism.spec.name}", args.out, record, minutes=args.minutes, quiet=args.json
    )
    path = args.out / f"council-{prism.spec.name}.jsonl"
    settings = {
        "model": prism.spec.checksum,
        "window": args.window,
        "arms": [arm.name for arm in arms],
    }
    known = _known(path, settings)
    wanted = list(worlds(prism, args.lengths, args.worlds, seed=args.seed))
    with shown_progress() as progress, path.open("a", encoding="utf-8") as file:
        for number, world in enumerate(wanted):
            if world.key in known:
                continue
            if report.seconds_left < 0:
                break
            progress(f"world {number + 1} of {len(wanted)}", number, len(wanted))
            found = measured(prism, world, arms, window=args.window)
            known[world.key] = found
            file.write(json.dumps(found) + "\n")
            file.flush()
    for task, note in NOTES.items():
        for label, group in _groups(wanted, known, task):
            text = note + NOTE.format(window=args.window, part=f"1/{PART}")

            def measure(rows: list[dict[str, Any]], group: list[dict[str, Any]] = group) -> None:
                """Summarise the worlds of one task."""
                rows.extend(table(group, [FULL, ALONE, *[arm.name for arm in arms]]))

            report.section(f"{prism.spec.name}, {label}", text, measure)
    return report.record() | {"rows": report.rows}


def execute(args: argparse.Namespace) -> int:
    """Print the tables, or one JSON object."""
    return ended(run(args), as_json=args.json)


def _arms(policies: Iterable[str], focus: int) -> list[Arm]:
    plain = [Arm(policy=policy) for policy in policies]
    focused = [Arm(policy=policy, focus=focus) for policy in policies if focus]
    return [Arm(policy="all"), *plain, *focused]


def _known(path: Path, settings: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the worlds of a record by key; begin the record if there is none."""
    if not path.exists():
        path.write_text(json.dumps(settings) + "\n", encoding="utf-8")
        return {}
    first, *lines = path.read_text(encoding="utf-8").splitlines()
    if json.loads(first) != settings:
        msg = f"{path} holds worlds of other settings; give another --out"
        raise ValueError(msg)
    found = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:  # the last line of a run that was killed
            sys.stderr.write(f"one damaged line of {path} is measured again\n")
            continue
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
