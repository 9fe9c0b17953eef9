"""Links traits of views and lays views out on one grid.

A linked trait moves in the browser at once and in the kernel right after.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import ipywidgets

from warpviz.views.base import export
from warpviz.views.base.view import View

COLUMNS = 12


@contextmanager
def _quiet(view: View, name: str, value: Any) -> Iterator[None]:
    """Set a trait without a message to the browser, where the page has set it already.

    An echo would move a slider back that has moved on meanwhile.
    """
    to_json = view.trait_metadata(name, "to_json", view._trait_to_json)  # noqa: SLF001 -- as below
    with view._lock_property(**{name: to_json(value, view)}):  # noqa: SLF001 -- ipywidgets' own way
        yield


class Link:
    """A trait two views share. `unlink()` ends it."""

    def __init__(self, first: View, second: View, name: str) -> None:
        self.views = (first, second)
        self.name = name
        group = first.links.get(name) or second.links.get(name) or uuid4().hex[:12]
        for view in self.views:
            view.links = {**view.links, name: group}
        setattr(second, name, getattr(first, name))
        for view in self.views:
            view.observe(self._forward, name)

    def _forward(self, change: Any) -> None:
        source = change["owner"]
        target = self.views[1] if source is self.views[0] else self.views[0]
        if self.name in source._property_lock:  # noqa: SLF001 -- set while a browser's message is handled
            with _quiet(target, self.name, change["new"]):
                setattr(target, self.name, change["new"])
        else:
            setattr(target, self.name, change["new"])

    def unlink(self) -> None:
        """End the link: the second view leaves the group."""
        for view in self.views:
            view.unobserve(self._forward, self.name)
        second = self.views[1]
        second.links = {name: group for name, group in second.links.items() if name != self.name}


def link(first: View, second: View, *names: str) -> list[Link]:
    """Link traits of two views; the second view takes the first one's values.

    Raises:
        ValueError: a view has no such trait.
    """
    for name in names:
        for view in (first, second):
            if not view.has_trait(name):
                known = sorted(t for t in view.trait_names(sync=True) if not t.startswith("_"))
                msg = f"{type(view).__name__} has no trait {name!r}; it has {', '.join(known)}"
                raise ValueError(msg)
    return [Link(first, second, name) for name in names]


class Composition(ipywidgets.Box):  # type: ignore[misc]  # ipywidgets is untyped
    """Several linked views on one twelve-column grid (one column below 900 pixels)."""

    def __init__(
        self, views: Sequence[View], *, links: Sequence[Link], spans: Sequence[int], title: str
    ) -> None:
        self.views = tuple(views)
        self.links = tuple(links)
        self.spans = tuple(spans)
        self.title = title
        super().__init__(children=tuple(views))
        self.add_class("warpviz-grid")
        for view, span in zip(views, spans, strict=True):
            view.add_class(f"warpviz-span-{span}")

    def to_html(self, path: Path | str) -> Path:
        """Write all views into one self-contained page, linked as here."""
        for view in self.views:
            view.complete()
        return export.write_text(path, export.page(self.views, title=self.title, spans=self.spans))

    @property
    def selection(self) -> Any:
        """The selected tokens, int64 [n]; they can be set, in all views that link `selection`."""
        return self.views[0].selection

    @selection.setter
    def selection(self, tokens: Any) -> None:
        self.views[0].selection = tokens

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        html = export.stills(self.views)
        bundle = super()._repr_mimebundle_() or {}
        live, meta = bundle if isinstance(bundle, tuple) else (bundle, {})
        words = "\n".join(view.summary() for view in self.views)
        return {**live, "text/plain": words, "text/html": html}, meta

    def close(self) -> None:
        """Close every view and the box."""
        for view in getattr(self, "views", ()):
            view.close()
        super().close()

    def __getitem__(self, name: str) -> View:
        for view in self.views:
            if name in (view.stem, type(view).__name__):
                return view
        msg = f"no view {name!r}; there are {', '.join(view.stem for view in self.views)}"
        raise KeyError(msg)


def compose(
    views: Sequence[View],
    *,
    sync: Sequence[str] = (),
    spans: Sequence[int] | None = None,
    title: str = "warpviz",
) -> Composition:
    """Lay views out on a grid of twelve columns, and link the traits in `sync` between them.

    `spans` are the numbers of columns, one per view.

    Raises:
        ValueError: no views, a span outside 1..12, or an unknown trait.
    """
    if not views:
        msg = "compose needs at least one view, got none"
        raise ValueError(msg)
    widths = list(spans) if spans is not None else [view.span for view in views]
    if len(widths) != len(views) or any(not 1 <= width <= COLUMNS for width in widths):
        msg = f"spans must be {len(views)} whole numbers from 1 to {COLUMNS}, got {widths}"
        raise ValueError(msg)
    links = [made for other in views[1:] for made in link(views[0], other, *sync)]
    return Composition(views, links=links, spans=widths, title=title)
