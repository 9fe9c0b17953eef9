"""The still forms of a cloud: words, table, plotly figure, SVG."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from warpviz.characters import for_plotly
from warpviz.drawing.colours import GREEN, INK, PURPLE, RAMP, ramp
from warpviz.drawing.svg import Svg
from warpviz.drawing.text import counted, plotly_title
from warpviz.views.base import export
from warpviz.views.base.data_source import DataSource
from warpviz.views.cloud.scene import CloudScene

WIDTH = 720
HEIGHT = 460
PAD = 46
DEEP = 3
MOST_DRAWN = 800
NAME_TALL = 13
NAME_WIDE = 130
# shapes that plotly has in three dimensions too, where there are few
MARKS = {"injected": (GREEN, "diamond-open"), "stream": (PURPLE, "square")}


class ShownCloud(Protocol):
    """What the still forms read of a KVCloud."""

    source: DataSource
    scene: CloudScene
    k: int
    layer: int
    space: str
    policy: str
    colour: str
    dims: int
    selection: Any

    @property
    def shown(self) -> str:
        """The projection on screen, "pca" or "umap"."""

    @property
    def coordinates(self) -> NDArray[np.float32]:
        """The points on screen, float32 [n, dims]."""

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers come from."""


def policies() -> tuple[str, ...]:
    """Return the landmark policies that can be chosen."""
    from warp_cortex import POLICIES

    return tuple(name for name in POLICIES if name != "all")


def summary(view: ShownCloud) -> str:
    """Return the cloud in a sentence or two."""
    source = view.source
    ranked = view.scene.ranked
    layer = "all layers" if view.layer < 0 else f"layer {view.layer}"
    model = source.facts.get("model", "a model")
    text = f"{source.num_tokens:,} tokens of {model}, placed by their {view.space}, {layer}."
    text += _added_in_words(source.all_kinds[source.num_tokens :])
    if ranked is None:
        return text
    k = min(view.k, len(ranked.order))
    radius = ranked.radii[k - 1]
    chosen = f"{counted(k, 'landmark')} chosen by {view.policy}"
    if np.isnan(radius):  # sinks alone
        return f"{text} {chosen}."
    return f"{text} {chosen} {'covers' if k == 1 else 'cover'} them within {radius:.4g}."


def _added_in_words(kinds: list[str]) -> str:
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    if not counts:
        return ""
    return f" Added points: {', '.join(f'{count:,} {kind}' for kind, count in counts.items())}."


def landmark_facts(view: ShownCloud) -> dict[str, NDArray[Any]]:
    """Return [n] each: rank (-1 none), whether a landmark, the nearest landmark, its distance."""
    scene = view.scene
    num = len(view.source.all_tokens)
    rank = np.full(num, -1)
    near = np.full(num, -1)
    far = np.full(num, np.nan)
    if scene.ranked is not None and scene.chains is not None:
        k = min(view.k, len(scene.ranked.order))
        rank[scene.ranked.order] = np.arange(len(scene.ranked.order))
        picks, distances = scene.chains.at(k)
        near[: len(picks)] = scene.ranked.order[picks]
        far[: len(picks)] = distances
    facts = {
        "rank": rank,
        "landmark": (rank >= 0) & (rank < view.k),
        "nearest_landmark": near,
        "distance": far,
    }
    return {name: values[scene.index] for name, values in facts.items()}


def table(view: ShownCloud) -> Any:
    """Return a DataFrame with a row per token drawn."""
    import pandas as pd

    scene = view.scene
    source = view.source
    tokens = source.all_tokens
    kinds = source.all_kinds
    received = np.full(len(tokens), np.nan)
    values = source.received()
    received[: len(values)] = values
    chosen = np.isin(scene.index, view.selection)
    axes = {name: view.coordinates[:, axis] for axis, name in enumerate("xyz"[: view.dims])}
    return pd.DataFrame(
        {
            "token": scene.index,
            "text": [tokens[token] for token in scene.index],
            "kind": [kinds[token] for token in scene.index],
            **axes,
            "received": received[scene.index],
            **landmark_facts(view),
            "selected": chosen,
        }
    )


def levels(view: ShownCloud) -> NDArray[np.float64]:
    """Return what the colour shows per token drawn, float64 [n] in [0, 1]."""
    frame = table(view)
    column = {
        "received": "received",
        "rank": "rank",
        "distance": "distance",
        "cell": "nearest_landmark",
    }
    values = frame[column.get(view.colour, "token")].to_numpy(dtype=float)
    if view.colour == "cluster":
        groups = view.scene.ranks["cluster"].astype(float)
        room = len(view.source.all_tokens) - len(groups)
        values = np.concatenate([groups, np.full(room, len(groups))])[view.scene.index]
    ranks = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    return np.asarray(ranks / max(len(ranks) - 1, 1))


