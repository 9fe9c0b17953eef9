"""Measure this machine: run one of the benchmarks, or list them."""

import argparse
import importlib
import pkgutil
import sys
from types import ModuleType

from warpviz import bench


def configure(parser: argparse.ArgumentParser) -> None:
    """Take a name and everything behind it: a benchmark's own flags are known once its module is
    loaded.
    """
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    parser.add_argument(
        "flags", nargs=argparse.REMAINDER, help="the benchmark's own flags; NAME --help tells them"
    )


def modules() -> dict[str, str]:
    """Return the dotted path of everything benchmarks are made of, by its last name."""
    found = pkgutil.walk_packages(bench.__path__, f"{bench.__name__}.")
    return {module.name.rpartition(".")[2]: module.name for module in found if not module.ispkg}


def load(name: str) -> ModuleType | None:
    """Return the benchmark of that name, and only that one; None if it is none."""
    path = modules().get(name)
    module = importlib.import_module(path) if path is not None else None
    return module if hasattr(module, "execute") else None


def benchmarks() -> dict[str, ModuleType]:
    """Return the benchmarks of this installation by name."""
    return {name: module for name in sorted(modules()) if (module := load(name)) is not None}


def execute(args: argparse.Namespace) -> int:
    """Run the benchmark that was named, with its flags; without a name, list them.

    Raises:
        ValueError: no benchmark has that name.
    """
    if args.name is None:
        lines = [
            f"  {name:<12}{(module.__doc__ or '').splitlines()[0]}"
            for name, module in benchmarks().items()
        ]
        sys.stdout.write("\n".join(["warpviz bench NAME, with one of:", *lines]) + "\n")
        return 0
    module = load(args.name)
    if module is None:
        msg = (
            f"no benchmark is called {args.name!r}; there are: {', '.join(benchmarks()) or 'none'}"
        )
        raise ValueError(msg)
    parser = type(args.parser)(
        prog=f"warpviz bench {args.name}", description=(module.__doc__ or "").splitlines()[0]
    )
    module.configure(parser)
    return int(module.execute(parser.parse_args(args.flags)))
