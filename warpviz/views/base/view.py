"""View: what every widget here is: shared traits, one writer, a static form, exports, and a clean
end.
"""

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from warpviz.views.base import export, registry, static, subshell, wire
from warpviz.views.base.indices import Indices
from warpviz.views.base.pump import Patch, Pump, message

Provenance = Mapping[str, Any]
SHARED_TRAITS = ("k", "alpha", "theta", "layer", "space", "selection")


class View(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is skipped by mypy
    """A widget with one writer thread, the shared traits, exports, and a form that needs no kernel.

    Subclasses set `entry` (a module in `static/` whose default export is anywidget's initialize and
    render), `title`, `stem`, and implement `state`, `to_figure`, `to_table`, `to_svg` and `summary`;
    `receive` handles their own messages.

    Change your own model and call `push` under `self.lock`: then a full state never counts a change
    twice.
    """

    entry: ClassVar[str]
    title: ClassVar[str] = "View"
    stem: ClassVar[str] = "view"
    span: ClassVar[int] = 12
    rate_hz: ClassVar[float] = 20.0

    uid = traitlets.Unicode().tag(sync=True)
    k = traitlets.Int(64, min=1).tag(sync=True)
    alpha = traitlets.Float(0.3).tag(sync=True)
    theta = traitlets.Float(0.5).tag(sync=True)
    layer = traitlets.Int(-1).tag(sync=True)  # -1: all layers together
    space = traitlets.Unicode("keys").tag(sync=True)
    selection = Indices()
    # trait name -> group id; the page links equal ids without the kernel
    links = traitlets.Dict().tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)  # an error or a remark, shown in the view

    def __init__(
        self,
        *,
        provenance: Provenance | None = None,
        export_dir: Path | str | None = None,
        **traits: Any,
    ) -> None:
        self.lock = threading.RLock()
        self._facts = dict(provenance or {})
        self.export_dir = Path(export_dir) if export_dir is not None else None
        self._pump = Pump(_weak(self, "_deliver"), rate_hz=self.rate_hz)
        texts = {"_esm": static.module(self.entry), "_css": static.sheet()}
        super().__init__(uid=uuid4().hex[:12], **texts, **traits)
        self._finalizer = weakref.finalize(self, self._pump.close, 0.0)
        self.on_msg(self._on_message)
        registry.adopt(self, registry.current_cell())

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)

    # --- ipywidgets' two doors to the browser; through both, answers must find the way past a busy
    # cell -------------

    def open(self) -> None:
        """Open the comm."""
        super().open()
        subshell.unpin(self.comm)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        super()._send(msg, buffers=buffers)
        subshell.unpin(self.comm)

    # --- for subclasses
    # -------------------------------------------------------------------------------------------

    def state(self) -> Patch:
        """Return everything the browser needs to draw this view from nothing."""
        raise NotImplementedError

    def receive(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        """Handle a message of this view's own; `content["op"]` names it."""

    def to_figure(self) -> Any:
        """Return the view as a plotly figure."""
        raise NotImplementedError

    def to_table(self) -> Any:
        """Return what is shown as a pandas DataFrame."""
        raise NotImplementedError

    def to_svg(self, path: Path | str | None = None) -> str:
        """Return (and write, given a path) the view as SVG with vector text, drawn without a
        browser.
        """
        raise NotImplementedError

    def summary(self) -> str:
        """Return the view in a sentence or two, for those who do not see it and for saved
        notebooks.
        """
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether there is something to draw yet."""
        return True

    def painted(self) -> None:
        """A browser has painted a message of this view; subclasses start here what the first
        picture does not need.
        """

    def settle(self, timeout_s: float) -> None:
        """Wait for a first picture, before the static form is made; the default has nothing to wait
        for.
        """

    def complete(self) -> None:
        """Wait until what a file of this view holds has been computed."""
        self.settle(export.PATIENCE_S)

    # --- for everyone
    # ---------------------------------------------------------------------------------------------

    def push(
        self,
        *,
        data: Mapping[str, Any] | None = None,
        arrays: Mapping[str, wire.Array] | None = None,
        append: Mapping[str, wire.Array] | None = None,
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Send a change to the browser at the next tick, from any thread, without blocking."""
        self._pump.put(
            Patch(data=data or {}, arrays=arrays or {}, append=append or {}, events=tuple(events))
        )

    @property
    def dropped(self) -> int:
        """How many changes were dropped because the browser could not keep up (a full state
        followed).
        """
        return self._pump.dropped

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from: model, checksum, settings, seed, versions; a run's own
        settings for a run.
        """
        known = {name: getattr(self, name) for name in export.SETTINGS if self.has_trait(name)}
        own = export.run_settings(self._facts.get("config"))
        return {
            "view": type(self).__name__,
            **self._facts,
            **known,
            **own,
            "versions": export.versions(),
        }

    def to_html(self, path: Path | str) -> Path:
        """Write a self-contained page that draws, selects and links in any browser, without a
        kernel.
        """
        self.complete()
        return export.write_text(path, export.page([self], title=self.title, spans=[12]))

    def to_csv(self, path: Path | str) -> Path:
        """Write the table; its first line is `# ` and the provenance as JSON
        (`pandas.read_csv(path, skiprows=1)`).
        """
        self.complete()
        return export.write_csv(path, self.to_table(), self.provenance)

    def to_json(self, path: Path | str) -> Path:
        """Write {provenance, summary, rows}."""
        self.complete()
        return export.write_json(
            path, table=self.to_table(), provenance=self.provenance, summary=self.summary()
        )

    def to_png(self, path: Path | str, *, scale: float = 2.0) -> Path:
        """Write the plotly form as a picture; needs a Chromium that kaleido finds."""
        return export.write_png(path, self.to_figure(), scale)

    def close(self) -> None:
        """Stop the writer, join it, close the comm. Safe to call twice."""
        if hasattr(self, "_pump"):
            self._pump.close()
            registry.forget(self.uid)
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self, error: BaseException) -> None:
        """Show an error in the view: in a notebook, an exception in a callback appears nowhere
        else.
        """
        self.notice = wire.clean(f"{type(error).__name__}: {error}")

    def _on_message(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        try:
            self._dispatch(content, buffers)
        except Exception as error:
            self.report(error)

    def _dispatch(self, content: Mapping[str, Any], buffers: Sequence[Any]) -> None:
        op = content.get("op")
        if op in ("ready", "resync"):
            self._pump.resync()
        elif op == "ack":
            self._pump.ack(int(content["seq"]))
            self.painted()
        elif op == "export":
            path = export.save_from_browser(self, content, buffers)
            self.send({"op": "saved", "path": str(path)})
        else:
            self.receive(content, buffers)

    def _deliver(self, patch: Patch | None, seq: int) -> None:
        try:
            op = "patch"
            if patch is None:
                op = "state"
                patch = self._full()
            self.send(*message(op, patch, seq))
        except Exception as error:
            self.report(error)

    def _full(self) -> Patch:
        with self.lock:
            self._pump.take()
            state = self.state()
        traits = {name: np.asarray(getattr(self, name)).tolist() for name in SHARED_TRAITS}
        return Patch(data={**state.data, "traits": traits}, arrays=state.arrays)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        html = export.stills([self])
        live, meta = super()._repr_mimebundle_() or ({}, {})
        return {**live, "text/plain": self.summary(), "text/html": html}, meta


def _weak(view: View, name: str) -> Callable[[Patch | None, int], None]:
    """Return a call of the view's method that does not keep the view alive."""
    reference = weakref.ref(view)

    def call(patch: Patch | None, seq: int) -> None:
        target = reference()
        if target is not None:
            getattr(target, name)(patch, seq)

    return call
