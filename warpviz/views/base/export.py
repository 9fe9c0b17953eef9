"""Files of a view, with their provenance, and pages that need no kernel."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar, Protocol

from warpviz.characters import for_csv, for_markup
from warpviz.drawing.page import html_page
from warpviz.views.base import registry, static, wire
from warpviz.views.base.pump import Patch

KINDS = ("svg", "png", "html", "csv", "json")
MOST_BYTES = 64 * 2**20
STILL_BYTES = 150_000
SETTLE_S = 0.8  # a cell waits so long for a first picture
PATIENCE_S = 120.0  # a file waits so long for its computations
CRLF = "\r\n"
NO_CHROME = (
    "to_png draws with a Chrome or Chromium, and none could be started: install one (Debian: apt "
    "install chromium), or name it in BROWSER_PATH; to_svg needs none, and the view's PNG button "
    "uses your browser"
)
SETTINGS = (
    "k",
    "alpha",
    "theta",
    "layer",
    "space",
    "policy",
    "head",
    "projection",
    "dims",
    "metric",
    "n_neighbors",
    "min_dist",
    "complex",
    "max_dim",
    "scorer",
)
PACKAGES = ("warpviz", "torch", "transformers", "numpy", "gudhi", "umap-learn")


class Exportable(Protocol):
    """What a file or a page needs of a view."""

    entry: ClassVar[str]
    title: ClassVar[str]
    stem: ClassVar[str]
    span: ClassVar[int]
    export_dir: Path | None
    uid: str
    lock: Any
    selection: Any

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the numbers come from."""

    @property
    def ready(self) -> bool:
        """Whether there is something to draw."""

    def settle(self, timeout_s: float) -> None:
        """Wait for a first picture."""

    def state(self) -> Patch:
        """Return everything the browser needs."""

    def summary(self) -> str:
        """Return the view in words."""

    def to_svg(self) -> str:
        """Return the view as SVG."""

    def trait_names(self, *, sync: bool) -> Sequence[str]:
        """Return the names of the traits that the browser has."""


@cache
def versions() -> dict[str, str]:
    """Return the versions of the installed packages that compute the numbers."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def run_settings(config: Any) -> dict[str, Any]:
    """Return the landmark settings in a run's config; none if it has none."""
    synapse = config.get("synapse") if isinstance(config, Mapping) else None
    if not synapse:
        return {}
    return {name: synapse[name] for name in ("k", "alpha", "policy", "space") if name in synapse}


def dumps(value: Any) -> str:
    """Return JSON with sorted keys and no NaN: the same values give the same bytes."""
    return json.dumps(wire.clean(value), sort_keys=True, ensure_ascii=True, allow_nan=False)


