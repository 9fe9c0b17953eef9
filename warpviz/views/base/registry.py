"""Which views are alive, so that a re-run cell closes its earlier instance and tests can count
leaks.
"""

import threading
import weakref
from typing import Any, Protocol

_lock = threading.Lock()
_views: "weakref.WeakValueDictionary[str, Closable]" = weakref.WeakValueDictionary()
_cells: dict[str, tuple[str, str]] = {}


class Closable(Protocol):
    """Something with a pump and a comm that can be closed."""

    uid: str

    def close(self) -> None:
        """Stop the pump and the comm."""


def live_views() -> list[Any]:
    """Return the views that have not been closed or collected."""
    with _lock:
        return list(_views.values())


def live_pumps() -> int:
    """Return how many pump threads run in this process."""
    return sum(
        thread.name == "warpviz-pump" and thread.is_alive() for thread in threading.enumerate()
    )


def adopt(view: Closable, cell: tuple[str, str] | None) -> None:
    """Remember a view; close the views an earlier run of the same cell has made.

    `cell` is (cell id, id of the execution), None outside a notebook.
    """
    with _lock:
        _views[view.uid] = view
        stale = []
        if cell is not None:
            stale = [
                uid for uid, made in _cells.items() if made[0] == cell[0] and made[1] != cell[1]
            ]
            _cells[view.uid] = cell
        olds = [_views.get(uid) for uid in stale]
    for old in olds:
        if old is not None:
            old.close()


def forget(uid: str) -> None:
    """Drop a closed view."""
    with _lock:
        _views.pop(uid, None)
        _cells.pop(uid, None)


def close_all() -> None:
    """Close every live view."""
    for view in live_views():
        view.close()


def current_cell() -> tuple[str, str] | None:
    """Return (cell id, execution id) of the running notebook cell; None where there is none."""
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent()
    cell = parent.get("metadata", {}).get("cellId")
    run = parent.get("header", {}).get("msg_id")
    return (str(cell), str(run)) if cell and run else None
