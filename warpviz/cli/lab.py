"""Copy the notebooks to a folder of yours and open them in JupyterLab.

Files that the folder has already stay as they are: a second call opens your own work again.
"""

import argparse
import sys
from pathlib import Path

from warpviz.cli.output import write_line
from warpviz.lab import FIRST, copy_notebooks, lab_command, lab_environment, serve


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `warpviz lab`."""
    default = Path("warpviz-notebooks")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=default, help=f"where the copies go ({default})"
    )
    parser.add_argument("--port", type=int, help="port on this machine (JupyterLab's choice)")
    parser.add_argument("--no-browser", action="store_true", help="only serve; print the address")
    parser.add_argument(
        "--copy-only", action="store_true", help="copy the notebooks and open nothing"
    )


def execute(args: argparse.Namespace) -> int:
    """Copy, then serve until JupyterLab ends; return its exit code, 0 after Ctrl-C."""
    copies = copy_notebooks(args.folder)
    if copies:
        write_line(f"{len(copies)} notebooks copied into {args.folder}")
        sys.stdout.flush()
    if args.copy_only:
        return 0
    command = lab_command(args.folder, first=FIRST, port=args.port, show=not args.no_browser)
    return serve(command, lab_environment())
