"""The front-end files in `warpviz/static`, joined without a bundler."""

from functools import cache
from importlib import resources

SHARED = (
    "base/wire.js",
    "base/theme.js",
    "base/text.js",
    "base/store.js",
    "base/pen.js",
    "base/plot.js",
    "base/controls.js",
    "base/export.js",
    "base/frame.js",
)
SHEETS = ("base/theme.css", "run/live.css")


@cache
def source(name: str) -> str:
    """Return the text of one file in `warpviz/static`."""
    return (resources.files("warpviz") / "static" / name).read_text(encoding="utf-8")


@cache
def shared() -> str:
    """Return the shared scripts, joined."""
    return "\n".join(source(name) for name in SHARED)


@cache
def module(names: tuple[str, ...]) -> str:
    """Return the ESM of a view: the shared scripts, then its own, of which one defines
    `mount(frame, store)`.
    """
    return "\n".join(
        [shared(), *(source(name) for name in names), "export default widget(mount);", ""]
    )


@cache
def sheet() -> str:
    """Return the style sheet of every view."""
    return "\n".join(source(name) for name in SHEETS)


def scoped(kind: str, names: tuple[str, ...]) -> str:
    """Return a view's own scripts in a scope of their own, registered under its kind, for a page of
    many views.
    """
    return "\n".join(
        [
            "(() => {",
            *(source(name) for name in names),
            f'PAGE_VIEWS["{kind}"] = widget(mount);',
            "})();",
        ]
    )
