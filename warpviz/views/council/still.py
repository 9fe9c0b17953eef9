"""The still forms of a council: stacked bytes as a plotly figure, and as SVG with a table."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from warpviz.drawing.colours import BLUE, GREY, ORANGE, PURPLE, YELLOW
from warpviz.drawing.svg import Svg
from warpviz.live.council import PAPER, PAPER_SETTING, CouncilSample
from warpviz.views.base.export import dumps

OWNERS = (
    ("weights_bytes", "weights", GREY),
    ("river_kv_bytes", "River", BLUE),
    ("shared_kv_bytes", "shared landmarks", ORANGE),
    ("private_kv_bytes", "private to streams", PURPLE),
    ("evidence_bytes", "to choose landmarks", YELLOW),
)
WIDTH = 900
HEIGHT = 340
CHART = 560
TOP = 60
MOST_BARS = 120


def figure(samples: Sequence[CouncilSample]) -> Any:
    """Return plotly bars of megabytes by owner, one per beat and as wide as it lasted."""
    import plotly.graph_objects as go

    # plotly would add up two samples of a beat: the last one counts
    shown = list({sample.beat: sample for sample in samples}.values())
    beats = [sample.beat for sample in shown]
    lasted = [after - beat for beat, after in pairwise([*beats, beats[-1] + 1])] if beats else []
    fig = go.Figure()
    for field, name, color in OWNERS:
        fig.add_bar(
            name=name,
            x=beats,
            y=[getattr(sample, field) / 1e6 for sample in shown],
            width=lasted,
            offset=0,
            marker={"color": color, "line": {"width": 0}},
        )
    fig.update_layout(
        barmode="stack",
        template="plotly_white",
        xaxis_title="step",
        yaxis_title="MB held",
        bargap=0,
    )
    return fig


def headline(samples: Sequence[CouncilSample]) -> str:
    """Return what one more agent costs against a copy of the River's cache each, in a sentence.

    Measured in the report with the most streams thinking.
    """
    reports = [sample for sample in samples if sample.reported and sample.thinking]
    if not reports:
        return "Bytes held, by owner"
    busiest = max(reports, key=lambda sample: sample.thinking)
    own = busiest.private_kv_bytes / busiest.thinking
    copy = own + busiest.river_kv_bytes
    times = f", {copy / own:.2g} times less than a copy each ({copy / 1e6:.2f} MB)" if own else ""
    return f"One more agent costs {own / 1e6:.2f} MB{times}"


def picture(samples: Sequence[CouncilSample], *, provenance: Mapping[str, Any]) -> str:
    """Return an SVG of stacked bars, at most MOST_BARS, with a legend and the paper's table.

    Of several samples in one bar, the one of most bytes is shown: the peak is always there.
    """
    pen = Svg(WIDTH, HEIGHT, title="Council: bytes by owner", metadata=dumps(provenance))
    pen.text(16, 26, headline(samples), font_size=14, font_weight=600)
    stride = max(1, -(-len(samples) // MOST_BARS))
    groups = [samples[first : first + stride] for first in range(0, len(samples), stride)]
    shown = [max(group, key=lambda sample: sample.total_bytes) for group in groups]
    most = max(1, *(sample.total_bytes for sample in shown)) if shown else 1
    wide = CHART / max(1, len(shown))
    for number, sample in enumerate(shown):
        y = HEIGHT - 40.0
        for field, _, color in OWNERS:
            tall = getattr(sample, field) / most * (HEIGHT - 40 - TOP)
            y -= tall
            pen.add(
                "rect",
                x=16 + number * wide,
                y=y,
                width=max(1.0, wide - 0.6),
                height=tall,
                fill=color,
            )
    held = f"bytes held, by owner, over the run's steps: {most / 1e6:.1f} MB at most"
    pen.text(16, TOP - 8, held, font_size=11, fill=GREY)
    for number, (_, name, color) in enumerate(OWNERS):
        pen.add("rect", x=16 + number * 136, y=HEIGHT - 26, width=10, height=10, fill=color)
        pen.text(30 + number * 136, HEIGHT - 17, name, font_size=11)
    _paper(pen)
    return pen.finish()


def _paper(pen: Svg) -> None:
    left = CHART + 50
    pen.text(left, TOP - 8, "agents", font_size=11, fill=GREY)
    pen.text(left + 90, TOP - 8, "total GB", font_size=11, fill=GREY)
    pen.text(left + 170, TOP - 8, "per extra agent", font_size=11, fill=GREY)
    for number, row in enumerate(PAPER):
        y = TOP + 14 + 22 * number
        pen.text(left, y, str(row.agents))
        pen.text(left + 90, y, f"{row.total_gb:.2f}")
        pen.text(left + 170, y, row.per_agent)
    pen.caption(left, TOP + 14 + 22 * len(PAPER) + 24, PAPER_SETTING, width=WIDTH - left - 12)
