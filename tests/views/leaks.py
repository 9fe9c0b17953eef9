"""What a closed view must not leave: a thread that writes to it, an entry in the registry."""

import threading

from warpviz.views.base import registry
from warpviz.views.base.view import View


def num_pumps() -> int:
    """Return how many threads of this process write to a view."""
    return sum(thread.name == "warpviz-pump" for thread in threading.enumerate())


def live_views() -> list[View]:
    """Return the views that were not closed."""
    return list(registry._views.values())
