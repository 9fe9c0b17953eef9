"""A view that follows a running engine, and whose buttons pause, resume and stop it."""

from collections.abc import Mapping, Sequence
from typing import Any

from warp_cortex import Event, Trace

from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower
from warpviz.views.base.kept_still import KeptStill, display_twice
from warpviz.views.base.view import View

ACK_MS = 160  # between two acknowledgements of a live page: JupyterLab redraws its toolbar at each
LIVE_WINDOW = 8  # messages that may be unacknowledged meanwhile
OVER = frozenset({"done", "stopped", "failed"})
ENGINE_BUTTONS = ("stop", "pause", "resume")


def run_given(given: Any) -> Trace | EngineThread | None:
    """Return `given` if a view of a run can show it.

    Raises:
        TypeError: it is something else, for instance a Cortex or a path.
    """
    if given is None or isinstance(given, (Trace, EngineThread)):
        return given
    msg = (
        f"expected a Trace, an EngineThread or None, got {type(given).__name__}; a Cortex holds "
        "its last run as `cortex.trace`, `warp_cortex.load_trace(path)` reads a saved one"
    )
    raise TypeError(msg)


class Following(View):
    """A view with a `take(events, status)` that a Follower calls; the run outlives the view."""

    run: EngineThread | None = None
    _follower: Follower | None = None
    _owns_follower = False
    _still: KeptStill | None = None

    def take(self, events: Sequence[Event], status: str = "") -> None:
        """Show more of the run; `status` is the engine's. Any thread may call it."""
        raise NotImplementedError

    def attach(self, run: EngineThread, follower: Follower | None = None) -> None:
        """Follow a run, through a follower that several views share or through one of its own."""
        self.run = run
        self._pump.window = LIVE_WINDOW
        self._owns_follower = follower is None
        self._follower = follower or Follower(run)
        self._follower.add(self._take_or_report)
        if self._owns_follower:
            self._follower.start()

    def _take_or_report(self, events: Sequence[Event], status: str) -> None:
        """Take events; the view shows the error after which the follower drops it."""
        try:
            self.take(events, status)
            if status in OVER and self._still is not None:
                self._still.replace()
        except Exception as error:
            self.report(error)
            raise

    def _ipython_display_(self) -> None:
        """Show the view, and while its run goes on below it a picture that is replaced at the end.

        Raises:
            NotImplementedError: the run has ended, or this is no notebook: see
                `_repr_mimebundle_`.
        """
        if self.run is None or self.run.status in OVER:
            raise NotImplementedError
        self._still = KeptStill([self])
        display_twice(lambda: super(View, self)._repr_mimebundle_(), self._still, title=self.title)

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Do what an engine button asks, if there is an engine."""
        del buffers
        if content.get("op") in ENGINE_BUTTONS and self.run is not None:
            getattr(self.run, str(content["op"]))()

    def close(self) -> None:
        """Stop following the run, which goes on, and close the view."""
        if self._follower is not None:
            self._follower.remove(self._take_or_report)
            if self._owns_follower:
                self._follower.close()
        super().close()
