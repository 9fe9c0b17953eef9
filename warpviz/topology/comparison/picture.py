"""A comparison as vector pictures: distance against k, and the two diagrams with their matching."""

import numpy as np

from warpviz.drawing.axes import Axes
from warpviz.drawing.colours import GREY, INK, ORANGE, series
from warpviz.drawing.svg import Svg
from warpviz.topology.comparison.results import Results, Row
from warpviz.topology.persistence.distances import matching
from warpviz.topology.points import FloatArray

PANEL = 360.0
GAP = 110.0
LEFT = 70.0
TOP = 126.0
MAX_PAIRS = 4_000_000


def whole_picture(comparison: Results) -> str:
    """Return one SVG: distance curves, below them the first policy's diagrams at the last k."""
    lower = TOP + PANEL * 0.6 + 120
    pen = Svg(_width(comparison), lower + PANEL + 60, title=summary(comparison))
    _heading(pen, comparison)
    _curves(pen, comparison, top=TOP)
    _legend(pen, comparison, top=TOP + PANEL * 0.6 + 56)
    _diagrams(pen, comparison, comparison.policies[0], comparison.ks[-1], top=lower)
    return pen.finish()


def curves_picture(comparison: Results) -> str:
    """Return the distance curves as an SVG."""
    pen = Svg(_width(comparison), 30 + PANEL * 0.6 + 100, title=summary(comparison))
    _curves(pen, comparison, top=30.0)
    _legend(pen, comparison, top=30 + PANEL * 0.6 + 56)
    return pen.finish()


def diagrams_picture(comparison: Results, policy: str, k: int) -> str:
    """Return the diagrams of one policy at one k, over the whole context's, as an SVG."""
    title = f"Persistence diagrams, {policy} at k = {k} against the whole context"
    pen = Svg(_width(comparison), PANEL + 90, title=title)
    _diagrams(pen, comparison, policy, k, top=36.0)
    return pen.finish()


def summary(comparison: Results) -> str:
    """Return what the comparison found, in one sentence."""
    best = min(comparison.select(k=comparison.ks[-1]), key=lambda row: (row.radius, row.policy))
    dims = [
        f"H{row.dim} {row.bottleneck:.3g}"
        for row in comparison.select(k=best.k, policy=best.policy)
    ]
    return (
        f"{comparison.tokens:,} tokens of {comparison.model or 'points'}: at k = {best.k} the "
        f"smallest cover radius is {best.radius:.3g} ({best.policy}), bottleneck distances "
        f"{', '.join(dims)}, none can exceed {best.bound:.3g}"
    )


def _width(comparison: Results) -> float:
    return LEFT + (comparison.max_dim + 1) * (PANEL + GAP) - GAP + 30


def _heading(pen: Svg, comparison: Results) -> None:
    layer = "all layers" if comparison.layer is None else f"layer {comparison.layer}"
    null = f"null model: {comparison.num_null} random subsets, seed {comparison.seed}"
    what = f"{comparison.space}, {layer}; first {comparison.skip} tokens left out; {null}"
    pen.text(20, 28, "Landmarks against the whole context", font_size=18, font_weight="bold")
    pen.caption(20, TOP - 28, f"{summary(comparison)}. {what}", width=_width(comparison) - 40)


def _curves(pen: Svg, comparison: Results, *, top: float) -> None:
    for dim in range(comparison.max_dim + 1):
        rows = comparison.select(dim=dim)
        # the bound, far above, would press the curves of all policies into one line
        high = max(max(row.bottleneck, row.null_high or 0.0) for row in rows)
        axes = Axes(
            left=LEFT + dim * (PANEL + GAP),
            top=top,
            width=PANEL,
            height=PANEL * 0.6,
            x=_padded(comparison.ks),
            y=(0.0, high * 1.15 or 1.0),
        )
        axes.draw(
            pen,
            title=f"H{dim}: bottleneck distance against k",
            x_label="k (landmarks)",
            y_label="bottleneck distance",
            x_ticks=comparison.ks,
        )
        _band(pen, axes, comparison.chance(dim))
        for index, policy in enumerate(comparison.policies):
            _curve(pen, axes, comparison.select(dim=dim, policy=policy), index)


def _padded(ks: tuple[int, ...]) -> tuple[float, float]:
    room = max(1.0, (ks[-1] - ks[0]) * 0.06)
    return ks[0] - room, ks[-1] + room


def _band(pen: Svg, axes: Axes, rows: list[Row]) -> None:
    low = [axes.at(row.k, row.null_low) for row in rows if row.null_low is not None]
    high = [axes.at(row.k, row.null_high) for row in rows if row.null_high is not None]
    if len(low) == 1:
        pen.path([low[0], high[0]], stroke=GREY, stroke_width=14, stroke_opacity=0.3)
    elif low:
        look = {"fill": GREY, "fill_opacity": 0.3, "hint": "null model, 5 to 95 %"}
        pen.path([*low, *reversed(high)], closed=True, **look)


