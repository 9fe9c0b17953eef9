"""How often the River repeats itself: `python -m warpviz.village.evaluate.loops --json`.

The engine's own runs, on the sample texts with several seeds and on held-out worlds, once for every
way of choosing the next token. Greedy choice is not random, so one seed is enough for it. `--table
FILE` prints a record as a page.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from warp_cortex import Cortex, CortexConfig, Prism, RiverConfig

from warpviz.village.evaluate.report import finish, interval
from warpviz.village.world import sample_texts
from warpviz.village.world.scene import Scene, answered, scene

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OPENING = 3  # words by which a sentence of the same shape is known
TASK = re.compile(r" \[TASK: [^\]]*\]")


@dataclass(frozen=True, slots=True)
class Choice:
    """One way of choosing the River's next token."""

    temperature: float
    penalty: float = 1.0

    @property
    def name(self) -> str:
        """The name in the table."""
        warm = f"temperature {self.temperature:g}" if self.temperature else "greedy"
        return warm if self.penalty == 1 else f"{warm}, penalty {self.penalty:g}"


CHOICES = (
    Choice(0.0),
    Choice(0.0, 1.1),
    Choice(0.0, 1.2),
    Choice(0.0, 1.3),
    Choice(0.3),
    Choice(0.5),
    Choice(0.7),
    Choice(1.0),
)


@dataclass(frozen=True, slots=True)
class RunCounts:
    """Counts of one run: its sentences, its repetitions, and the answers to its questions.

    again: sentences that stood there before, word for word. alike: sentences that open with the
    words of an earlier one. asked, right: questions that the text answers, and right answers.
    injected, followed: the same, of questions whose true answer was injected before. first: whether
    the question that ends the text was answered rightly. shown: whether the run shows what a sample
    must.
    """

    sentences: int
    again: int
    alike: int
    asked: int
    right: int
    injected: int
    followed: int
    streams: int
    first: bool
    shown: bool


def repeats(text: str) -> tuple[int, int, int]:
    """Return a text's number of sentences, and how many repeat an earlier one or its opening."""
    parts = [part.strip() for part in TASK.sub("", text).split(".")[:-1]]
    sentences = [part for part in parts if part]
    openings = [tuple(sentence.split()[:OPENING]) for sentence in sentences]
    return len(sentences), len(sentences) - len(set(sentences)), len(openings) - len(set(openings))


def turns(text: str) -> Iterator[tuple[str, str]]:
    """Yield every task of a text with what follows it, up to the next one."""
    tasks = list(TASK.finditer(text))
    for index, task in enumerate(tasks):
        end = tasks[index + 1].start() if index + 1 < len(tasks) else len(text)
        yield task.group(), text[task.end() : end]


def run_counts(prism: Prism, where: Scene, choice: Choice, *, seed: int) -> RunCounts:
    """Run the engine's defaults on a scene with one way of choosing, and count."""
    river = RiverConfig(temperature=choice.temperature, repetition_penalty=choice.penalty)
    cortex = Cortex(prism, CortexConfig(seed=seed, river=river))
    for _ in cortex.run(where.prompt):
        pass
    summary = cortex.summary()
    text = summary["river_text"]
    entered = {injection["text"] for injection in summary["injections"]}
    known = {item.task: item for item in (where.asked, *where.others)}
    said = [
        (known[task], answered(after, known[task].question))
        for task, after in turns(text)
        if task in known
    ]
    ended = [(item, value == item.question.value) for item, value in said if value is not None]
    injected = [right for item, right in ended if item.ref in entered]
    return RunCounts(
        *repeats(text),
        asked=len(ended),
        right=sum(right for _, right in ended),
        injected=len(injected),
        followed=sum(injected),
        streams=len(summary["streams"]),
        first=answered(text, where.asked.question) == where.asked.question.value,
        shown=sample_texts.shows(summary, where),
    )


