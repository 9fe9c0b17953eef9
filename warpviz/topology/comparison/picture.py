"""A comparison as vector pictures: distance against k, and the two diagrams with their matching."""

import numpy as np

from warpviz.topology.comparison.comparison import Comparison, Row
from warpviz.topology.drawing import (
    FAINT,
    INK,
    Axes,
    dots,
    line,
    look,
    marker,
    number,
    svg,
    tag,
    text_at,
)
from warpviz.topology.persistence.distances import matching
from warpviz.topology.points import FloatArray

PANEL = 360.0
GAP = 110.0
LEFT = 70.0
TOP = 96.0
MAX_PAIRS = 4_000_000


def whole_picture(comparison: Comparison) -> str:
    """Return one SVG: distance curves above, diagrams of the first policy at the largest k
    below.
    """
    policy = comparison.policies[0]
    k = comparison.ks[-1]
    body = [
        *_heading(comparison),
        *_curves(comparison, top=TOP),
        *_legend(comparison, top=TOP + PANEL * 0.6 + 56),
    ]
    lower = TOP + PANEL * 0.6 + 120
    body += _diagrams(comparison, policy, k, top=lower)
    return svg(_width(comparison), lower + PANEL + 60, title=summary(comparison), body=body) + "\n"


def curves_picture(comparison: Comparison) -> str:
    """Return the distance curves as an SVG."""
    body = [*_curves(comparison, top=30.0), *_legend(comparison, top=30 + PANEL * 0.6 + 56)]
    return svg(_width(comparison), 30 + PANEL * 0.6 + 100, title=summary(comparison), body=body)


def diagrams_picture(comparison: Comparison, policy: str, k: int) -> str:
    """Return the diagrams of one policy at one k, over the whole context's, as an SVG."""
    title = f"Persistence diagrams, {policy} at k = {k} against the whole context"
    return svg(
        _width(comparison), PANEL + 90, title=title, body=_diagrams(comparison, policy, k, top=36.0)
    )


def summary(comparison: Comparison) -> str:
    """Return what the comparison found, in one sentence."""
    best = min(comparison.select(k=comparison.ks[-1]), key=lambda row: (row.radius, row.policy))
    dims = [
        f"H{row.dim} {row.bottleneck:.3g}"
        for row in comparison.select(k=best.k, policy=best.policy)
    ]
    return (
        f"{comparison.tokens:,} tokens of {comparison.model or 'points'}: at k = {best.k} the smallest cover radius is "
        f"{best.radius:.3g} ({best.policy}), bottleneck distances {', '.join(dims)}, none can exceed {best.bound:.3g}"
    )


def _width(comparison: Comparison) -> float:
    return LEFT + (comparison.max_dim + 1) * (PANEL + GAP) - GAP + 30


def _heading(comparison: Comparison) -> list[str]:
    layer = "all layers" if comparison.layer is None else f"layer {comparison.layer}"
    null = f"null model: {comparison.num_null} random subsets, seed {comparison.seed}"
    return [
        text_at(20, 28, "Landmarks against the whole context", font_size=18, font_weight="bold"),
        text_at(20, 50, summary(comparison), fill=INK),
        text_at(
            20,
            68,
            f"{comparison.space}, {layer}; first {comparison.skip} tokens left out; {null}",
            fill=FAINT,
        ),
    ]


def _curves(comparison: Comparison, *, top: float) -> list[str]:
    parts = []
    for dim in range(comparison.max_dim + 1):
        rows = comparison.select(dim=dim)
        high = max(max(row.bound, row.bottleneck, row.null_high or 0.0) for row in rows)
        axes = Axes(
            left=LEFT + dim * (PANEL + GAP),
            top=top,
            width=PANEL,
            height=PANEL * 0.6,
            x=_padded(comparison.ks),
            y=(0.0, high * 1.05 or 1.0),
        )
        parts.append(
            axes.frame(
                title=f"H{dim}: bottleneck distance against k",
                x_label="k landmarks",
                y_label="distance",
                x_ticks=comparison.ks,
            )
        )
        parts.append(_band(axes, comparison.chance(dim)))
        for index, policy in enumerate(comparison.policies):
            parts.append(_curve(axes, comparison.select(dim=dim, policy=policy), index))
    return parts


def _padded(ks: tuple[int, ...]) -> tuple[float, float]:
    room = max(1.0, (ks[-1] - ks[0]) * 0.06)
    return ks[0] - room, ks[-1] + room


def _band(axes: Axes, rows: list[Row]) -> str:
    low = [axes.at(row.k, row.null_low) for row in rows if row.null_low is not None]
    high = [axes.at(row.k, row.null_high) for row in rows if row.null_high is not None]
    if not low:
        return ""
    if len(low) == 1:
        return line([low[0], high[0]], stroke=FAINT, stroke_width=14.0, stroke_opacity=0.3)
    path = " ".join(f"{number(x)},{number(y)}" for x, y in [*low, *reversed(high)])
    return tag(
        "polygon", tag("title", "null model, 5 to 95 %"), points=path, fill=FAINT, fill_opacity=0.3
    )


