"""The data files of the distribution: the bundled model, sample contexts, task sets."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_FOLDERS = (_HERE / "data", _HERE.parents[1] / "data")


def bundled(name: str = "") -> Path:
    """Return the path of a bundled file or folder, such as `village` (the model) or `contexts`.

    A wheel has `data/` inside the package; a checkout has it at its root.

    Raises:
        FileNotFoundError: nothing of that name is bundled.
    """
    for folder in _FOLDERS:
        path = folder / name
        if path.exists():
            return path
    known = sorted({p.name for folder in _FOLDERS if folder.is_dir() for p in folder.iterdir()})
    msg = f"nothing named {name!r} is bundled; there is: {', '.join(known) or 'nothing'}"
    raise FileNotFoundError(msg)


def is_bundled(name: str) -> bool:
    """Return whether `bundled(name)` would find something."""
    return any((folder / name).exists() for folder in _FOLDERS)
