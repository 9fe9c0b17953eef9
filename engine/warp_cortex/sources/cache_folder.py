"""Where files that can be made again are kept on this machine."""

import os
from pathlib import Path


def cache_folder() -> Path | None:
    """Return the folder for this user's caches, or None where the machine offers none.

    `$XDG_CACHE_HOME/warpviz` if that variable holds an absolute path (the XDG Base Directory
    Specification: an empty one counts as unset, a relative one is invalid), else
    `~/.cache/warpviz`; None if there is no home folder, as in some containers.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if base.is_absolute():
        return base / "warpviz"
    try:
        home = Path.home()
    except RuntimeError:  # no HOME and no entry for this user
        return None
    return home / ".cache" / "warpviz" if home.is_absolute() else None
