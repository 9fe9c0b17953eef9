"""Recorded benchmarks as tables and figures, for notebooks that do not measure again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from warp_cortex import bundled

from warpviz.bench.million.shards import Arrays

COLOURS = ("verdict", "relation", "known", "right")
INKS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#9c6b4e", "#a463f2")
PALE = "#b8bcc4"


def recorded(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Return a recorded benchmark by name, from the bundled ones or from a folder.

    Raises:
        FileNotFoundError: no benchmark of that name is there.
    """
    path = (folder or bundled("recorded/benchmarks")) / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def rows(record: dict[str, Any], title: str = "") -> pd.DataFrame:
    """Return the rows of all sections whose title contains `title`, in any case."""
    chosen = [
        row
        for part in record["sections"]
        if title.lower() in part["title"].lower()
        for row in part["rows"]
    ]
    return pd.DataFrame(chosen)


def curve(
    frame: pd.DataFrame, *, y: str, x: str = "agents", by: str = "arm", title: str = ""
) -> go.Figure:
    """Return a figure with one line per value of `by`, on logarithmic axes.

    Rows without a number in `y`, which the benchmark skipped, leave a gap.
    """
    figure = go.Figure()
    for number, (name, part) in enumerate(frame.dropna(subset=[y]).groupby(by, sort=False)):
        points = part.sort_values(x)
        ink = INKS[number % len(INKS)]
        figure.add_scatter(
            x=points[x], y=points[y], name=str(name), mode="lines+markers", line={"color": ink}
        )
    figure.update_xaxes(type="log", title=x)
    figure.update_yaxes(type="log", title=y)
    figure.update_layout(
        title=title,
        template="plotly_white",
        height=420,
        margin={"l": 60, "r": 20, "t": 50, "b": 50},
    )
    return figure


def facts(found: dict[str, Any]) -> pd.Series:
    """Return the figures of a million run, one per line."""
    names = (
        "agents",
        "finished",
        "timed_agents",
        "ended",
        "task_tokens",
        "thought_tokens",
        "seconds",
        "agent_tokens_per_s",
        "thought_tokens_per_s",
        "cpu_seconds",
        "tokens_per_cpu_s",
        "accepted",
        "slots",
        "peak_rss_bytes",
    )
    return pd.Series(
        {name: round(found[name], 1) for name in names}, name="a million agents", dtype=object
    )


def drawn(path: Path | None = None) -> Arrays:
    """Return the recorded map of thoughts, or that of a file from `warpviz bench galaxy`."""
    with np.load(path or bundled("recorded/million/galaxy.npz"), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def thoughts(sky: Arrays) -> pd.DataFrame:
    """Return one row per drawn thought: agent, question, thought, and how it was judged."""
    return pd.DataFrame(
        {
            "agent": sky["agent"],
            "relation": sky["relations"][sky["question"]],
            "question": sky["questions"][sky["question"]],
            "thought": sky["thoughts"][sky["thought"]],
            "known": sky["known"],
            "right": sky["right"],
            "similarity": sky["similarity"].astype(float),
            "accepted": sky["accepted"],
            "x": sky["place"][:, 0].astype(float),
            "y": sky["place"][:, 1].astype(float),
        }
    )


def galaxy(sky: Arrays, *, colour: str = "verdict") -> go.Figure:
    """Return the map of thoughts, to pan, zoom and lasso, coloured by one of COLOURS.

    Raises:
        ValueError: that colour is unknown.
    """
    if colour not in COLOURS:
        msg = f"colour must be one of {', '.join(COLOURS)}, got {colour!r}"
        raise ValueError(msg)
    frame = thoughts(sky)
    groups = _groups(frame, colour)
    figure = go.Figure()
    for number, name in enumerate(
        sorted(groups.unique(), key=lambda name: -int((groups == name).sum()))
    ):
        part = frame[groups == name]
        ink = PALE if colour != "relation" and number == 0 else INKS[number % len(INKS)]
        figure.add_scattergl(
            x=part.x,
            y=part.y,
            mode="markers",
            name=f"{name} ({len(part):,})",
            hovertext=_hover(part),
            hoverinfo="text",
            marker={"size": 4 if number else 3, "opacity": 0.7, "color": ink},
        )
    hidden = {"visible": False}
    figure.update_layout(
        template="plotly_white",
        height=620,
        dragmode="pan",
        xaxis=hidden,
        yaxis={**hidden, "scaleanchor": "x"},
        legend={"itemsizing": "constant"},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        title=f"{len(frame):,} thoughts; the River wants: {sky['wanted'].item().strip()}",
    )
    return figure


def _groups(frame: pd.DataFrame, colour: str) -> "pd.Series[str]":
    names = {
        "verdict": ("accepted", "accepted", "rejected"),
        "known": ("known", "the text answers it", "the text does not"),
        "right": ("right", "right", "wrong"),
    }
    if colour == "relation":
        return frame["relation"].astype(str)
    column, yes, no = names[colour]
    return frame[column].map({True: yes, False: no})


def _hover(part: pd.DataFrame) -> list[str]:
    """Return the hover text of each thought; the model's words are escaped for HTML."""
    from html import escape

    lines = zip(part.agent, part.question, part.thought, part.similarity, strict=True)
    return [
        f"agent {agent:,}: {escape(q)}<br>{escape(t)}<br>similarity {s:.2f}"
        for agent, q, t, s in lines
    ]
