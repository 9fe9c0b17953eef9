"""The cloud of a context as a plotly figure, in two or three dimensions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from warpviz.characters import for_plotly
from warpviz.drawing.colours import INK, SERIES
from warpviz.topology.points import IntArray, rows

MAX_SHOWN = 50_000
PLANE = 2
ROOM = 3


def cloud_figure(
    coords: ArrayLike,
    *,
    texts: Sequence[str] = (),
    landmarks: ArrayLike = (),
    values: ArrayLike | None = None,
    value_name: str = "position",
    loop: ArrayLike = (),
    title: str = "",
) -> Any:
    """Return points [N, 2 or 3] coloured by `values` [N] (default: position), landmarks larger and
    of another shape.

    `loop` are rows of a cycle, drawn closed. Texts are escaped. Beyond 50,000 points an even share
    is shown, and said.
    """
    from plotly import graph_objects as go

    places = np.asarray(coords, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] not in (PLANE, ROOM):
        msg = f"coords must be [N, 2] or [N, 3], got shape {places.shape}"
        raise ValueError(msg)
    colour = np.arange(len(places)) if values is None else np.asarray(values, dtype=np.float64)
    if len(colour) != len(places) or len(texts) not in (0, len(places)):
        msg = f"{len(places)} points need as many values and texts, got {len(colour)} and {len(texts)}"
        raise ValueError(msg)
    marks = rows(landmarks, num_points=len(places))
    plain = _even(np.setdiff1d(np.arange(len(places)), marks))
    figure = go.Figure()
    bar = {"title": {"text": for_plotly(value_name)}}
    look = {"color": colour[plain], "colorscale": "Cividis", "size": 5, "colorbar": bar}
    _add(
        figure,
        places,
        plain,
        texts=texts,
        values=colour,
        name=f"tokens ({len(plain):,})",
        marker=look,
    )
    star = {"symbol": "diamond", "color": SERIES[1], "size": 9, "line": {"color": INK, "width": 1}}
    _add(
        figure,
        places,
        marks,
        texts=texts,
        values=colour,
        name=f"landmarks ({len(marks):,})",
        marker=star,
    )
    _add_loop(figure, places, np.asarray(loop, dtype=np.int64))
    total = len(places) - len(marks)
    note = (
        "" if len(plain) == total else f" (showing {len(plain) + len(marks):,} of {len(places):,})"
    )
    figure.update_layout(
        template="plotly_white",
        title=for_plotly(title) + note,
        hovermode="closest",
        margin={"l": 20, "r": 20, "t": 50, "b": 20},
        legend={"orientation": "h"},
    )
    return figure


def _even(chosen: IntArray) -> IntArray:
    if len(chosen) <= MAX_SHOWN:
        return chosen
    return chosen[np.linspace(0, len(chosen) - 1, MAX_SHOWN).astype(np.int64)]


def _add(
    figure: Any,
    places: Any,
    chosen: IntArray,
    *,
    texts: Sequence[str],
    values: Any,
    name: str,
    marker: dict[str, Any],
) -> None:
    hints = [f"{at} {for_plotly(texts[at])}" if texts else str(at) for at in chosen.tolist()]
    shared = {
        "mode": "markers",
        "name": name,
        "marker": marker,
        "text": hints,
        "customdata": values[chosen],
        "hovertemplate": "%{text}<br>%{customdata:.4g}<extra></extra>",
    }
    here = places[chosen]
    if places.shape[1] == ROOM:
        figure.add_scatter3d(x=here[:, 0], y=here[:, 1], z=here[:, 2], **shared)
    else:
        figure.add_scatter(x=here[:, 0], y=here[:, 1], **shared)


def _add_loop(figure: Any, places: Any, loop: IntArray) -> None:
    if not len(loop):
        return
    path = places[np.append(loop, loop[0])]
    line = {
        "mode": "lines",
        "name": f"loop of {len(loop)} tokens",
        "line": {"color": SERIES[2], "width": 3},
    }
    if places.shape[1] == ROOM:
        figure.add_scatter3d(x=path[:, 0], y=path[:, 1], z=path[:, 2], **line)
    else:
        figure.add_scatter(x=path[:, 0], y=path[:, 1], **line)
