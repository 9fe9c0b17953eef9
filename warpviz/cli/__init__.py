"""The command `warpviz`: run, compare, export, lab, model, council, bench.

Exit codes: 0; 2 for bad input, with one line that says what is wrong; 130 when interrupted.
WARPVIZ_DEBUG=1 shows the traceback of an error. No command imports torch before it needs it, so
that `--help` answers at once; this module imports little, so that Ctrl-C is heard at once.
"""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from warpviz.cli.signals import INTERRUPTED, Interrupts

if TYPE_CHECKING:
    from warpviz.cli.parser import Parser

_COMMANDS = {
    **{name: f"warpviz.cli.{name}" for name in ("run", "compare", "export", "lab", "model")},
    "council": "warpviz.bench.council.council",
    "bench": "warpviz.cli.bench",
}


def build_parser() -> "Parser":
    """Return the parser of the whole command line; each command's module adds its own flags."""
    from warpviz.cli.parser import Parser

    parser = Parser(
        prog="warpviz",
        description="Many agents over one language model and one context, made visible.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    for name, path in _COMMANDS.items():
        module = importlib.import_module(path)
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.configure(command)
        command.set_defaults(command=name, execute=module.execute, parser=command)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Raises:
        SystemExit: from argparse: 0 after --help, 2 for flags that do not parse.
    """
    with Interrupts() as interrupts:
        with interrupts.ending_at_once("warpviz: interrupted"):
            from warpviz.cli.output import write_error

            args = build_parser().parse_args(argv)
        args.interrupts = interrupts
        program = f"warpviz {args.command}"
        for stream in (sys.stdout, sys.stderr):
            # A character that the terminal's encoding lacks must not end a run.
            getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
        try:
            code = int(args.execute(args))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has closed the pipe (`warpviz run | head`), which is no error. Python's own
            # flush at exit must not fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            write_error(program, "interrupted")
            return INTERRUPTED
        except (ValueError, TypeError, OSError, ImportError) as error:
            if os.environ.get("WARPVIZ_DEBUG"):
                raise
            write_error(program, _message(error))
            return 2
        return code


def command() -> None:
    """Be the program `warpviz`: run one command and exit with its code.

    Raises:
        SystemExit: always.
    """
    code = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left that could be interrupted
    if code == INTERRUPTED:
        # taking torch apart would let the user wait for another second
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip() or type(error).__name__
