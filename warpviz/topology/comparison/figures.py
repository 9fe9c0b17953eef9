"""Diagrams and comparisons as plotly figures: still pictures, exports, tooltips.

Okabe and Ito's colours, a marker per kind as well as a colour, every string escaped. plotly loads
on the first call.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from warpviz.characters import for_plotly
from warpviz.drawing.colours import GREY, INK, SERIES
from warpviz.drawing.text import plotly_title
from warpviz.topology.comparison.comparison import Comparison
from warpviz.topology.comparison.picture import MAX_PAIRS
from warpviz.topology.persistence.distances import matching
from warpviz.topology.persistence.vectors import (
    barcode,
    betti_curve,
    common_scales,
    image_extent,
    persistence_image,
)
from warpviz.topology.points import FloatArray

SYMBOLS = ("circle", "square", "triangle-up", "diamond", "x", "circle-open")
BAND = "rgba(230,159,0,0.15)"
SHADE = "rgba(140,149,159,0.3)"


def diagram_figure(
    full: Mapping[int, FloatArray],
    kept: Mapping[int, FloatArray],
    *,
    radius: float | None = None,
    title: str = "",
) -> Any:
    """Return both diagrams [B, 2] per dimension in one figure: matching drawn, and the band no
    longer than 2r.

    Bars of the whole context are open symbols, the landmarks' are filled; a symbol per homology
    dimension.
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


def barcode_figure(
    diagrams: Mapping[str, Mapping[int, FloatArray]], *, most: int = 100, title: str = ""
) -> Any:
    """Return the longest bars of each named set of diagrams, a column per name, dimensions stacked
    and coloured.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(
        cols=len(diagrams),
        subplot_titles=[for_plotly(name) for name in diagrams],
        shared_xaxes=True,
    )
    for column, (name, by_dim) in enumerate(diagrams.items(), start=1):
        row = 0
        for dim in sorted(by_dim):
            bars = barcode(by_dim[dim], most=most)
            heights = row + np.arange(len(bars.births))
            row += len(bars.births) + 2
            x = np.column_stack(
                [bars.births, bars.deaths, np.full(len(bars.births), np.nan)]
            ).ravel()
            y = np.column_stack([heights, heights, heights]).ravel().astype(float)
            label = f"H{dim}" + (f", {bars.hidden:,} shorter ones hidden" if bars.hidden else "")
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": SERIES[dim], "width": 2},
                row=1,
                col=column,
                name=f"{for_plotly(name)} {label}",
                connectgaps=False,
            )
    figure.update_yaxes(visible=False, autorange="reversed")
    figure.update_xaxes(title="scale")
    return _styled(figure, title)


def curve_figure(comparison: Comparison, *, dim: int = 1, title: str = "") -> Any:
    """Return bottleneck distance against k for one dimension: policies, their 2r bounds, the null
    model's band.
    """
    from plotly import graph_objects as go

    figure = go.Figure()
    band = comparison.chance(dim)
    if band:
        ks = [row.k for row in band]
        figure.add_scatter(
            x=[*ks, *reversed(ks)],
            y=[*[row.null_low for row in band], *[row.null_high for row in reversed(band)]],
            fill="toself",
            fillcolor=SHADE,
            mode="none",
            name="random subsets, 5-95 %",
            hoverinfo="skip",
        )
    for index, policy in enumerate(comparison.policies):
        rows = comparison.select(dim=dim, policy=policy)
        colour = SERIES[index % len(SERIES)]
        symbol = SYMBOLS[index % len(SYMBOLS)]
        ks = [row.k for row in rows]
        bounds = {"color": colour, "dash": "dash", "width": 1}
        figure.add_scatter(
            x=ks,
            y=[row.bound for row in rows],
            mode="lines",
            showlegend=False,
            line=bounds,
            name=for_plotly(f"{policy} 2r"),
        )
        figure.add_scatter(
            x=ks,
            y=[row.bottleneck for row in rows],
            mode="lines+markers",
            name=for_plotly(policy),
            line={"color": colour},
            marker={"symbol": symbol, "size": 9},
        )
    figure.update_xaxes(title="k landmarks", tickvals=list(comparison.ks))
    figure.update_yaxes(title=f"H{dim} bottleneck distance; dashed: bound 2r", rangemode="tozero")
    return _styled(figure, title)


def betti_figure(
    full: Mapping[int, FloatArray], kept: Mapping[int, FloatArray], *, title: str = ""
) -> Any:
    """Return how many classes are alive at each scale, whole context solid and landmarks dashed,
    per dimension.
    """
    from plotly import graph_objects as go

    figure = go.Figure()
    scales = common_scales(*full.values(), *kept.values())
    for dim in sorted(full):
        for name, bars, dash in (
            ("whole context", full[dim], "solid"),
            ("landmarks", kept[dim], "dash"),
        ):
            figure.add_scatter(
                x=scales,
                y=betti_curve(bars, scales),
                mode="lines",
                name=f"H{dim} {name}",
                line={"color": SERIES[dim], "dash": dash, "shape": "hv"},
            )
    figure.update_xaxes(title="scale")
    figure.update_yaxes(title="classes alive", type="linear")
    return _styled(figure, title)


def image_figure(
    full: FloatArray, kept: FloatArray, *, resolution: int = 32, title: str = ""
) -> Any:
    """Return the persistence images of two diagrams side by side on the same axes, in the same
    colours.
    """
    from plotly.subplots import make_subplots

    figure = make_subplots(cols=2, subplot_titles=["whole context", "landmarks"], shared_yaxes=True)
    extent = image_extent(full, kept)
    for column, bars in enumerate((full, kept), start=1):
        image = persistence_image(bars, resolution=resolution, extent=extent)
        figure.add_heatmap(
            x=image.births,
            y=image.lengths,
            z=image.values,
            coloraxis="coloraxis",
            row=1,
            col=column,
        )
    figure.update_layout(coloraxis={"colorscale": "Cividis"})
    figure.update_xaxes(title="birth")
    figure.update_yaxes(title="length", col=1)
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
