"""The picture that a notebook keeps of a view that is still changing: replaced once it is done.

A cell's own output is what it was when the cell began, and a front end without the kernel has
nothing else to show. So the picture is an output of its own, below the view. A page that draws the
view hides it by the uids that it carries; a saved notebook, nbviewer or a printed page shows it.
JupyterLab without a kernel that knows the view hides the message that it writes in the view's
place.
"""

from collections.abc import Callable, Sequence
from typing import Any

from warpviz.characters import for_markup
from warpviz.views.base import export, registry
from warpviz.views.base.export import Exportable

# JupyterLab's output before the picture, unless a view is drawn in it.
NO_VIEW = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .warpviz-still)"
    ":not(:has(section.warpviz)) { display: none; }</style>"
)


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