def _curve(axes: Axes, rows: list[Row], index: int) -> str:
    colour, shape = look(index)
    parts = [
        line(
            [axes.at(row.k, row.bound) for row in rows],
            stroke=colour,
            stroke_dasharray="5 4",
            stroke_opacity=0.7,
        ),
        line([axes.at(row.k, row.bottleneck) for row in rows], stroke=colour, stroke_width=2.0),
    ]
    for row in rows:
        title = f"{row.policy}, k = {row.k}, H{row.dim}: bottleneck {row.bottleneck:.4g}, 2r = {row.bound:.4g}"
        parts.append(
            marker(shape, *axes.at(row.k, row.bottleneck), size=4.0, colour=colour, title=title)
        )
    return "".join(parts)


def _legend(comparison: Comparison, *, top: float) -> list[str]:
    parts = []
    for index, policy in enumerate(comparison.policies):
        colour, shape = look(index)
        x = LEFT + (index % 6) * 120
        y = top + (index // 6) * 18
        parts += [
            marker(shape, x, y, size=4.0, colour=colour, title=policy),
            text_at(x + 10, y + 4, policy),
        ]
    note = "solid: measured; dashed: bound 2r; grey: as many random landmarks beside the same recent tokens, 5 to 95 %"
    return [
        *parts,
        text_at(LEFT, top + 22 + (len(comparison.policies) - 1) // 6 * 18, note, fill=FAINT),
    ]


def _diagrams(comparison: Comparison, policy: str, k: int, *, top: float) -> list[str]:
    parts = []
    for row in comparison.select(policy=policy, k=k):
        full = comparison.full[row.dim]
        kept = comparison.diagrams[policy][k][row.dim]
        low, high = _extent(full, kept)
        axes = Axes(
            left=LEFT + row.dim * (PANEL + GAP),
            top=top,
            width=PANEL,
            height=PANEL,
            x=(low, high),
            y=(low, high),
        )
        title = f"H{row.dim}, {policy} at k = {k}: {len(kept):,} of {len(full):,} bars"
        parts.append(axes.frame(title=title, x_label="birth", y_label="death"))
        parts.append(_uncertain(axes, row.bound))
        parts.append(_pairs(axes, full, kept))
        parts.append(dots((axes.at(x, y) for x, y in full), size=4.0, colour=FAINT))
        colour, shape = look(comparison.policies.index(policy))
        for birth, death in kept:
            sure = " (certified)" if death - birth > row.bound else ""
            hint = f"born {birth:.4g}, died {death:.4g}, length {death - birth:.4g}{sure}"
            parts.append(marker(shape, *axes.at(birth, death), size=3.5, colour=colour, title=hint))
    return parts


def _extent(full: FloatArray, kept: FloatArray) -> tuple[float, float]:
    values = np.concatenate(
        [full.ravel(), kept.ravel(), [0.0] if not len(full) and not len(kept) else []]
    )
    low = float(values.min())
    high = float(values.max())
    room = (high - low) * 0.04 or 1.0
    return low - room, high + room


def _uncertain(axes: Axes, bound: float) -> str:
    """Return the diagonal and the band of bars no longer than 2r, which are not evidence."""
    low, high = axes.x
    lift = min(bound, high - low)
    corners = [(low, low), (high, high), (high - lift, high), (low, low + lift)]
    path = " ".join(f"{number(x)},{number(y)}" for x, y in (axes.at(*corner) for corner in corners))
    band = tag(
        "polygon",
        tag("title", f"bars no longer than 2r = {bound:.4g}: not evidence"),
        points=path,
        fill="#E69F00",
        fill_opacity=0.12,
    )
    return band + line([axes.at(low, low), axes.at(high, high)], stroke=FAINT)


def _pairs(axes: Axes, full: FloatArray, kept: FloatArray) -> str:
    """Return the bottleneck matching as lines; left out for two large diagrams, where no line could
    be told apart.
    """
    if len(full) * len(kept) > MAX_PAIRS:
        return ""
    pairs = matching(full, kept)
    both = (pairs.left >= 0) & (pairs.right >= 0) & (pairs.cost > 0)
    steps = []
    for left, right in zip(pairs.left[both], pairs.right[both], strict=True):
        (x1, y1) = axes.at(*full[left])
        (x2, y2) = axes.at(*kept[right])
        steps.append(f"M{number(x1)} {number(y1)}L{number(x2)} {number(y2)}")
    return tag("path", d="".join(steps) or "M0 0", stroke=INK, stroke_opacity=0.5, fill="none")