def row(choice: Choice, found: Iterable[RunCounts]) -> dict[str, object]:
    """Return one line of the table: shares over all runs, with their intervals."""
    runs = list(found)

    def total(name: str) -> int:
        """Add up one count over all runs."""
        return sum(int(getattr(run, name)) for run in runs)

    return {
        **asdict(choice),
        "name": choice.name,
        "runs": len(runs),
        "sentences_said_again": interval(total("again"), total("sentences")),
        "sentences_that_open_alike": interval(total("alike"), total("sentences")),
        "answers_right": interval(total("right"), total("asked")),
        "answers_right_after_injection": interval(total("followed"), total("injected")),
        "first_answer_right": interval(total("first"), len(runs)),
        "shows_what_a_sample_must": interval(total("shown"), len(runs)),
        "streams_per_run": round(total("streams") / max(1, len(runs)), 2),
    }


def measure(prism: Prism, *, seeds: int, worlds: int, tokens: int, first: int) -> dict[str, object]:
    """Return the table of the samples and that of held-out worlds, a line per way of choosing."""
    encoder = sample_texts.bundled_encoder()
    samples = [sample_texts.make(recipe, encoder) for recipe in sample_texts.RECIPES]
    others = [scene(first + index, tokens, encoder.length) for index in range(worlds)]
    out: dict[str, list[dict[str, object]]] = {"samples": [], "held_out": []}
    for choice in CHOICES:
        chances = range(seeds if choice.temperature else 1)
        out["samples"].append(
            row(choice, [run_counts(prism, w, choice, seed=s) for w in samples for s in chances])
        )
        if others:
            found = [
                run_counts(prism, where, choice, seed=seed) for seed, where in enumerate(others)
            ]
            out["held_out"].append(row(choice, found))
    return dict(out)


SHARES = {
    "sentences_said_again": "sentences said again",
    "sentences_that_open_alike": "open alike",
    "answers_right": "answers right",
    "answers_right_after_injection": "after an injection",
    "first_answer_right": "first answer right",
}


def page(record: dict[str, Any]) -> str:
    """Return a record as a page of two tables: percent, 95 % interval and n of every share."""
    origin = (
        record["machine"],
        record["date"],
        f"{record['model']} {record['checksum']}",
        f"torch {record['torch']}",
    )
    lines = ["# loops", "", "; ".join(map(str, origin)), "", NOTE]
    worlds = f"{record['worlds']} held-out worlds of {record['tokens']} tokens"
    titles = {
        "held_out": f"{worlds}, from seed {record['seed']:,}",
        "samples": f"The sample texts, {record['seeds']} seeds each where there is chance",
    }
    for part, title in titles.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| | " + " | ".join([*SHARES.values(), "streams a run"]) + " |",
        ]
        lines += ["|" + " --- |" * (len(SHARES) + 2)]
        for found in record[part]:
            cells = [_percent(found[name]) for name in SHARES]
            cells.append(str(found["streams_per_run"]))
            lines.append(f"| {found['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _percent(share: dict[str, Any]) -> str:
    if share["share"] is None:
        return "none asked"
    low, middle, high = (f"{100 * share[name]:.1f}" for name in ("low", "share", "high"))
    return f"{middle} ({low} to {high}; {share['n']})"


NOTE = (
    "Percent with 95 % Wilson intervals and n. Sentences said again stood word for word in what "
    "the River wrote before; those that open alike share their first three words with one. Answers "
    "are those of questions the text answers; after an injection: of questions whose true answer "
    "had been injected in that run."
)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.evaluate.loops", description=__doc__
    )
    parser.add_argument("--model", default="village")
    parser.add_argument(
        "--seeds", type=int, default=8, help="runs per sample where there is chance"
    )
    parser.add_argument("--worlds", type=int, default=40, help="held-out worlds; 0: samples only")
    parser.add_argument("--tokens", type=int, default=512, help="length of a held-out world")
    parser.add_argument("--seed", type=int, default=300_000, help="first world")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="measure nothing; print this record as a table"
    )
    got = parser.parse_args(arguments)
    if got.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {got.seeds}")
    return got


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    got = parse(arguments)
    if got.table is not None:
        sys.stdout.write(page(json.loads(got.table.read_text(encoding="utf-8"))))
        return
    torch.set_num_threads(1)
    prism = Prism.load(got.model)
    record: dict[str, object] = {
        "seed": got.seed,
        "seeds": got.seeds,
        "worlds": got.worlds,
        "tokens": got.tokens,
    }
    record |= measure(prism, seeds=got.seeds, worlds=got.worlds, tokens=got.tokens, first=got.seed)
    finish(record, prism, as_json=got.json)


if __name__ == "__main__":
    main()
