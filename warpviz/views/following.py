"""Following: a view that fills itself from a running engine, and may pause, resume and stop it."""

from collections.abc import Mapping, Sequence
from typing import Any

from warp_cortex import Event

from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower
from warpviz.views.view import View

ACK_MS = 160  # a live page says so often what it has painted: each answer makes JupyterLab redraw its own toolbar
LIVE_WINDOW = 8  # messages that may be under way meanwhile
ENGINE_BUTTONS = ("stop", "pause", "resume")


class Following(View):
    """A view with a `take(events, status)` that a Follower calls; closing it stops nothing but its own updates."""

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
        self._follower.add(self.take)
        if self._owns_follower:
            self._follower.start()

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Do what the engine buttons ask; without an engine nothing happens."""
        del buffers
        if content.get("op") in ENGINE_BUTTONS and self.run is not None:
            getattr(self.run, str(content["op"]))()

    def close(self) -> None:
        """Stop following and close the view; the engine goes on."""
        if self._follower is not None:
            self._follower.remove(self.take)
            if self._owns_follower:
                self._follower.close()
        super().close()
