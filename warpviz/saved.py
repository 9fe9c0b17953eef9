"""Reads back what a run or a comparison wrote, whichever it is."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warp_cortex import Trace

    from warpviz.topology import Comparison


def load(path: Path | str) -> "Comparison | Trace":
    """Return the comparison or the trace at `path`: a file, or a folder that holds one of them.

    Raises:
        FileNotFoundError: nothing is there.
        ValueError: it is neither, or it is both: then name the file.
    """
    given = Path(path)
    if not given.exists():
        accepted = "a comparison.json, a trace.jsonl, or the folder of one of them"
        msg = f"nothing at {str(given)!r}; give {accepted}"
        raise FileNotFoundError(msg)
    files = [given / "comparison.json", given / "trace.jsonl"] if given.is_dir() else [given]
    found = [file for file in files if file.is_file()]
    if len(found) != 1:
        what = "neither comparison.json nor trace.jsonl"
        if found:
            what = "both a comparison and a trace; name one file"
        msg = f"{str(given)!r} holds {what}"
        raise ValueError(msg)
    if found[0].suffix == ".jsonl":
        from warp_cortex import load_trace

        return load_trace(found[0])
    from warpviz.topology import load_comparison

    return load_comparison(found[0])
