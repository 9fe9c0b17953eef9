"""A model folder may hold its own voice, in `voice.json`."""

import json
from pathlib import Path

from warp_cortex.voice.shipped import VOICES
from warp_cortex.voice.voice import Voice

NAME = "voice.json"
MOST_BYTES = 1 << 16


def voice_in(folder: str | Path) -> Voice | None:
    """Return the voice that a model folder holds, or None if it holds none.

    The file is a JSON object: the parts of a `Voice`, or only the `name` of one that ships.

    Raises:
        ValueError: the file is no voice; the message names it.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    if path.stat().st_size > MOST_BYTES:
        msg = f"{path} is no voice: it has more than {MOST_BYTES:,} bytes"
        raise ValueError(msg)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if set(record) == {"name"}:
            return VOICES[record["name"]]
        return Voice.from_dict(record)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        msg = f"{path} is no voice: {str(error).partition(chr(10))[0][:120]}"
        raise ValueError(msg) from error
