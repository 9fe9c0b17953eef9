"""Compare the topology of landmarks with that of the whole cache, and export the result.

Writes comparison.json, .csv, .html, .svg and the points used (npz), from which every figure can be
recomputed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from warpviz.bench.harness import flags
from warpviz.cli.stdout_guard import stdout_kept

if TYPE_CHECKING:
    from warpviz.topology import Comparison


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `warpviz compare`."""
    add = parser.add_argument
    add("--model", default="village", help="bundled name, folder or hub id (village)")
    add("--text", metavar="FILE", help="text to read; - is standard input (a bundled sample)")
    add(
        "--k",
        type=_counts,
        default=(16, 32, 64),
        metavar="K,K,...",
        help="landmark counts (16,32,64)",
    )
    add(
        "--policy",
        type=_names,
        default=("hybrid", "random"),
        metavar="P,P,...",
        help="(hybrid,random)",
    )
    add("--alpha", type=float, default=0.3, help="0 covers the cache, 1 follows attention (0.3)")
    add("--layer", type=_layer, help="one layer's number, from 0, or all (all)")
    add("--space", default="keys", help="keys, rotated, values or hidden (keys)")
    add(
        "--max-dim",
        type=int,
        default=1,
        metavar="DIM",
        help="highest homology dimension: 0, 1 or 2 (1)",
    )
    add("--seed", type=flags.seed, default=0, help="of the null model and the random policy (0)")
    add("--device", default="cpu", help="where the model runs: cpu, cuda, cuda:1, ... (cpu)")
    add("--out", metavar="DIR", type=Path, default=Path("out"), help="where the files go (out)")
    add(
        "--json",
        action="store_true",
        help="print comparison.json, and nothing else; its points are a path from here",
    )


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{text!r} is no list of whole numbers such as 16,32,64"
        raise argparse.ArgumentTypeError(msg) from error


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(","))


def _layer(text: str) -> int | None:
    if text == "all":
        return None
    # nor -1, which the engine counts from the last layer and the views take for all
    if not text.isdecimal():
        msg = f"{text!r} is neither a layer's number, from 0, nor all"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def execute(args: argparse.Namespace) -> int:
    """Read the text, compare, save the files and print the table (or the JSON); return 0."""
    with stdout_kept(args.json):
        comparison = _compare(args)
        paths = comparison.save(args.out)
    if args.json:
        sys.stdout.write(json.dumps(comparison.to_record(points=str(paths["npz"]))) + "\n")
    else:
        _tell(comparison)
        sys.stdout.write(
            "written: " + ", ".join(str(path) for path in sorted(paths.values())) + "\n"
        )
    return 0


def _compare(args: argparse.Namespace) -> "Comparison":
    from warp_cortex import Prism

    from warpviz.cli.prompt import read_text
    from warpviz.topology import compare

    text = read_text(args.text)
    args.out.mkdir(parents=True, exist_ok=True)
    context = Prism.load(args.model, device=args.device).read(text)
    return compare(
        context,
        ks=args.k,
        policies=args.policy,
        alpha=args.alpha,
        layer=args.layer,
        space=args.space,
        max_dim=args.max_dim,
        seed=args.seed,
    )


def _tell(comparison: "Comparison") -> None:
    from rich.table import Table

    from warpviz.cli.terminal import Terminal

    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in (
        "k",
        "policy",
        "H",
        "bottleneck",
        "random sets",
        "Wasserstein",
        "radius",
        "bound 2r",
    ):
        table.add_column(column, justify="left" if column == "policy" else "right", no_wrap=True)
    for row in comparison.rows:
        null = "" if row.null_mean is None else f"{row.null_mean:.3f} ± {row.null_std or 0:.3f}"
        figures = (
            f"{row.bottleneck:.3f}",
            null,
            f"{row.wasserstein:.3f}",
            f"{row.radius:.3f}",
            f"{row.bound:.3f}",
        )
        table.add_row(str(row.k), row.policy, str(row.dim), *figures)
    console = Terminal()
    console.print(table)
    for note in comparison.notes:
        console.print(note, style="dim", markup=False)