def _curve(pen: Svg, axes: Axes, rows: list[Row], index: int) -> None:
    colour, shape = series(index)
    bound = [axes.at(row.k, row.bound) for row in rows if row.bound <= axes.y[1]]
    measured = [axes.at(row.k, row.bottleneck) for row in rows]
    pen.path(bound, stroke=colour, stroke_dasharray="5 4", stroke_opacity=0.7)
    pen.path(measured, stroke=colour, stroke_width=2)
    for row, spot in zip(rows, measured, strict=True):
        where = f"{row.policy}, k = {row.k}, H{row.dim}"
        hint = f"{where}: bottleneck {row.bottleneck:.4g}, 2r = {row.bound:.4g}"
        pen.marker(shape, *spot, size=4, colour=colour, hint=hint)


def _legend(pen: Svg, comparison: Results, *, top: float) -> None:
    for index, policy in enumerate(comparison.policies):
        colour, shape = series(index)
        x = LEFT + (index % 6) * 120
        y = top + (index // 6) * 18
        pen.marker(shape, x, y, size=4, colour=colour, hint=policy)
        pen.text(x + 10, y + 4, policy)
    least = min(row.bound for row in comparison.rows)
    note = (
        "line: measured; grey: as many random landmarks and the same recent tokens, 5 to 95 %; "
        f"dashed: the bound 2r where it is in sight (at least {least:.3g})"
    )
    low = top + 36 + (len(comparison.policies) - 1) // 6 * 18
    pen.caption(LEFT, low, note, width=_width(comparison) - LEFT - 20)


def _diagrams(pen: Svg, comparison: Results, policy: str, k: int, *, top: float) -> None:
    colour, shape = series(comparison.policies.index(policy))
    for row in comparison.select(policy=policy, k=k):
        full = comparison.full[row.dim]
        kept = comparison.diagrams[policy][k][row.dim]
        span = _extent(full, kept)
        left = LEFT + row.dim * (PANEL + GAP)
        axes = Axes(left=left, top=top, width=PANEL, height=PANEL, x=span, y=span)
        title = f"H{row.dim}, {policy} at k = {k}: {len(kept):,} of {len(full):,} bars"
        axes.draw(pen, title=title, x_label="birth (distance)", y_label="death (distance)")
        _uncertain(pen, axes, row.bound, is_useful=row.num_certified > 0)
        _pairs(pen, axes, full, kept)
        pen.dots((axes.at(x, y) for x, y in full), size=4, colour=GREY)
        for birth, death in kept:
            sure = " (certified)" if death - birth > row.bound else ""
            hint = f"born {birth:.4g}, died {death:.4g}, length {death - birth:.4g}{sure}"
            pen.marker(shape, *axes.at(birth, death), size=3.5, colour=colour, hint=hint)


def _extent(full: FloatArray, kept: FloatArray) -> tuple[float, float]:
    values = np.concatenate(
        [full.ravel(), kept.ravel(), [0.0] if not len(full) and not len(kept) else []]
    )
    low = float(values.min())
    high = float(values.max())
    room = (high - low) * 0.04 or 1.0
    return low - room, high + room


def _uncertain(pen: Svg, axes: Axes, bound: float, *, is_useful: bool) -> None:
    """Draw the diagonal and, if a bar is longer, the band of bars no longer than 2r."""
    low, high = axes.x
    lift = min(bound, high - low)
    corners = [(low, low), (high, high), (high - lift, high), (low, low + lift)]
    hint = f"bars no longer than 2r = {bound:.4g}: not evidence"
    band = [axes.at(*corner) for corner in corners]
    if is_useful:
        pen.path(band, closed=True, fill=ORANGE, fill_opacity=0.12, hint=hint)
    pen.path([axes.at(low, low), axes.at(high, high)], stroke=GREY)


def _pairs(pen: Svg, axes: Axes, full: FloatArray, kept: FloatArray) -> None:
    """Draw the bottleneck matching; of two large diagrams no line could be recognised."""
    if len(full) * len(kept) > MAX_PAIRS:
        return
    pairs = matching(full, kept)
    both = (pairs.left >= 0) & (pairs.right >= 0) & (pairs.cost > 0)
    matched = zip(pairs.left[both], pairs.right[both], strict=True)
    ends = ((axes.at(*full[left]), axes.at(*kept[right])) for left, right in matched)
    pen.lines(ends, stroke=INK, stroke_opacity=0.5)
