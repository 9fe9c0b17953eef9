"""A model folder may hold its own voice, in `voice.json`."""

from pathlib import Path

from warp_cortex.files.reading import read_object, unreadable
from warp_cortex.voice.shipped import VOICES
from warp_cortex.voice.voice import Voice

NAME = "voice.json"
MOST_BYTES = 1 << 16


def voice_in(folder: str | Path) -> Voice | None:
    """Return the voice that a model folder holds, or None if it holds none.

    The file is a JSON object: the parts of a `Voice`, or only the `name` of one that ships.

    Raises:
        UnreadableFileError: the file is no voice; the message names it.
    """
    path = Path(folder) / NAME
    if not path.is_file():
        return None
    record = read_object(path, most_bytes=MOST_BYTES)
    try:
        if set(record) == {"name"}:
            return VOICES[record["name"]]
        return Voice.from_dict(record)
    except (ValueError, TypeError, KeyError) as error:
        raise unreadable(path, f"is no voice: {error}") from error
