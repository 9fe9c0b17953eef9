"""The base of every view: shared traits, one writer of messages, a still form, exports."""

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from uuid import uuid4

import anywidget
import numpy as np
import traitlets

from warpviz.views.base import export, registry, static, wire
from warpviz.views.base.indices import Indices
from warpviz.views.base.pump import Patch, Pump, message

Provenance = Mapping[str, Any]
SHARED_TRAITS = ("k", "alpha", "theta", "layer", "space", "selection")


class View(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is skipped by mypy
    """A widget with shared traits, one writer thread, exports, and a form that needs no kernel.

    A subclass sets `entry` (a module in `static/` whose default export is anywidget's initialize
    and render), `title` (its heading), `stem` (the name of its files) and `span` (its width in
    columns of twelve). It implements `state`, `summary`, `to_table`, `to_figure` and `draw_svg`,
    and `receive` for messages of its own.

    It holds `lock` while it changes what `state` reads and calls `push`: then no change is in both
    the full state and a later patch.
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
    # trait name -> group id: the page links views with equal ids, without the kernel
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

    # ipywidgets sends through `open` and `_send` only; after both, replies must not go to the loop
    # that a running cell keeps busy.

    def open(self) -> None:
        """Open the comm."""
        super().open()
        unpin(self.comm)

    def _send(self, msg: Any, buffers: Any = None) -> None:
        super()._send(msg, buffers=buffers)
        unpin(self.comm)

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

    def draw_svg(self) -> str:
        """Return the view as SVG."""
        raise NotImplementedError

    def to_svg(self, path: Path | str | None = None) -> str:
        """Return the view as SVG with vector text, drawn without a browser; write it to `path`."""
        text = self.draw_svg()
        if path is not None:
            export.write_text(path, text)
        return text

    def summary(self) -> str:
        """Return the view in a sentence or two: for screen readers, and for saved notebooks."""
        raise NotImplementedError

    @property
    def ready(self) -> bool:
        """Whether there is something to draw."""
        return True

    def painted(self) -> None:
        """Called when a browser has painted a message: what it did not need may start now."""

    def settle(self, timeout_s: float) -> None:
        """Wait for a first picture, of which the still form is made; by default, for nothing."""

    def complete(self) -> None:
        """Wait until everything that a file of this view holds has been computed."""
        self.settle(export.PATIENCE_S)

    def push(
        self,
        *,
        data: Mapping[str, Any] | None = None,
        arrays: Mapping[str, wire.Array] | None = None,
        append: Mapping[str, wire.Array] | None = None,
        events: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Send a change to the browser at the next tick; any thread may, and it never blocks."""
        self._pump.put(
            Patch(data=data or {}, arrays=arrays or {}, append=append or {}, events=tuple(events))
        )

    @property
    def dropped(self) -> int:
        """How many changes were dropped for a slow browser, which then got the full state."""
        return self._pump.dropped

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from: model, checksum, seed, versions, and settings.

        The landmark settings of a run are the run's own.
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
        """Write one page that any browser shows, without a kernel or a network."""
        self.complete()
        return export.write_text(path, export.page([self], title=self.title, spans=[12]))

    def to_csv(self, path: Path | str) -> Path:
        """Write the table below `# ` and the provenance: `pandas.read_csv(path, skiprows=1)`."""
        self.complete()
        return export.write_csv(path, self.to_table(), self.provenance)

    def to_json(self, path: Path | str) -> Path:
        """Write {provenance, summary, rows} as JSON."""
        self.complete()
        return export.write_json(
            path, table=self.to_table(), provenance=self.provenance, summary=self.summary()
        )

    def to_png(self, path: Path | str, *, scale: float = 2.0) -> Path:
        """Write the plotly figure as a picture; kaleido must find a Chrome or Chromium."""
        return export.write_png(path, self.to_figure(), scale)

    def close(self) -> None:
        """Stop the writer thread and close the comm; may be called more than once."""
        if hasattr(self, "_pump"):
            self._pump.close()
            registry.forget(self.uid)
        super().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self, error: BaseException) -> None:
        """Show an error in the view: a notebook shows no exception of a callback or a thread."""
        self.notice = wire.clean(f"{type(error).__name__}: {error}")

    def _on_message(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        try:
            self._dispatch(content, buffers)
        except Exception as error:  # noqa: BLE001 -- a callback has no caller: the view shows it
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
        except Exception as error:  # noqa: BLE001 -- the writer must not end: the view shows it
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
    """Return a function that calls the view's method and does not keep the view alive."""
    reference = weakref.ref(view)

    def call(patch: Patch | None, seq: int) -> None:
        target = reference()
        if target is not None:
            getattr(target, name)(patch, seq)

    return call


def unpin(comm: Any) -> None:
    """Let the kernel answer a widget's messages while a cell runs; a closed comm (None) is left.

    ipykernel 7.4 remembers on a comm which loop last published there, and sends the browser's
    replies to that loop: for a widget made in a cell, to the main loop, which is busy until the
    cell ends. Without that memory the subshell counts that JupyterLab names in each message.
    """
    if comm is not None:
        vars(comm).pop("_reply_subshell_id", None)
