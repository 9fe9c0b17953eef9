"""watch: runs a cortex and shows it in a LiveRun, a GateTuner, a CouncilMonitor and a KVCloud."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ipywidgets import Box
from warp_cortex import Event

from warpviz.live.engine_thread import STOP_TIMEOUT_S, EngineThread
from warpviz.live.entries import EntryTap
from warpviz.live.follower import Follower
from warpviz.live.regate import Labels
from warpviz.views.base.added_points import AddedPoints, Placer
from warpviz.views.base.following import OVER, KeptStill, display_twice
from warpviz.views.compose import COLUMNS, Composition, link
from warpviz.views.council.view import CouncilMonitor
from warpviz.views.gate.view import GateTuner
from warpviz.views.run.view import LiveRun

if TYPE_CHECKING:
    from warpviz.views.cloud.view import KVCloud

GROW_S = 0.4  # the cloud gets new points this often, all at once
ENDED = frozenset({"done", "stopped"})


class Watch(Composition):
    """A run in its own thread and the views that follow it.

    `live`, `gate` and `council` are the views. `cloud` is a KVCloud of the prompt, to which the
    River's tokens, streams' entries and accepted thoughts are added; None until the prompt was
    read, or with cloud=False. `stop()` ends the run at its next step, `wait()` waits for its end,
    `close()`, or the end of a `with` block, ends the run, its threads and the views.
    """

    def __init__(self, run: EngineThread, *, labels: Labels | None, cloud: bool) -> None:
        self.run = run
        self.live = LiveRun()
        self.gate = GateTuner(labels=labels)
        self.council = CouncilMonitor()
        self.cloud: KVCloud | None = None
        self._tap = EntryTap(run.cortex) if cloud and hasattr(run.cortex, "own_entries") else None
        self._grown_at = 0.0
        self._still: KeptStill | None = None
        if self._tap is not None:
            run.taps.append(self._tap)
        views: list[LiveRun | GateTuner | CouncilMonitor] = [self.live, self.gate, self.council]
        self.follower = Follower(run)
        for view in views:
            view.attach(run, self.follower)
        links = link(self.gate, self.live, "theta")  # theta is the engine's, which the gate has
        super().__init__(views, links=links, spans=[view.span for view in views], title="watch")
        self.follower.add(self._grow)
        self.follower.add(self._finish)

    def stop(self) -> None:
        """End the run at its next step; return at once."""
        self.run.stop()

    def pause(self) -> None:
        """Hold the run before its next step."""
        self.run.pause()

    def resume(self) -> None:
        """Continue a paused run."""
        self.run.resume()

    def wait(self, timeout_s: float | None = None) -> "Watch":
        """Wait until the run has ended and the views have all of it.

        Raises:
            TimeoutError: that was not so within `timeout_s` seconds.
        """
        if not self.run.join(timeout_s) or not self.follower.join(timeout_s):
            msg = f"the run {self.run.name!r} has not ended after {timeout_s} s"
            raise TimeoutError(msg)
        return self

    def summary(self) -> str:
        """Return the run, its gate and its memory in words."""
        return "\n".join(view.summary() for view in self.views)

    @property
    def trace(self) -> Any:
        """The run's trace so far."""
        return self.run.trace

    def close(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the run, join its threads, close the views; may be called more than once."""
        if hasattr(self, "run"):
            self.run.close(timeout_s)
            self.follower.close()
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _ipython_display_(self) -> None:
        """Show the dashboard, and below it a picture that is replaced when the run has ended.

        Raises:
            NotImplementedError: it has ended, or this is no notebook: see `_repr_mimebundle_`.
        """
        if self.run.status in OVER:
            raise NotImplementedError
        self._still = KeptStill([self.live, self.gate, self.council])
        display_twice(lambda: Box._repr_mimebundle_(self), self._still, title=self.title)

    def _finish(self, events: Sequence[Event], status: str) -> None:
        """Keep the finished picture in the notebook; the views have all of the run by now."""
        del events
        if status in OVER and self._still is not None:
            self._still.replace()

    def _grow(self, events: Sequence[Event], status: str) -> None:
        """Open the cloud once the prompt was read, then add what the caches have taken in since."""
        del events
        if status in ENDED and self.run.tap_error is not None:
            self.live.report(self.run.tap_error)  # the cloud keeps what it has
        if self._tap is None or self._tap.base is None:
            return
        now = time.monotonic()
        if self.cloud is None:
            self._open_cloud(self._tap)
        elif now - self._grown_at >= GROW_S or status != "running":
            self._grown_at = now
            self.cloud.add_points(
                [
                    AddedPoints(
                        tokens=found.tokens,
                        kinds=(found.kind,) * len(found.tokens),
                        about=(found.about,) * len(found.tokens),
                        vectors=self._placer.vectors(found.held),
                    )
                    for found in self._tap.take()
                ]
            )

    def _open_cloud(self, tap: EntryTap) -> None:
        from warpviz.views.base.data_source import source_of
        from warpviz.views.cloud.view import KVCloud

        try:
            source = source_of(tap.base)
            source.kinds = ["prompt"] * source.num_tokens
            # a UMAP would take the engine's time, and move every point once
            self.cloud = KVCloud(source, theta=self.gate.theta, colour="kind", projection="pca")
        except (TypeError, ValueError) as error:  # a cache too short to draw
            self._tap = None
            self.live.notice = f"no cloud of this run: {error}"
            return
        self._placer = Placer(tap.base)
        self.views = (*self.views, self.cloud)
        self.spans = (*self.spans, COLUMNS)
        self.children = self.views


def watch(
    cortex: Any,
    prompt: str,
    *,
    labels: Labels | None = None,
    cloud: bool = True,
    name: str = "watch",
) -> Watch:
    """Run `cortex` on `prompt` in its own thread and return the dashboard that shows it.

    Running the same cell again, or another watch of the same `name`, stops the earlier run.
    `labels` say which thoughts are good, for the gate's precision and recall.
    """
    run = EngineThread(cortex, prompt, name=name)
    dashboard = Watch(run, labels=labels, cloud=cloud)
    run.start()
    dashboard.follower.start()
    return dashboard
