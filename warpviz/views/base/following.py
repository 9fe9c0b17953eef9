"""A view that follows a running engine, and whose buttons pause, resume and stop it.

What a cell has put out is what it was when the cell began, and a front end without the kernel has
nothing else to show. So a notebook keeps the picture of a live view as an output of its own, which
is replaced when the run has ended. A page that draws the view hides it by the uids that it carries;
a saved notebook, nbviewer or a printed page shows it. JupyterLab without a kernel that knows the
view hides the message that it writes in the view's place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from warp_cortex import Event, Trace

from warpviz.characters import for_markup
from warpviz.live.engine_thread import EngineThread
from warpviz.live.follower import Follower
from warpviz.views.base import export, registry
from warpviz.views.base.export import Exportable
from warpviz.views.base.view import View

ACK_MS = 160  # between two acknowledgements of a live page: JupyterLab redraws its toolbar at each
LIVE_WINDOW = 8  # messages that may be unacknowledged meanwhile
OVER = frozenset({"done", "stopped", "failed"})
# JupyterLab's output before the picture, unless a view is drawn in it.
NO_VIEW = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .warpviz-still)"
    ":not(:has(section.warpviz)) { display: none; }</style>"
)
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


class KeptStill:
    """The still form of views in a notebook's output; any thread may replace it."""

    def __init__(self, views: Sequence[Exportable]) -> None:
        self._views = tuple(views)
        self._handle: Any = None

    def show(self) -> None:
        """Put the picture of this moment below what the cell has shown so far."""
        from IPython.display import DisplayHandle

        self._handle = DisplayHandle()
        self._handle.display(self._bundle(), raw=True)

    def replace(self) -> None:
        """Put the picture of this moment in place of the earlier one."""
        if self._handle is not None:
            self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        uids = for_markup(" ".join(view.uid for view in self._views))
        pictures = "\n".join(export.still(view) for view in self._views)
        words = "\n".join(view.summary() for view in self._views)
        head = f'<div class="warpviz-still" data-still="{uids}">'
        return {"text/html": f"{head}{NO_VIEW}{pictures}</div>", "text/plain": words}


def display_twice(bundle: Callable[[], Any], still: KeptStill, *, title: str) -> None:
    """Display a live view, then its still form, as two outputs of the running cell.

    bundle: returns the view's mime bundle, of which the widget alone is used.

    Raises:
        NotImplementedError: no kernel of a notebook runs this; IPython then displays the view in
            its usual way.
    """
    if not registry.in_kernel():
        raise NotImplementedError
    from IPython.display import display

    made = bundle() or {}
    live, meta = made if isinstance(made, tuple) else (made, {})
    words = {"text/plain": f"{title}: its picture is the next output"}
    display({**live, **words}, raw=True, metadata=meta)
    still.show()


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
