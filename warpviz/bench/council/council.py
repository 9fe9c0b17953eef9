"""What streams are worth to a bounded River on a real model: answers right, answers wrong."""

import argparse

from warpviz.bench.harness import flags


def configure(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's flags."""
    parser.add_argument("--model", default="smollm2", help="village, smollm2, a folder, a .gguf")
    parser.add_argument("--worlds", type=flags.at_least(1), default=200, help="of each task (200)")
    parser.add_argument(
        "--lengths", type=flags.counts, default="1000,4000", help="tokens of the prose (1000,4000)"
    )
    parser.add_argument("--window", type=flags.at_least(1), default=256, help="of the River (256)")
    parser.add_argument(
        "--policies",
        default="random,streaming,h2o,snapkv,keydiff,hybrid",
        help="landmark policies",
    )
    parser.add_argument(
        "--focus", type=flags.at_least(0), default=64, help="focus landmarks of a second arm (64)"
    )
    flags.common(parser, minutes=240)


def execute(args: argparse.Namespace) -> int:
    """Print the tables, or one JSON object."""
    # torch is imported only now: this is a command of its own, too
    from warpviz.bench.council.measuring import run
    from warpviz.bench.harness.report import ended

    return ended(run(args), as_json=args.json)
