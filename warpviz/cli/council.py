"""Measure what streams are worth to a bounded River on a real model."""

import argparse
import importlib

from warpviz.bench.council.settings import configure

__all__ = ["configure", "execute"]


def execute(args: argparse.Namespace) -> int:
    """Print the tables, or one JSON object; see `warpviz bench council`."""
    # torch is imported only now
    return int(importlib.import_module("warpviz.bench.council.council").execute(args))
