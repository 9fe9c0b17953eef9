"""Imported by every Python that the browser tests start: refuses, and writes down, connections off
this machine.
"""

import os
import sys
from pathlib import Path
from typing import Any


def foreign_host(event: str, args: tuple[Any, ...]) -> str | None:
    """Return the host that a socket event would reach off this machine, or None; local sockets have
    a path.
    """
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return None
    local = host in {None, "", "localhost", "::1", "::"} or str(host).startswith(
        ("127.", "0.0.0.0")  # noqa: S104 - compared, not bound to
    )
    return None if local else str(host)


def refuse(event: str, args: tuple[Any, ...]) -> None:
    """Raise on a connection or a name look-up that leaves the machine."""
    host = foreign_host(event, args)
    if host is None:
        return
    with Path(os.environ["WARPVIZ_NETWORK_LOG"]).open("a", encoding="utf-8") as file:
        file.write(f"{event} {host}\n")
    msg = f"the browser tests are offline: {event} to {host!r} refused"
    raise ConnectionRefusedError(msg)


sys.addaudithook(refuse)
