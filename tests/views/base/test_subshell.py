"""Views that are answered while a cell runs."""

from types import SimpleNamespace

from ipykernel.comm.comm import BaseComm

from warpviz.views.base.view import unpin


def routed(comm: BaseComm) -> str:
    """Return where ipykernel would send a browser's message that names the subshell "widgets"."""
    route = getattr(comm, "_reply_subshell_for", lambda _data, default: default)
    return route({"method": "custom", "content": {}}, "widgets")


def test_a_pinned_comm_is_freed() -> None:
    """After a publication from the main loop the comm is pinned there; freed, the browser's
    subshell counts again.
    """
    comm = BaseComm.__new__(BaseComm)
    comm.__dict__.update(
        _reply_subshell_lock=__import__("threading").Lock(), _reply_subshell_ids={}
    )
    comm.__dict__["_reply_subshell_id"] = None
    assert routed(comm) is None
    unpin(comm)
    assert routed(comm) == "widgets"
    unpin(comm)
    assert routed(comm) == "widgets"


def test_without_a_pin_or_a_comm_nothing_happens() -> None:
    """A closed widget has no comm, and another ipykernel's comm has no memory."""
    unpin(None)
    comm = SimpleNamespace(comm_id="x")
    unpin(comm)
    assert vars(comm) == {"comm_id": "x"}
