"""Two diagrams and their matching as a plotly figure, for still pictures and files.

Okabe and Ito's colours, a symbol per dimension as well as a colour, every string escaped.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from warpviz.drawing.colours import GREY, INK, SERIES
from warpviz.drawing.text import plotly_title
from warpviz.topology.comparison.picture import MAX_PAIRS
from warpviz.topology.persistence.distances import matching
from warpviz.topology.points import FloatArray

SYMBOLS = ("circle", "square", "triangle-up")
BAND = "rgba(230,159,0,0.15)"


def diagram_figure(
    full: Mapping[int, FloatArray],
    kept: Mapping[int, FloatArray],
    *,
    radius: float | None = None,
    title: str = "",
) -> Any:
    """Return both diagrams, [B, 2] per dimension, in one figure, with their matching.

    Bars of the whole context are open symbols, the landmarks' are filled; a symbol per homology
    dimension. With a `radius` r the band of bars no longer than 2r is shaded.
    """
    from plotly import graph_objects as go

    figure = go.Figure()
    low, high = _extent([*full.values(), *kept.values()])
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": GREY},
        hoverinfo="skip",
        showlegend=False,
    )
    if radius is not None:
        lift = min(2 * radius, high - low)
        corners = [(low, low), (high, high), (high - lift, high), (low, low + lift), (low, low)]
        figure.add_scatter(
            x=[x for x, _ in corners],
            y=[y for _, y in corners],
            fill="toself",
            fillcolor=BAND,
            mode="none",
            name=f"no longer than 2r = {2 * radius:.3g}",
            hoverinfo="skip",
        )
    for dim in sorted(full):
        _add_pairs(figure, full[dim], kept[dim])
        colour = SERIES[dim % len(SERIES)]
        symbol = SYMBOLS[dim % len(SYMBOLS)]
        open_symbol = {"symbol": f"{symbol}-open", "color": colour, "size": 6}
        filled = {"symbol": symbol, "color": colour, "size": 9, "line": {"color": INK, "width": 1}}
        _add_bars(
            figure, full[dim], name=f"H{dim} whole context ({len(full[dim]):,})", marker=open_symbol
        )
        _add_bars(figure, kept[dim], name=f"H{dim} landmarks ({len(kept[dim]):,})", marker=filled)
    figure.update_xaxes(title="birth", range=[low, high])
    figure.update_yaxes(title="death", range=[low, high], scaleanchor="x")
    return _styled(figure, title)


def _add_bars(figure: Any, bars: FloatArray, *, name: str, marker: Mapping[str, Any]) -> None:
    figure.add_scatter(
        x=bars[:, 0],
        y=bars[:, 1],
        mode="markers",
        name=name,
        marker=dict(marker),
        customdata=bars[:, 1] - bars[:, 0],
        hovertemplate="born %{x:.4g}, died %{y:.4g}, length %{customdata:.4g}<extra></extra>",
    )


def _add_pairs(figure: Any, full: FloatArray, kept: FloatArray) -> None:
    if not len(full) or not len(kept) or len(full) * len(kept) > MAX_PAIRS:
        return
    pairs = matching(full, kept)
    both = (pairs.left >= 0) & (pairs.right >= 0)
    ends = np.stack(
        [full[pairs.left[both]], kept[pairs.right[both]], np.full((int(both.sum()), 2), np.nan)],
        axis=1,
    )
    flat = ends.reshape(-1, 2)
    figure.add_scatter(
        x=flat[:, 0],
        y=flat[:, 1],
        mode="lines",
        line={"color": INK, "width": 1},
        opacity=0.4,
        hoverinfo="skip",
        showlegend=False,
    )


def _extent(diagrams: Sequence[FloatArray]) -> tuple[float, float]:
    values = np.concatenate([np.zeros(0), *[bars.ravel() for bars in diagrams]])
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    room = (high - low) * 0.04 or 1.0
    return low - room, high + room


def _styled(figure: Any, title: str) -> Any:
    figure.update_layout(
        template="plotly_white",
        title=plotly_title(title),
        margin={"l": 60, "r": 20, "t": 64, "b": 50},
        legend={"orientation": "h", "y": -0.2},
        hovermode="closest",
    )
    return figure
