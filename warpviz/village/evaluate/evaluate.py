"""What the model can do on held-out worlds: `python -m warpviz.village.evaluate.evaluate --json`.

Sections: `recall` (full context), `sparse` (landmark subsets), `trigger`, `refs` (what an injected
thought does). `--out FILE` adds the sections of this call to those the file holds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from warp_cortex import Prism

from warpviz.village.evaluate import answers, references
from warpviz.village.evaluate.answers import Cell, Length
from warpviz.village.evaluate.report import finish, provenance

LENGTHS = (256, 512, 1024)
SPARSE_LENGTHS = (512, 1024)
POLICIES = ("random", "streaming", "ends", "h2o", "snapkv", "tova", "keydiff", "farthest", "hybrid")
BUDGETS = (32, 64, 128)
Section = Callable[[Prism, Length, int, int], dict[str, object]]


def recall(prism: Prism, length: Length, seed: int, least: int) -> dict[str, object]:
    """Return exact recall with the full context by length, split and kind of question.

    Each cell also gives the share that guessing would get right.
    """
    cells: dict[str, object] = {}
    for tokens in LENGTHS:
        for split in ("heldout", "templates"):
            for kind in ("one", "two", "unknown"):
                cell = Cell(tokens=tokens, split=split, kind=kind)
                cells[f"{tokens} {split} {kind}"] = answers.measure(
                    prism, length, cell, seed=seed, least=least
                )
    return cells


def sparse(prism: Prism, length: Length, seed: int, least: int) -> dict[str, object]:
    """Return exact one-hop recall from k landmarks of every policy.

    Policy `ends` takes the sinks and random sentence ends.
    """
    cells: dict[str, object] = {}
    for tokens in SPARSE_LENGTHS:
        for policy in POLICIES:
            for k in BUDGETS:
                cell = Cell(tokens=tokens, split="heldout", kind="one", policy=policy, k=k)
                cells[f"{tokens} {policy} {k}"] = answers.measure(
                    prism, length, cell, seed=seed, least=least
                )
    return cells


def trigger(prism: Prism, length: Length, seed: int, least: int) -> dict[str, object]:
    """Return how often a need is followed by exactly its task, and prose by none."""
    return answers.triggers(prism, length, tokens=512, seed=seed, least=least)


def refs(prism: Prism, length: Length, seed: int, least: int) -> dict[str, object]:
    """Return what the River answers after a thought, by kind of thought.

    A thought agrees, contradicts, supplies, or is about another subject.
    """
    return references.measure(prism, length, tokens=512, seed=seed, least=least)


SECTIONS: dict[str, Section] = {
    "recall": recall,
    "trigger": trigger,
    "refs": refs,
    "sparse": sparse,
}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.evaluate.evaluate", description=__doc__
    )
    parser.add_argument("--model", default="village")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="comma-separated")
    parser.add_argument("--least", type=int, default=200, help="questions per cell, at least")
    parser.add_argument("--seed", type=int, default=200_000, help="first world")
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON to add the sections to")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    got = parser.parse_args(arguments)
    unknown = [name for name in got.sections.split(",") if name not in SECTIONS]
    if unknown:
        parser.error(f"--sections has {unknown[0]!r}; accepted: {', '.join(SECTIONS)}")
    if got.least < 1:
        parser.error(f"--least must be at least 1, got {got.least}")
    return got


def held(path: Path | None) -> dict[str, object]:
    """Return the sections a file holds so far; none if there is no file yet.

    Called before anything is measured, so that no work is lost.

    Raises:
        ValueError: the file is no JSON object, so that no section can be added to it.
    """
    if path is None or not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is not JSON, so no section can be added to it: {error}"
        raise ValueError(msg) from error
    if not isinstance(found, dict):
        msg = f"{path} holds a JSON {type(found).__name__}; sections can only be added to an object"
        raise ValueError(msg)  # noqa: TRY004 -- a file's content is wrong, not a caller's type
    return found


def measured(
    prism: Prism, names: list[str], *, seed: int, least: int
) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield each section when it is done."""

    def length(text: str) -> int:
        """Count the tokens of a text."""
        return len(prism.encode(text))

    for name in names:
        start = time.monotonic()
        cells = SECTIONS[name](prism, length, seed, least)
        yield (
            name,
            {"seed": seed, "minutes": round((time.monotonic() - start) / 60, 2), "cells": cells},
        )


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    got = parse(arguments)
    whole = held(got.out)
    torch.set_num_threads(1)
    prism = Prism.load(got.model)
    record: dict[str, object] = {}
    for name, section in measured(prism, got.sections.split(","), seed=got.seed, least=got.least):
        record[name] = section
        if got.out is not None:
            whole |= {**provenance(prism), name: section}
            got.out.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    finish(record, prism, as_json=got.json)


if __name__ == "__main__":
    main()
