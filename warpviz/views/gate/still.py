"""The still forms of a gate: table, plotly figure, SVG."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from warpviz.characters import for_plotly
from warpviz.drawing.colours import GREEN, GREY, INK, VERMILION
from warpviz.drawing.svg import Svg
from warpviz.live import regate
from warpviz.live.regate import Rejudged
from warpviz.live.strangers import LIKELIHOOD, Null, axis_of, bars, shares_above
from warpviz.views.base.export import dumps

COLUMNS = (
    "run",
    "seed",
    "stream",
    "step",
    "task",
    "thought",
    "similarity",
    "would_accept",
    "accepted",
    "label",
)
Axis = tuple[float, float]
WIDTH = 760
LEFT = 110
STRIP = 84
BEADS = (9.0, 7.0, 5.5, 4.5, 3.5, 2.5)  # widths in pixels, of which the largest that fits is used
SPREAD = 0.34  # of a row of the plotly form, to either side


def theta_text(theta: float, scorer: str) -> str:
    """Return a threshold with the decimals that its scorer needs."""
    return f"{theta:.{3 if scorer == LIKELIHOOD else 2}f}"


def rows(
    thoughts: Sequence[Rejudged],
    *,
    scorer: str,
    theta: float,
    scorers: Sequence[str],
    null: Null,
) -> list[dict[str, Any]]:
    """Return the thoughts as rows, most similar first, and last those without a similarity.

    With strangers, `strangers` is the share of them that is at least as similar.
    """
    values = regate.similarities(thoughts, scorer)
    above = shares_above(null, scorer, values)
    more = [{"strangers": share} if null.get(scorer) else {} for share in above]
    passed = regate.decide(values, theta)
    order = np.argsort(-np.nan_to_num(values, nan=-2.0), kind="stable")
    found = []
    for i in order:
        t = thoughts[i]
        facts = (
            t.run,
            t.seed,
            t.stream,
            t.step,
            t.task,
            t.thought,
            values[i],
            bool(passed[i]),
            t.accepted,
            t.label,
        )
        row = dict(zip(COLUMNS, facts, strict=True))
        found.append(
            {
                **row,
                **{f"similarity_{name}": t.similarities.get(name, np.nan) for name in scorers},
                **more[i],
            }
        )
    return found


def figure(
    thoughts: Sequence[Rejudged],
    *,
    scorers: Sequence[str],
    scorer: str,
    theta: float,
    null: Null,
) -> Any:
    """Return a plotly strip per scorer, coloured by the chosen scorer's verdicts at theta."""
    import plotly.graph_objects as go

    passed = regate.decide(regate.similarities(thoughts, scorer), theta)
    # steps of the golden ratio spread equal values evenly, and always alike
    offsets = [(number * 0.618034 % 1 * 2 - 1) * SPREAD for number in range(len(thoughts))]
    fig = go.Figure()
    if any(null.get(name) for name in scorers):
        fig.add_scatter(
            name="strangers",
            mode="markers",
            marker={"color": GREY, "symbol": "line-ns-open", "size": 14, "opacity": 0.35},
            x=[value for name in scorers for value in null.get(name, ())],
            y=[row for row, name in enumerate(scorers) for _ in null.get(name, ())],
            hovertemplate="a stranger, %{x:.3f}<extra></extra>",
        )
    for verdict, color, symbol in ((True, GREEN, "circle"), (False, VERMILION, "x")):
        chosen = [
            (t, shift)
            for t, ok, shift in zip(thoughts, passed, offsets, strict=True)
            if ok == verdict
        ]
        fig.add_scatter(
            name="accepted" if verdict else "rejected",
            mode="markers",
            marker={"color": color, "symbol": symbol, "size": 6, "opacity": 0.75},
            x=[t.similarities.get(name) for name in scorers for t, _ in chosen],
            y=[row + shift for row in range(len(scorers)) for _, shift in chosen],
            customdata=[
                [for_plotly(t.task), for_plotly(t.thought), t.stream, name]
                for name in scorers
                for t, _ in chosen
            ],
            hovertemplate="%{customdata[3]} %{x:.3f}<br>stream %{customdata[2]}: %{customdata[1]}"
            "<br>task: %{customdata[0]}<extra></extra>",
        )
    fig.add_vline(x=theta, line={"color": INK, "width": 2})
    rows_shown = {
        "tickvals": list(range(len(scorers))),
        "ticktext": list(scorers),
        "range": [len(scorers) - 0.5, -0.5],
    }
    words = f"Gate at theta {theta_text(theta, scorer)} under {for_plotly(scorer)}"
    title = {"text": words, "font": {"size": 14}}
    fig.update_layout(
        template="plotly_white",
        title=title,
        xaxis_title="similarity to the River",
        yaxis=rows_shown,
    )
    return fig


