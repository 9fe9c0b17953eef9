"""Following: a view that fills itself from a running engine, and may pause, resume and stop it."""

from collections.abc import Mapping, Sequence
from typing import Any

from warp_cortex import Event, Trace

from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower
from warpviz.views.base.view import View

# a live page says so often what it has painted: each answer makes JupyterLab redraw its own toolbar
ACK_MS = 160
LIVE_WINDOW = 8  # messages that may be under way meanwhile
ENGINE_BUTTONS = ("stop", "pause", "resume")


def run_given(given: Any) -> Trace | EngineThread | None:
    """Return what a view of a run was given.

    Raises:
        TypeError: it is something else, a Cortex or a path for instance: the view would stay empty
        without a word.
    """
    if given is None or isinstance(given, (Trace, EngineThread)):
        return given
    msg = (
        f"expected a Trace, an EngineThread or None, got {type(given).__name__}; a Cortex holds its last run as "
        "`cortex.trace`, `warp_cortex.load_trace(path)` reads a saved one"
    )
    raise TypeError(msg)


class Following(View):
    """A view with a `take(events, status)` that a Follower calls; closing it stops nothing but its
    own updates.
    """

    run: EngineThread | None = None
    _follower: Follower | None = None
    _owns_follower = False

    def take(self, events: Sequence[Event], status: str = "") -> None:
        """Show more of the run. Safe from any thread."""
        raise NotImplementedError

    def attach(self, run: EngineThread, follower: Follower | None = None) -> None:
        """Follow a run, with a follower shared between views or one of this view's own."""
        self.run = run
        self._pump.window = LIVE_WINDOW
        self._owns_follower = follower is None
        self._follower = follower or Follower(run)
        self._follower.add(self._told)
        if self._owns_follower:
            self._follower.start()

    def _told(self, events: Sequence[Event], status: str) -> None:
        """Take what the follower tells; the view shows why it stands still from now on, should it
        not be able to.
        """
        try:
            self.take(events, status)
        except Exception as error:
            self.report(error)
            raise

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Do what the engine buttons ask; without an engine nothing happens."""
        del buffers
        if content.get("op") in ENGINE_BUTTONS and self.run is not None:
            getattr(self.run, str(content["op"]))()

    def close(self) -> None:
        """Stop following and close the view; the engine goes on."""
        if self._follower is not None:
            self._follower.remove(self._told)
            if self._owns_follower:
                self._follower.close()
        super().close()
