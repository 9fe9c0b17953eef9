"""Measure this machine: run one of the benchmarks, or list them."""

import argparse
import importlib
import pkgutil
import sys
from contextlib import redirect_stdout
from types import ModuleType

from warpviz import bench
from warpviz.cli.output import PrintableOutput, write_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Add a benchmark's name and, after it, its own flags, which its module defines."""
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    parser.add_argument(
        "flags", nargs=argparse.REMAINDER, help="the benchmark's own flags; NAME --help lists them"
    )


def modules() -> dict[str, str]:
    """Return every module below `warpviz.bench`: its last name -> its dotted path."""
    found = pkgutil.walk_packages(bench.__path__, f"{bench.__name__}.")
    return {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}


def load(name: str) -> ModuleType | None:
    """Import the benchmark of that name, and no other; return None if there is none."""
    path = modules().get(name)
    module = importlib.import_module(path) if path is not None else None
    return module if hasattr(module, "execute") else None


def benchmarks() -> dict[str, ModuleType]:
    """Return the benchmarks of this installation by name."""
    return {name: module for name in sorted(modules()) if (module := load(name)) is not None}


def execute(args: argparse.Namespace) -> int:
    """Run the named benchmark with its flags; without a name, list them.

    Raises:
        ValueError: no benchmark has that name.
    """
    if args.name is None:
        write_line("warpviz bench NAME, with one of:")
        for name, found in benchmarks().items():
            write_line(f"  {name:<12}{_summary(found)}")
        return 0
    module = load(args.name)
    if module is None:
        accepted = ", ".join(benchmarks()) or "none"
        msg = f"no benchmark is called {args.name!r}; accepted: {accepted}"
        raise ValueError(msg)
    parser = type(args.parser)(prog=f"warpviz bench {args.name}", description=_summary(module))
    module.configure(parser)
    # a table may hold paths and a model's words
    with redirect_stdout(PrintableOutput(sys.stdout)):
        return int(module.execute(parser.parse_args(args.flags)))


def _summary(module: ModuleType) -> str:
    return (module.__doc__ or "").partition("\n")[0]