def picture(
    thoughts: Sequence[Rejudged],
    *,
    scorers: Sequence[str],
    scorer: str,
    theta: float,
    null: Null,
    provenance: Mapping[str, Any],
) -> str:
    """Return the strips as SVG; accepted and rejected differ in shape and in colour.

    Strangers are a light histogram behind each strip; a likelihood has an axis of its own.
    """
    pen = Svg(WIDTH, STRIP * len(scorers) + 60, title="Gate", metadata=dumps(provenance))
    passed = regate.decide(regate.similarities(thoughts, scorer), theta)
    for number, name in enumerate(scorers):
        values = regate.similarities(thoughts, name)
        at = [theta] if name == scorer else []
        axis = axis_of(name, [*values, *null.get(name, ()), *at])
        top = 46 + STRIP * number
        middle = top + STRIP / 2
        pen.text(14, middle + 4, name, font_size=12, font_weight=600 if name == scorer else 400)
        for low, high, tall in bars(null, name, axis):
            x = _x(low, axis)
            rise = tall * (STRIP / 2 - 6)
            wide = _x(high, axis) - x
            pen.add(
                "rect", x=x, y=middle - rise, width=wide, height=rise, fill=GREY, fill_opacity=0.25
            )
        pen.line(LEFT, middle, WIDTH - 16, middle, stroke="#E1E4E9")
        _beads(pen, [_x(float(value), axis) for value in values], passed, middle)
        if name == scorer:
            cut = _x(theta, axis)
            pen.line(cut, top + 6, cut, top + STRIP - 6, stroke=INK, stroke_width=2)
        if name == LIKELIHOOD:
            _ticks(pen, axis, top + STRIP)
    words = f"Gate at theta {theta_text(theta, scorer)} under {scorer}"
    pen.text(14, 26, words, font_size=14, font_weight=600)
    if any(name != LIKELIHOOD for name in scorers):
        _ticks(pen, (-1.0, 1.0), STRIP * len(scorers) + 56)
    return pen.finish()


def _ticks(pen: Svg, axis: Axis, y: float) -> None:
    """Write five numbers below an axis."""
    low, high = axis
    for part in range(5):
        tick = low + (high - low) * part / 4
        style = {"font_size": 10, "fill": GREY, "text_anchor": "middle"}
        pen.text(_x(tick, axis), y, f"{tick:g}", **style)


def _beads(pen: Svg, places: Sequence[float], passed: Any, middle: float) -> None:
    """Draw a bead per place, stacked in columns, as large as the tallest column allows."""
    known = [(x, ok) for x, ok in zip(places, passed, strict=True) if not np.isnan(x)]
    bead = next((size for size in BEADS if _tallest(known, size) * size <= STRIP - 8), BEADS[-1])
    rise = min(bead, (STRIP - 8) / _tallest(known, bead))  # the smallest beads may overlap
    seen: dict[int, int] = {}
    for place, ok in known:
        column = round(place / bead)
        number = seen[column] = seen.get(column, -1) + 1
        x = column * bead
        y = middle + (-1) ** number * ((number + 1) // 2) * rise
        arm = bead * 0.34
        if ok:
            pen.circle(x, y, bead * 0.44, fill=GREEN)
        else:
            pen.path(
                [(x - arm, y - arm), (x + arm, y + arm)], stroke=VERMILION, stroke_width=bead / 6
            )
            pen.path(
                [(x - arm, y + arm), (x + arm, y - arm)], stroke=VERMILION, stroke_width=bead / 6
            )


def _tallest(known: Sequence[tuple[float, Any]], bead: float) -> int:
    return max(Counter(round(place / bead) for place, _ in known).values(), default=1)


def _x(value: float, axis: Axis) -> float:
    """Return the place of a value, at the ends for what lies beyond; NaN stays."""
    low, high = axis
    inside = value if np.isnan(value) else max(low, min(high, value))
    return LEFT + (WIDTH - 16 - LEFT) * (inside - low) / (high - low)
