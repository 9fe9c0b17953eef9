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
WIDTH = 760
LEFT = 110
STRIP = 84
BEADS = (9.0, 7.0, 5.5, 4.5, 3.5, 2.5)  # widths in pixels, of which the largest that fits is used
SPREAD = 0.34  # of a row of the plotly form, to either side


def rows(
    thoughts: Sequence[Rejudged], *, scorer: str, theta: float, scorers: Sequence[str]
) -> list[dict[str, Any]]:
    """Return the thoughts as rows, most similar first, and last those without a similarity."""
    values = regate.similarities(thoughts, scorer)
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
            {**row, **{f"similarity_{name}": t.similarities.get(name, np.nan) for name in scorers}}
        )
    return found


def figure(
    thoughts: Sequence[Rejudged], *, scorers: Sequence[str], scorer: str, theta: float
) -> Any:
    """Return a plotly strip per scorer, coloured by the chosen scorer's verdicts at theta."""
    import plotly.graph_objects as go

    passed = regate.decide(regate.similarities(thoughts, scorer), theta)
    # steps of the golden ratio spread equal values evenly, and always alike
    offsets = [(number * 0.618034 % 1 * 2 - 1) * SPREAD for number in range(len(thoughts))]
    fig = go.Figure()
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
    title = {"text": f"Gate at theta {theta:.2f} under {for_plotly(scorer)}", "font": {"size": 14}}
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
    provenance: Mapping[str, Any],
) -> str:
    """Return the strips as SVG; accepted and rejected differ in shape and in colour."""
    pen = Svg(WIDTH, STRIP * len(scorers) + 60, title="Gate", metadata=dumps(provenance))
    passed = regate.decide(regate.similarities(thoughts, scorer), theta)
    for number, name in enumerate(scorers):
        middle = 46 + STRIP * number + STRIP / 2
        pen.text(14, middle + 4, name, font_size=12, font_weight=600 if name == scorer else 400)
        pen.line(LEFT, middle, WIDTH - 16, middle, stroke="#E1E4E9")
        _beads(pen, regate.similarities(thoughts, name), passed, middle)
    top = 46 + STRIP * list(scorers).index(scorer) if scorer in scorers else 46
    pen.line(_x(theta), top + 6, _x(theta), top + STRIP - 6, stroke=INK, stroke_width=2)
    pen.text(14, 26, f"Gate at theta {theta:.2f} under {scorer}", font_size=14, font_weight=600)
    for tick in (-1.0, -0.5, 0.0, 0.5, 1.0):
        pen.text(
            _x(tick),
            STRIP * len(scorers) + 56,
            f"{tick:g}",
            font_size=10,
            fill=GREY,
            text_anchor="middle",
        )
    return pen.finish()


def _beads(pen: Svg, values: regate.Floats, passed: Any, middle: float) -> None:
    """Draw a bead per value, stacked in columns, as large as the tallest column allows."""
    known = [
        (_x(float(value)), ok)
        for value, ok in zip(values, passed, strict=True)
        if not np.isnan(value)
    ]
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


def _x(value: float) -> float:
    return LEFT + (WIDTH - 16 - LEFT) * (max(-1.0, min(1.0, value)) + 1) / 2
