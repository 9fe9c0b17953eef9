"""Lets a widget be answered while a cell runs: the browser's own subshell, not the cell that made
the widget, takes it.

ipykernel 7.4 remembers which loop published last on a comm and sends the browser's replies there. A
widget made in a cell would so be answered by the main loop, after the cell; this forgets it, and
the subshell that JupyterLab names in every message of its widgets counts. Other versions have no
such memory and nothing happens.
"""

from typing import Any

_PINNED = "_reply_subshell_id"


def unpin(comm: Any) -> None:
    """Forget on which loop a comm was used last; None is a comm that is closed."""
    if comm is not None:
        vars(comm).pop(_PINNED, None)
