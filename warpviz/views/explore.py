"""explore: a context's cloud, text and persistence, linked."""

from difflib import get_close_matches
from pathlib import Path
from typing import Any

from warpviz.views.base.data_source import SKIP, DataSource, source_of
from warpviz.views.base.view import View
from warpviz.views.cloud.view import KVCloud
from warpviz.views.compose import Composition, compose
from warpviz.views.persistence.comparison_model import LEAST_TOKENS
from warpviz.views.persistence.view import PersistenceCompare
from warpviz.views.text.view import Note, TokenText, notes_of

SHARED = ("k", "alpha", "layer", "space", "policy")
SYNC = (*SHARED, "selection")
OWN: dict[type[View], tuple[str, ...]] = {
    KVCloud: ("head", "projection", "dims", "colour", "cover", "metric", "n_neighbors", "min_dist"),
    TokenText: ("tint",),
    PersistenceCompare: (
        "complex",
        "dim",
        "axes",
        "panel",
        "max_dim",
        "max_points",
        "num_null",
        "store",
    ),
}
DEFAULT_K = 64


def explore(
    given: Any,
    text: str | None = None,
    *,
    seed: int = 0,
    notes: list[Note] | None = None,
    export_dir: Path | str | None = None,
    **settings: Any,
) -> Composition:
    """Return the linked dashboard of a context.

    `given` is a Prism or a Cortex, with a `text` to read; or, without a text, a Cortex that has
    run, a Context, a DataSource or an array [T, P]. `settings` are traits of the views (k, alpha,
    layer, space, policy, colour, projection, dims, dim, tint, ...) and `max_dim`, `max_points`,
    `num_null`, `store` of the persistence.

    Raises:
        ValueError: no view has a setting, k is out of range, or the text is empty.
        TypeError: `given` is none of the above, or a Prism came without a text.
    """
    _check(settings)
    source, found = _source(given, text, seed)
    shared = {name: settings[name] for name in SHARED if name in settings}
    if "k" in settings and not 1 <= settings["k"] <= source.num_tokens:
        span = f"between 1 and {source.num_tokens}, the number of tokens"
        msg = f"k must be {span}, got {settings['k']!r}"
        raise ValueError(msg)
    shared.setdefault("k", min(DEFAULT_K, source.num_tokens))

    def own(view: type[View]) -> dict[str, Any]:
        picked = {name: settings[name] for name in OWN[view] if name in settings}
        return {"seed": seed, "export_dir": export_dir, **shared, **picked}

    views: list[View] = [
        KVCloud(source, **own(KVCloud)),
        TokenText(source, notes=notes or found, **own(TokenText)),
    ]
    if source.num_tokens >= SKIP + LEAST_TOKENS:
        views.append(PersistenceCompare(source, **own(PersistenceCompare)))
    return compose(
        views,
        sync=SYNC,
        title=f"{source.num_tokens:,} tokens of {source.facts.get('model', 'points')}",
    )


def _check(settings: dict[str, Any]) -> None:
    known = [*SHARED, *(name for names in OWN.values() for name in names)]
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            msg = f"explore has no setting {name!r}; accepted: {', '.join(sorted(known))}{hint}"
            raise ValueError(msg)


def _source(given: Any, text: str | None, seed: int) -> tuple[DataSource, list[Note]]:
    """Return what to show, and the notes that come with it."""
    if text is not None:
        prism = getattr(given, "prism", given)
        if not hasattr(prism, "read"):
            msg = f"a text needs a Prism or a Cortex to read it, got {type(given).__name__}"
            raise TypeError(msg)
        return source_of(prism.read(text), seed=seed), []
    if hasattr(given, "read") and hasattr(given, "spec"):
        msg = "a Prism needs a text to read: explore(prism, text)"
        raise TypeError(msg)
    return source_of(given, seed=seed), notes_of(given)
