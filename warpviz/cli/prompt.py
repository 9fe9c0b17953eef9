"""Where a command's text comes from: a file, standard input, or the first bundled sample."""

import sys
from pathlib import Path

from warpviz.texts import sample


def read_text(source: str | None) -> str:
    """Return the text of a file, of standard input ("-"), or the first bundled sample (None).

    Raises:
        ValueError: not UTF-8 text.
        OSError: the file cannot be read.
    """
    if source is None:
        return sample()
    data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = "standard input" if source == "-" else repr(source)
        msg = f"{name} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}"
        raise ValueError(msg) from error
