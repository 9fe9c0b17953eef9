"""The views that are alive, by notebook cell: a cell that runs again closes its earlier views."""

import threading
import weakref
from typing import Any, Protocol

_lock = threading.Lock()
_views: "weakref.WeakValueDictionary[str, Closable]" = weakref.WeakValueDictionary()
_cells: dict[str, tuple[str, str]] = {}


class Closable(Protocol):
    """A view, as far as the registry knows it."""

    uid: str

    def close(self) -> None:
        """Stop its threads and close its comm."""


def adopt(view: Closable, cell: tuple[str, str] | None) -> None:
    """Add a view, and close the views that an earlier run of the same cell made.

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
    """Remove a closed view."""
    with _lock:
        _views.pop(uid, None)
        _cells.pop(uid, None)


def current_cell() -> tuple[str, str] | None:
    """Return (cell id, execution id) of the running notebook cell, or None outside a notebook."""
    kernel = _kernel()
    if kernel is None:
        return None
    parent = kernel.get_parent()
    cell = parent.get("metadata", {}).get("cellId")
    run = parent.get("header", {}).get("msg_id")
    return (str(cell), str(run)) if cell and run else None


def in_kernel() -> bool:
    """Return whether a notebook's kernel runs this process."""
    return _kernel() is not None


def _kernel() -> Any:
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None)
