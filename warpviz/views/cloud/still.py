"""The still forms of a KVCloud: words, table, plotly figure, SVG."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from warpviz.characters import for_plotly
from warpviz.drawing.colours import GREEN, INK, PURPLE, RAMP, ramp
from warpviz.drawing.svg import Svg
from warpviz.drawing.text import counted, plotly_title
from warpviz.views.base import export

if TYPE_CHECKING:
    from warpviz.views.cloud.view import KVCloud

WIDTH = 720
HEIGHT = 460
PAD = 46
MOST_DRAWN = 800
# 3-D knows few shapes
MARKS = {"injected": (GREEN, "diamond-open"), "stream": (PURPLE, "square")}


def policies() -> tuple[str, ...]:
    """Return the landmark policies that can be chosen."""
    from warp_cortex import POLICIES

    return tuple(name for name in POLICIES if name != "all")


def summary(view: "KVCloud") -> str:
    """Return the cloud in a sentence or two."""
    source = view.source
    ranked = view.scene.ranked
    layer = "all layers" if view.layer < 0 else f"layer {view.layer}"
    text = f"{source.num_tokens:,} tokens of {source.facts.get('model', 'a model')} by their {view.space}, {layer}."
    text += beside(source.all_kinds[source.num_tokens :])
    if ranked is None:
        return text
    k = min(view.k, len(ranked.order))
    cover = "covers" if k == 1 else "cover"
    return f"{text} {counted(k, 'landmark')} chosen by {view.policy} {cover} them within {ranked.radii[k - 1]:.4g}."


def beside(kinds: list[str]) -> str:
    """Return in words how many entries of which kind lie beside the text."""
    counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    return (
        f" Beside it {', '.join(f'{count:,} {kind}' for kind, count in counts.items())}."
        if counts
        else ""
    )


def landmark_facts(view: "KVCloud") -> dict[str, NDArray[Any]]:
    """Return per token drawn: rank (-1 none), whether a landmark, its nearest landmark and the
    distance to it.
    """
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


def table(view: "KVCloud") -> Any:
    """Return a DataFrame, one row per token drawn: token, text, kind, coordinates, attention,
    landmark facts.
    """
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


def levels(view: "KVCloud") -> NDArray[np.float64]:
    """Return what the colour shows, in [0, 1], per token drawn."""
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


def figure(view: "KVCloud") -> Any:
    """Return a plotly figure, 2-D or 3-D, landmarks as diamonds."""
    import plotly.graph_objects as go

    view.wait()
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
        title=plotly_title(view.summary()),
        template="plotly_white",
        width=WIDTH,
        height=HEIGHT,
        legend_title_text="",
    )
    made.update_yaxes(scaleanchor="x")
    return made


DEEP = 3


def svg_still(view: "KVCloud") -> str:
    """Return the SVG text of the cloud; beyond 800 tokens an even choice of them, all landmarks,
    and a note.
    """
    scene = view.scene
    picture = Svg(WIDTH, HEIGHT, title=view.summary(), metadata=export.dumps(view.provenance))
    if not len(scene.index):
        return picture.finish()
    kept = landmark_facts(view)["landmark"]
    level = levels(view)
    spots = _pixels(view.coordinates[:, :2])
    shown = np.linspace(0, len(kept) - 1, min(MOST_DRAWN, len(kept))).astype(int)
    kinds = [view.source.all_kinds[token] for token in scene.index]
    for row in np.setdiff1d(shown, np.flatnonzero(kept)):
        x, y = spots[row]
        if kinds[row] in MARKS:
            corners = (
                [(x, y - 4), (x + 4, y + 3), (x - 4, y + 3)]
                if kinds[row] == "injected"
                else _square(x, y)
            )
            picture.path(corners, closed=True, fill=MARKS[kinds[row]][0])
        else:
            picture.circle(x, y, 2.6, fill=ramp(level[row]), fill_opacity=0.75)
    for row in np.flatnonzero(kept):
        x, y = spots[row]
        corners = [(x, y - 6), (x + 6, y), (x, y + 6), (x - 6, y)]
        picture.path(corners, closed=True, fill=ramp(level[row]), stroke=INK, stroke_width=1.2)
    picture.text(12, 20, f"KV cloud, colour: {view.colour}", font_weight=600, font_size=13)
    note = f"{view.summary()} {view.shown.upper()}."
    note += (
        f" Showing {len(shown):,} of {view.source.num_tokens:,} tokens."
        if len(shown) < len(kept)
        else ""
    )
    picture.caption(12, HEIGHT - 10, note, width=WIDTH - 24)
    return picture.finish()


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


def write_svg(view: "KVCloud", path: Path | str | None) -> str:
    """Return the SVG, and write it where a path is given."""
    text = svg_still(view)
    if path is not None:
        export.write_text(path, text)
    return text