def figure(view: ShownCloud) -> Any:
    """Return a plotly figure in two or three dimensions, landmarks as diamonds."""
    import plotly.graph_objects as go

    frame = table(view)
    kept = landmark_facts(view)["landmark"]
    texts = [for_plotly(text) for text in frame["text"]]
    made = go.Figure()
    level = levels(view)
    own = frame["kind"].isin(list(MARKS))
    scale = {"colorscale": list(RAMP), "cmin": 0, "cmax": 1}
    traces = [
        (
            "tokens",
            ~kept & ~own,
            {"size": 5, "opacity": 0.75, "color": level[~kept & ~own], **scale},
        ),
        (
            "landmarks",
            kept,
            {
                "size": 9,
                "symbol": "diamond",
                "line": {"width": 1, "color": INK},
                "color": level[kept],
                **scale,
            },
        ),
    ]
    for kind, (color, symbol) in MARKS.items():
        if (frame["kind"] == kind).any():
            traces.append(
                (kind, frame["kind"] == kind, {"size": 7, "symbol": symbol, "color": color})
            )
    for name, rows, look in traces:
        shared: dict[str, Any] = {
            "x": frame["x"][rows],
            "y": frame["y"][rows],
            "mode": "markers",
            "name": name,
            "marker": look,
            "text": [text for text, on in zip(texts, rows, strict=True) if on],
            "hovertemplate": "%{text}<extra></extra>",
        }
        made.add_trace(
            go.Scatter3d(z=frame["z"][rows], **shared)
            if view.dims == DEEP
            else go.Scatter(**shared)
        )
    made.update_layout(
        title=plotly_title(summary(view)),
        template="plotly_white",
        width=WIDTH,
        height=HEIGHT,
        legend_title_text="",
    )
    made.update_yaxes(scaleanchor="x")
    return made


def picture(view: ShownCloud) -> str:
    """Return the cloud as SVG; of more than MOST_DRAWN tokens the landmarks and an even choice."""
    scene = view.scene
    pen = Svg(WIDTH, HEIGHT, title=summary(view), metadata=export.dumps(view.provenance))
    if not len(scene.index):
        return pen.finish()
    kept = landmark_facts(view)["landmark"]
    level = levels(view)
    spots = _pixels(view.coordinates[:, :2])
    shown = np.linspace(0, len(kept) - 1, min(MOST_DRAWN, len(kept))).astype(int)
    kinds = [view.source.all_kinds[token] for token in scene.index]
    for row in np.setdiff1d(shown, np.flatnonzero(kept)):
        x, y = spots[row]
        if kinds[row] in MARKS:
            corners = _triangle(x, y) if kinds[row] == "injected" else _square(x, y)
            pen.path(corners, closed=True, fill=MARKS[kinds[row]][0])
        else:
            pen.circle(x, y, 2.6, fill=ramp(level[row]), fill_opacity=0.75)
    for row in np.flatnonzero(kept):
        x, y = spots[row]
        pen.circle(x, y, 2.6, fill=ramp(level[row]))  # hollow: what lies under it stays in sight
        corners = [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)]
        pen.path(corners, closed=True, stroke=INK, stroke_width=1.2)
    _names(pen, view, spots)
    pen.text(12, 20, f"KV cloud, colour: {view.colour}", font_weight=600, font_size=13)
    note = f"{summary(view)} {view.shown.upper()}."
    if len(shown) < len(kept):
        note += f" Showing {len(shown):,} of {view.source.num_tokens:,} tokens."
    pen.caption(12, HEIGHT - 10, note, width=WIDTH - 24)
    return pen.finish()


def _names(pen: Svg, view: ShownCloud, spots: list[tuple[float, float]]) -> None:
    """Write the name of every group above its points, where no other name stands."""
    scene = view.scene
    groups = scene.ranks.get("cluster", np.zeros(0, np.uint8))
    places = np.array(spots)
    taken: list[tuple[float, float]] = []
    for number, name in enumerate(scene.names):
        own = scene.index < len(groups)
        own[own] = groups[scene.index[own]] == number
        if not own.any():
            continue
        x = float(np.median(places[own, 0]))
        y = float(np.quantile(places[own, 1], 0.05)) - 8
        if all(abs(y - other) > NAME_TALL or abs(x - left) > NAME_WIDE for left, other in taken):
            taken.append((x, y))
            look = {"font_size": 11, "font_weight": 600, "text_anchor": "middle"}
            pen.text(x, y, name, **look)


def _triangle(x: float, y: float) -> list[tuple[float, float]]:
    return [(x, y - 4), (x + 4, y + 3), (x - 4, y + 3)]


def _square(x: float, y: float) -> list[tuple[float, float]]:
    return [(x - 3, y - 3), (x + 3, y - 3), (x + 3, y + 3), (x - 3, y + 3)]


def _pixels(coordinates: NDArray[np.float32]) -> list[tuple[float, float]]:
    low = coordinates.min(axis=0)
    high = coordinates.max(axis=0)
    span = np.maximum(high - low, 1e-9)
    scale = float(min((WIDTH - 2 * PAD) / span[0], (HEIGHT - 2 * PAD) / span[1]))
    middle = (low + high) / 2
    spots = (coordinates - middle) * (scale, -scale) + (WIDTH / 2, HEIGHT / 2)
    return [(float(x), float(y)) for x, y in spots]
