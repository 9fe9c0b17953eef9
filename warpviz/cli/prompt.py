"""Where a command's text comes from: a file, standard input, or the first bundled sample."""

import sys

from warpviz.texts import sample

MOST_BYTES = 1 << 26


def read_text(source: str | None) -> str:
    """Return the text of a file, of standard input ("-"), or the first bundled sample (None).

    Raises:
        ValueError: not UTF-8 text, more than 64 MiB, or no regular file, such as a pipe or device.
        FileNotFoundError: there is no such file.
    """
    if source is None:
        return sample()
    if source != "-":
        from warp_cortex import read_text as read_file

        return read_file(source, most_bytes=MOST_BYTES, encoding="utf-8-sig")
    data = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        msg = f"standard input has more than {MOST_BYTES:,} bytes"
        raise ValueError(msg)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is 0x{data[error.start]:02x}"
        msg = f"standard input is not UTF-8 text: {found}"
        raise ValueError(msg) from error
