"""Write a saved run for another tool: Perfetto's viewer or OpenTelemetry.

--as perfetto writes Chrome trace events, which ui.perfetto.dev and chrome://tracing open; --as otel
writes OTLP JSON with GenAI spans, which a collector takes at /v1/traces.
"""

import argparse
import json
from pathlib import Path

from warpviz.cli.output import write_line

FORMATS = ("perfetto", "otel")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the trace and the flags of `warpviz export`."""
    add = parser.add_argument
    add("trace", metavar="TRACE", help="a trace.jsonl, or the folder that holds it")
    add("--as", dest="form", required=True, choices=FORMATS, help="which tool reads it")
    add("--out", metavar="FILE", help="the file to write (TRACE.perfetto.json, TRACE.otel.json)")


def execute(args: argparse.Namespace) -> int:
    """Write the file and print its path.

    Raises:
        ValueError: there is no run in the trace, or the file is no trace.
        OSError: there is no trace, or the file cannot be written.
    """
    from warp_cortex import load_trace, write_files

    from warpviz.traces.otel import otel
    from warpviz.traces.perfetto import perfetto

    given = Path(args.trace)
    source = given / "trace.jsonl" if given.is_dir() else given
    trace = load_trace(source)
    if args.form == "perfetto":
        made = perfetto(trace)
    else:
        # a trace holds no date; its file was written when the run ended
        made = otel(trace, began_s=source.stat().st_mtime)
    name = source.parent.name if source.name == "trace.jsonl" else source.stem
    out = Path(args.out) if args.out else source.with_name(f"{name}.{args.form}.json")
    text = json.dumps(made, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    write_files({out: text.encode("ascii")})
    write_line(str(out))
    return 0
