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
from warpviz.cli.output import stdout_kept, write_line
from warpviz.drawing.table import Column, parts

if TYPE_CHECKING:
    from warpviz.topology import Comparison

DEFAULT_KS = (32, 48, 64)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `warpviz compare`."""
    add = parser.add_argument
    add("--model", default="village", help="bundled name, folder or hub id (village)")
    add("--text", metavar="FILE", help="text to read; - is standard input (a bundled sample)")
    add(
        "--k",
        type=_counts,
        metavar="K,K,...",
        help="landmark counts (32,48,64; of a shorter text all tokens)",
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
        help="print comparison.json and nothing else; its points are a path from here",
    )


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        msg = f"{text!r} is no list of whole numbers such as 32,48,64"
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
    with stdout_kept(wanted=args.json):
        comparison = _compare(args)
        paths = comparison.save(args.out)
    if args.json:
        record = json.loads(paths["json"].read_text(encoding="ascii"))
        sys.stdout.write(json.dumps({**record, "points": str(paths["npz"])}) + "\n")
    else:
        _print(comparison)
        write_line("written: " + ", ".join(str(path) for path in sorted(paths.values())))
    return 0


def _compare(args: argparse.Namespace) -> "Comparison":
    from warp_cortex import Prism

    from warpviz.cli.prompt import read_text
    from warpviz.topology import compare

    text = read_text(args.text)
    args.out.mkdir(parents=True, exist_ok=True)
    context = Prism.load(args.model, device=args.device).read(text)
    fitting = sorted({min(k, context.num_tokens) for k in DEFAULT_KS})
    return compare(
        context,
        ks=args.k or fitting,
        policies=args.policy,
        alpha=args.alpha,
        layer=args.layer,
        space=args.space,
        max_dim=args.max_dim,
        seed=args.seed,
    )


def _print(comparison: "Comparison") -> None:
    from warpviz.cli.terminal import Terminal

    terminal = Terminal()
    rows = comparison.rows
    keys = [
        Column("k", tuple(str(row.k) for row in rows)),
        Column("policy", tuple(row.policy for row in rows), is_text=True),
        Column("H", tuple(str(row.dim) for row in rows)),
    ]
    random_sets = tuple(
        "" if row.null_mean is None else f"{row.null_mean:.3f} ± {row.null_std or 0:.3f}"
        for row in rows
    )
    values = [
        Column("bottleneck", tuple(f"{row.bottleneck:.3f}" for row in rows)),
        Column("random sets", random_sets),
        Column("Wasserstein", tuple(f"{row.wasserstein:.3f}" for row in rows)),
        Column("radius", tuple(f"{row.radius:.3f}" for row in rows)),
        Column("bound 2r", tuple(f"{row.bound:.3f}" for row in rows)),
    ]
    for number, (heading, lines) in enumerate(parts(keys, values, width=terminal.width)):
        terminal.write("\n" * bool(number) + f"{heading}\n", "dim")
        terminal.write("\n".join(lines) + "\n")
    for note in comparison.notes:
        terminal.write(f"{note}\n", "dim")
