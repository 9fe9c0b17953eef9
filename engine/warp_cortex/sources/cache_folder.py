"""Where files that can be made again are kept on this machine."""

import os
import sys
from pathlib import Path

# where caches go on a platform: the variable that names the folder, and the folder below the home
LINUX = ("XDG_CACHE_HOME", ".cache")
OTHERS = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}


def cache_folder() -> Path | None:
    """Return the folder for this user's caches, or None where the machine offers none.

    `$WARPVIZ_CACHE`, else `warpviz` in the platform's folder. On Linux that is `$XDG_CACHE_HOME`
    if it is an absolute path (the XDG Base Directory Specification: an empty one counts as unset,
    a relative one is invalid), else `~/.cache`. None where there is no home, as in containers.
    """
    if chosen := os.environ.get("WARPVIZ_CACHE"):
        return Path(chosen).absolute()
    variable, below_home = OTHERS.get(sys.platform, LINUX)
    base = Path(os.environ.get(variable, ""))
    if base.is_absolute():
        return base / "warpviz"
    try:
        home = Path.home()
    except RuntimeError:  # no HOME and no entry for this user
        return None
    found = home / below_home / "warpviz"
    return found if found.is_absolute() else None
