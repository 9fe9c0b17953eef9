"""Lets the kernel answer a widget's messages while a cell runs.

ipykernel 7.4 remembers on a comm which loop last published there, and sends the browser's replies
to that loop: for a widget made in a cell, to the main loop, which is busy until the cell ends. When
that memory is removed, the subshell counts that JupyterLab names in each message of its widgets.
Other versions of ipykernel have no such memory.
"""

from typing import Any

_PINNED = "_reply_subshell_id"


def unpin(comm: Any) -> None:
    """Remove from a comm which loop used it last; None, a closed comm, is left alone."""
    if comm is not None:
        vars(comm).pop(_PINNED, None)
