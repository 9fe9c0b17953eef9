"""Measure this machine: run one of the benchmarks, or list them."""

import argparse
import importlib
import pkgutil
import sys
from types import ModuleType

from warpviz import bench


def configure(parser: argparse.ArgumentParser) -> None:
    """Take a name and everything behind it: a benchmark's own flags are known once its module is loaded."""
    parser.add_argument("name", nargs="?", help="which one; without a name they are listed")
    parser.add_argument("flags", nargs=argparse.REMAINDER, help="the benchmark's own flags; NAME --help tells them")


def modules() -> list[str]:
    """Return the names of everything benchmarks are made of."""
    return sorted(module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_"))


def load(name: str) -> ModuleType | None:
    """Return the benchmark of that name, and only that one; None if it is none."""
    module = importlib.import_module(f"{bench.__name__}.{name}") if name in modules() else None
    return module if hasattr(module, "execute") else None


def benchmarks() -> dict[str, ModuleType]:
    """Return the benchmarks of this installation by name."""
    return {name: module for name in modules() if (module := load(name)) is not None}


def execute(args: argparse.Namespace) -> int:
    """Run the benchmark that was named, with its flags; without a name, list them.

    Raises:
        ValueError: no benchmark has that name.
    """
    if args.name is None:
        lines = [f"  {name:<12}{(module.__doc__ or '').splitlines()[0]}" for name, module in benchmarks().items()]
        sys.stdout.write("\n".join(["warpviz bench NAME, with one of:", *lines]) + "\n")
        return 0
    module = load(args.name)
    if module is None:
        msg = f"no benchmark is called {args.name!r}; there are: {', '.join(benchmarks()) or 'none'}"
        raise ValueError(msg)
    parser = type(args.parser)(prog=f"warpviz bench {args.name}", description=(module.__doc__ or "").splitlines()[0])
    module.configure(parser)
    return int(module.execute(parser.parse_args(args.flags)))
