"""The front end in a real browser: sliders, live view, first pictures, saved notebooks."""

import argparse
import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warpviz.bench.browser import ui_live, ui_sliders
from warpviz.bench.browser.ui_page import BrowserLab, browser_lab
from warpviz.bench.harness import flags
from warpviz.bench.harness.machine import provenance
from warpviz.bench.harness.report import Report, to_json

Rows = list[dict[str, Any]]
Measure = Callable[[], Rows]
SECTIONS = ("k", "theta", "live", "first", "saved")
MOST_FIRST = 8  # a first picture is followed by a UMAP that must end before the next


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument(
        "--repeats", type=int, default=60, help="key presses per slider; the rest in proportion"
    )
    parser.add_argument("--tokens", type=int, default=2000, help="tokens of the context")
    parser.add_argument("--thoughts", type=int, default=1000, help="thoughts at the gate")
    parser.add_argument("--sections", default=",".join(SECTIONS), help="which parts")
    parser.add_argument("--seed", type=flags.seed, default=0)
    parser.add_argument(
        "--minutes", type=float, default=30, help="budget; what does not fit is not run"
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks"), help="folder of the tables")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object instead of tables"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, and return provenance and rows.

    Raises:
        ValueError: a flag is out of range, or playwright or Chromium is missing.
    """
    asked = args.sections.split(",")
    if args.repeats < 1 or not set(asked) <= set(SECTIONS):
        accepted = f"repeats must be at least 1 and sections among {', '.join(SECTIONS)}"
        msg = f"{accepted}; got {args.repeats}, {asked}"
        raise ValueError(msg)
    with browser_lab() as lab:
        facts = provenance("cpu", seed=args.seed)
        facts["browser"] = lab.version
        facts["jupyterlab"] = version("jupyterlab")
        facts["load_at_start"] = [round(load, 1) for load in os.getloadavg()]
        report = Report("ui", args.out, facts, minutes=args.minutes, quiet=args.json)
        measures = _measures(lab, args)
        for name in asked:
            note = f"{NOTES[name]} {facts['browser']}, JupyterLab {facts['jupyterlab']}."
            report.section(TITLES[name], note, partial(_fill, measures[name]))
    return report.record() | {"rows": report.rows}


def _measures(lab: BrowserLab, args: argparse.Namespace) -> dict[str, Measure]:
    repeats = args.repeats
    seed = args.seed
    tokens = args.tokens
    seconds = max(ui_live.WINDOW_S, repeats // 2)
    pictures = min(MOST_FIRST, max(1, repeats // 8))
    return {
        "k": partial(ui_sliders.k_rows, lab, tokens=tokens, repeats=repeats, seed=seed),
        "theta": partial(
            ui_sliders.theta_rows, lab, thoughts=args.thoughts, repeats=repeats, seed=seed
        ),
        "live": partial(ui_live.live_rows, lab, seconds=seconds, seed=seed),
        "first": partial(ui_live.first_rows, lab, tokens=tokens, repeats=pictures),
        "saved": partial(ui_live.saved_rows, lab, tokens=tokens, seed=seed),
    }


def _fill(measure: Measure, rows: Rows) -> None:
    rows.extend(measure())


def execute(args: argparse.Namespace) -> int:
    """Run and print; return 1 if a table could not be finished, whether targets are met or not."""
    record = run(args)
    if args.json:
        sys.stdout.write(to_json(record) + "\n")
    return int(any("failed" in section for section in record["sections"]))


TITLES = {
    "k": "k slider",
    "theta": "theta slider",
    "live": "Live view",
    "first": "First picture",
    "saved": "Saved notebook",
}
NOTES = {
    "k": (
        "From a key on the slider (its own time stamp) to the end of the frame that shows the "
        "answer: style, layout, painting and commit done, the compositor's share not. Cloud, text "
        "and persistence are linked and all on screen; the number of landmarks marked in the text "
        "is checked after every press. load is the average over the last minute."
    ),
    "theta": (
        "As above: labels, three scorers and the ROC curve; the count is checked after each press."
    ),
    "live": (
        "Windows of five seconds. Drawn: paintings that show a later moment of the run. Kernel "
        "time is the whole process's with the view, less its median without one, the same engine "
        "running in both."
    ),
    "first": (
        "From the command that runs `warpviz.explore(prism, text)` in a warm kernel, reading the "
        "text included."
    ),
    "saved": "cloud, text, persistence, live run, gate, council; saved by JupyterLab itself.",
}
