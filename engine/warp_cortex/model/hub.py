"""The model hub: whether it answers, and what to do where it does not."""

import socket
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE

HTTPS = 443
CONNECT_TIMEOUT_S = 3.0


def hub_answers() -> bool:
    """Return whether the hub answers; its own client retries for half a minute if it does not."""
    if HF_HUB_OFFLINE:
        return False
    if getproxies():  # the hub may be reachable through the proxy only
        return True
    address = urlsplit(ENDPOINT)
    try:
        socket.create_connection(
            (address.hostname or "", address.port or HTTPS), CONNECT_TIMEOUT_S
        ).close()
    except OSError:
        return False
    return True


def explain_absence(name: str) -> str:
    """Return the line for a hub model that is neither on this machine nor reachable."""
    offline = " (HF_HUB_OFFLINE is set)" if HF_HUB_OFFLINE else ""
    return (
        f"model {name!r} is not on this machine and the hub cannot be reached{offline}; "
        f"download it where there is a network (hf download {name}), "
        "or use the bundled model: village"
    )
