"""Checksums of model folders.

Hashing half a gigabyte takes a second or more, so a folder of this user's cache keeps its checksum.
"""

import hashlib
import json
from pathlib import Path

KEPT = "checksum.json"
BLOCK = 1 << 22


def checksum_of_files(folder: Path) -> str | None:
    """Return the hex SHA-256 of a folder's safetensors files, in order; None if it has none.

    A digest that `keep_checksum` wrote is believed while sizes and times of the files are as then.
    """
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        return None
    try:
        kept = json.loads((folder / KEPT).read_text(encoding="utf-8"))
        if kept["files"] == _state(files):
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):  # none was kept, or it cannot be read
        pass
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    return digest.hexdigest()


def keep_checksum(folder: Path) -> None:
    """Write the checksum of a folder that this package made into it."""
    files = sorted(folder.glob("*.safetensors"))
    kept = {"files": _state(files), "sha256": checksum_of_files(folder)}
    (folder / KEPT).write_text(json.dumps(kept), encoding="utf-8")


def _state(files: list[Path]) -> list[list[str | int]]:
    """Return name, size and time of each file: they change when its content does."""
    stats = [(file.name, file.stat()) for file in files]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
