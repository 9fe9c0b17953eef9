"""Parsers of flags that several commands have: numbers, names, seeds and devices."""

import argparse
import re
from collections.abc import Callable, Sequence
from pathlib import Path

Counts = tuple[int, ...]
Names = tuple[str, ...]
MOST_SEED = 2**32 - 1  # the limit of numpy, scikit-learn and UMAP; torch's is higher


def common(parser: argparse.ArgumentParser, *, minutes: float) -> None:
    """Add the flags of every benchmark that prints tables: device, seed, budget and output."""
    add = parser.add_argument
    add("--device", type=device, default="cpu", help="cpu or cuda")
    add("--seed", type=seed, default=0)
    add("--minutes", type=float, default=minutes, help="budget; what does not fit is not run")
    add("--out", type=Path, default=Path("benchmarks"), help="folder of the tables")
    add("--json", action="store_true", help="print one JSON object instead of tables")


def device(text: str) -> str:
    """Return the name of a device; whether this machine has it is checked later.

    Raises:
        ArgumentTypeError: it is neither cpu nor cuda, cuda:1 and so on.
    """
    if re.fullmatch(r"cpu|cuda(:\d+)?", text) is None:
        msg = f"{text!r} is neither cpu nor cuda"
        raise argparse.ArgumentTypeError(msg)
    return text


def seed(text: str) -> int:
    """Return the seed of a flag, which every generator here accepts.

    Raises:
        ArgumentTypeError: it is not a whole number from 0 to `MOST_SEED`.
    """
    try:
        found = int(text)
    except ValueError:
        found = -1
    if not 0 <= found <= MOST_SEED:
        msg = f"must be a whole number from 0 to {MOST_SEED}, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return found


def theta(text: str) -> float | str:
    """Return the threshold of a flag: a number, or "auto".

    Raises:
        ArgumentTypeError: it is neither "auto" nor a number from -1 to 1.
    """
    if text == "auto":
        return text
    try:
        found = float(text)
    except ValueError:
        found = float("nan")
    if not -1 <= found <= 1:
        msg = f"must be auto or a number from -1 to 1, got {text!r:.40}"
        raise argparse.ArgumentTypeError(msg)
    return found


def counts(text: str) -> Counts:
    """Return the whole numbers of a flag such as 1,10,100.

    Raises:
        ArgumentTypeError: one is no whole number, or less than 1.
    """
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{text!r} is no list of whole numbers such as 1,10,100"
        raise argparse.ArgumentTypeError(msg) from error
    if least := [number for number in found if number < 1]:
        msg = f"{text!r} has {least[0]}; every number must be at least 1"
        raise argparse.ArgumentTypeError(msg)
    return found


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of a flag's whole number, which refuses numbers less than `least`."""

    def read(text: str) -> int:
        """Return the number of a flag such as 64."""
        try:
            found = int(text)
        except ValueError as error:
            msg = f"{text!r} is no whole number"
            raise argparse.ArgumentTypeError(msg) from error
        if found < least:
            msg = f"must be at least {least}, got {found}"
            raise argparse.ArgumentTypeError(msg)
        return found

    return read


def names(known: Sequence[str]) -> Callable[[str], Names]:
    """Return a parser of a flag's names, which refuses names that are not `known`."""

    def read(text: str) -> Names:
        """Return the names of a flag such as one,other."""
        found = tuple(part.strip() for part in text.split(","))
        if strange := [name for name in found if name not in known]:
            msg = f"{strange[0]!r} is unknown; accepted: {', '.join(known)}"
            raise argparse.ArgumentTypeError(msg)
        return found

    return read