def write_text(path: Path | str, text: str) -> Path:
    """Write UTF-8 text and return the path; lone surrogates become U+FFFD."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wire.clean(text), encoding="utf-8", newline="\n")
    return path


def write_csv(path: Path | str, table: Any, provenance: Mapping[str, Any]) -> Path:
    """Write a DataFrame below a comment line with the provenance as JSON; lines end in CRLF.

    Source: RFC 4180. Besides, pandas quotes a carriage return inside a cell, which every reader
    would take for the end of the row, only if lines end in CRLF.
    """
    rows = table.map(for_csv).to_csv(index=False, lineterminator=CRLF)
    return write_text(path, f"# {dumps(provenance)}{CRLF}{rows}")


def write_json(
    path: Path | str, *, table: Any, provenance: Mapping[str, Any], summary: str
) -> Path:
    """Write {provenance, summary, rows}, one row per line."""
    head = f'{{"provenance": {dumps(provenance)},\n"summary": {dumps(summary)},\n"rows": [\n'
    rows = ",\n".join(dumps(row) for row in table.to_dict("records"))
    return write_text(path, f"{head}{rows}\n]}}\n")


def write_png(path: Path | str, figure: Any, scale: float) -> Path:
    """Write a plotly figure as a picture, drawn by this machine's Chrome or Chromium, offline.

    Raises:
        RuntimeError: there is no such browser, or it did not start.
    """
    import kaleido
    from kaleido.errors import BrowserFailedError, ChromeNotFoundError

    # by default kaleido loads MathJax from a CDN
    try:
        picture = kaleido.calc_fig_sync(
            figure, opts={"format": "png", "scale": scale}, kopts={"mathjax": False}
        )
    except (ChromeNotFoundError, BrowserFailedError) as error:
        raise RuntimeError(NO_CHROME) from error
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture)
    return path


def free_path(folder: Path, stem: str, kind: str) -> Path:
    """Return `stem.kind` in a folder, numbered where the name is taken."""
    path = folder / f"{stem}.{kind}"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{stem}-{number}.{kind}"
    return path


def save_from_browser(view: Exportable, content: Mapping[str, Any], buffers: Sequence[Any]) -> Path:
    """Write what an export button asks for into the view's folder; the browser chooses no name.

    Raises:
        ValueError: the kind is unknown, or the picture is missing or too large.
    """
    kind = content.get("kind")
    if kind not in KINDS:
        msg = f"export kind {kind!r} is unknown; accepted: {', '.join(KINDS)}"
        raise ValueError(msg)
    path = free_path(view.export_dir or Path.cwd(), view.stem, kind)
    if kind in ("html", "csv", "json"):
        return Path(getattr(view, f"to_{kind}")(path))
    if len(buffers) != 1 or len(buffers[0]) > MOST_BYTES:
        msg = f"a {kind} export comes with one buffer of at most {MOST_BYTES} bytes"
        raise ValueError(msg)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(buffers[0]))
    return path


def attended() -> bool:
    """Return whether a notebook page sent the running cell: it gives an id, nbclient does not."""
    return registry.current_cell() is not None


def stills(views: Sequence[Exportable]) -> str:
    """Return the HTML of views for a notebook that is opened without a kernel.

    If a page is about to draw them, a view without a picture is not waited for.
    """
    waits = not attended()
    if waits:
        for view in views:
            view.settle(SETTLE_S)
    return "\n".join(still(view, picture=waits or view.ready) for view in views)


def still(view: Exportable, *, picture: bool = True) -> str:
    """Return a view's picture and caption as HTML that holds no script."""
    words = for_markup(view.summary())
    return f"<figure>{_drawing(view) if picture else ''}<figcaption>{words}</figcaption></figure>"


def _drawing(view: Exportable) -> str:
    try:
        picture = view.to_svg()
    except (NotImplementedError, ValueError):
        return ""
    return picture if len(picture) <= STILL_BYTES else ""


def snapshot(view: Exportable) -> dict[str, Any]:
    """Return everything a page needs to draw a view without a kernel."""
    foreign = ("layout", "tabbable", "tooltip", "comm")
    names = [
        name
        for name in view.trait_names(sync=True)
        if not name.startswith("_") and name not in foreign
    ]
    traits = {name: getattr(view, name) for name in names} | {"selection": view.selection.tolist()}
    with view.lock:
        state = view.state()
        events = list(state.events)
    facts = {
        "title": view.title,
        "stem": view.stem,
        "span": view.span,
        "provenance": view.provenance,
    }
    return {
        **facts,
        "kind": type(view).__name__,
        "traits": traits,
        "data": state.data,
        "events": events,
        "arrays": wire.pack_text(state.arrays),
        "summary": view.summary(),
    }


def page(views: Sequence[Exportable], *, title: str, spans: Sequence[int] | None = None) -> str:
    """Return one HTML page with all views, by the same scripts as in the notebook."""
    shots = [snapshot(view) for view in views]
    for shot, span in zip(shots, spans or [view.span for view in views], strict=True):
        shot["span"] = span
    entries = {shot["kind"]: view.entry for shot, view in zip(shots, views, strict=True)}
    return html_page(
        title=title,
        style=static.sheet(),
        body='<main id="warpviz-root" class="warpviz-grid"></main>',
        body_class="warpviz-page",
        data=dumps({"title": title, "views": shots}),
        script=static.page(entries),
    )
