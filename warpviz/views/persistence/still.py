"""The still forms of a persistence view: words, table, plotly figure, SVG, and a Comparison."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from warpviz.drawing.axes import ticks
from warpviz.drawing.colours import BLUE, GREY, ORANGE, VERMILION
from warpviz.drawing.svg import Svg
from warpviz.drawing.text import counted
from warpviz.topology.landmarks import num_recent
from warpviz.views.base import export, wire
from warpviz.views.base.data_source import ALL, SKIP, DataSource
from warpviz.views.persistence.comparison_model import KS, Bars, Ground, Pair

SIZE = 420
PAD = 48
LEGEND = "Hollow: whole context; filled: landmarks; grey: their matching"
BAND = "shaded: shorter than 2r, no evidence"
MOST_HOLLOW = 400


class ShownComparison(Protocol):
    """What the still forms read of a PersistenceCompare."""

    source: DataSource
    base: Ground | None
    full: Bars | None
    pair: Pair | None
    k: int
    alpha: float
    layer: int
    space: str
    policy: str
    max_dim: int
    max_points: int
    num_null: int
    seed: int
    notice: str

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Where the numbers come from."""


def summary(view: ShownComparison) -> str:
    """Return the comparison in a sentence or two."""
    base = view.base
    pair = view.pair
    if base is None or pair is None:
        return f"Persistence of {view.source.num_tokens:,} tokens, not computed yet."
    is_thinned = len(base.used) < base.num_tokens - SKIP
    share = f"{len(base.used):,} of " if is_thinned else ""
    marks = counted(min(pair.k, len(base.order)), "landmark")
    text = f"{share}{base.num_tokens:,} tokens, {marks} chosen by {view.policy}: "
    text += f"cover radius {pair.radius:.4g}."
    parts = [
        f"H{dim} bottleneck {values['bottleneck']:.4g}"
        for dim, values in sorted(pair.numbers.items())
    ]
    if pair.bound is None:
        limit = f"no bound, since the landmarks' complex is {pair.kind} and the whole's is Rips"
    else:
        limit = f"none can exceed 2r = {pair.bound:.4g}"
    return f"{text} {', '.join(parts)}; {limit}." if parts else text


def table(view: ShownComparison) -> Any:
    """Return a DataFrame with a row per bar; `partner` is the other side's bar, or -1."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for dim in range(view.max_dim + 1):
        found = view.pair.matched.get(dim) if view.pair else None
        sides = (
            ("full", view.full, "left", "right"),
            ("landmarks", view.pair.bars if view.pair else None, "right", "left"),
        )
        for side, bars, own, other in sides:
            if bars is None:
                continue
            partner = np.full(len(bars[dim]), -1)
            if found is not None:
                mine = getattr(found, own)
                theirs = getattr(found, other)
                partner[mine[mine >= 0]] = theirs[mine >= 0]
            rows += [
                {
                    "dim": dim,
                    "side": side,
                    "bar": bar,
                    "birth": birth,
                    "death": death,
                    "length": death - birth,
                    "partner": int(partner[bar]),
                }
                for bar, (birth, death) in enumerate(bars[dim].tolist())
            ]
    return pd.DataFrame(rows, columns=["dim", "side", "bar", "birth", "death", "length", "partner"])


def figure(view: ShownComparison) -> Any:
    """Return both diagrams in one plotly figure, with their matching and the 2r band.

    Raises:
        ValueError: there are no diagrams.
    """
    from warpviz.topology.comparison.figures import diagram_figure

    if view.full is None or view.pair is None:
        msg = f"there are no diagrams yet: {view.notice or 'the computation was cancelled'}"
        raise ValueError(msg)
    radius = None if view.pair.bound is None else view.pair.radius
    return diagram_figure(view.full, view.pair.bars, radius=radius, title=summary(view))


def comparison(
    view: ShownComparison, *, ks: tuple[int, ...] = (), num_null: int | None = None
) -> Any:
    """Return the `Comparison` of the view's points and landmarks at its k, or at `ks`."""
    from warpviz.topology import compare

    which: dict[str, Any] = {
        "space": view.space,
        "layer": view.layer,
        "policy": view.policy,
        "alpha": view.alpha,
    }
    points = view.source.points(view.space, view.layer)
    order = view.source.ranked(**which).order
    return compare(
        points,
        orders={view.policy: order},
        recent=num_recent(order, num_tokens=len(points)),
        ks=ks or (view.k,),
        alpha=view.alpha,
        layer=None if view.layer == ALL else view.layer,
        space=view.space,
        max_dim=view.max_dim,
        seed=view.seed,
        num_null=view.num_null if num_null is None else num_null,
        skip=SKIP,
        max_points=view.max_points,
        about=_about(view, len(points)),
    )


def _about(view: ShownComparison, num: int) -> dict[str, Any]:
    """Return the model and its checksum, if known, and the texts of the first `num` tokens."""
    facts = view.source.facts
    named: dict[str, Any] = {name: facts[name] for name in ("model", "checksum") if name in facts}
    return {**named, "token_texts": [wire.clean(text) for text in view.source.tokens[:num]]}


def write_json(view: ShownComparison, path: Path | str) -> Path:
    """Write the comparison at the view's k and the curve's, as JSON and `<stem>_points.npz`."""
    from warpviz.topology.comparison.export import npz_bytes

    most = min(len(view.base.order), len(view.base.used)) if view.base is not None else view.k
    ks = sorted({k for k in (*KS, view.k) if SKIP + 1 <= k <= most})
    made = comparison(view, ks=tuple(ks))
    path = Path(path)
    points = f"{path.stem}_points.npz"
    export.write_text(path, export.dumps(made.to_record(points=points)) + "\n")
    (path.parent / points).write_bytes(npz_bytes(made.arrays()))
    return path


def picture(view: ShownComparison) -> str:
    """Return the diagrams as SVG: whole hollow, landmarks filled, matching in grey."""
    width = SIZE * (view.max_dim + 1)
    metadata = export.dumps(view.provenance)
    pen = Svg(width, SIZE + 24, title=summary(view), metadata=metadata)
    for dim in range(view.max_dim + 1):
        _panel(view, pen, dim)
    has_band = any(_certifies(view, dim) for dim in range(view.max_dim + 1))
    legend = f"{LEGEND}; {BAND}." if has_band else f"{LEGEND}."
    pen.caption(12, SIZE + 14, f"{summary(view)} {legend}", width=width - 24)
    return pen.finish()


def _certifies(view: ShownComparison, dim: int) -> bool:
    """Return whether a bar of the landmarks is longer than 2r: else the bound says nothing."""
    if view.pair is None or view.pair.bound is None:
        return False
    bars = view.pair.bars[dim]
    return bool((bars[:, 1] - bars[:, 0] > view.pair.bound).any())


def _panel(view: ShownComparison, pen: Svg, dim: int) -> None:
    full = view.full[dim] if view.full else np.zeros((0, 2))
    kept = view.pair.bars[dim] if view.pair else np.zeros((0, 2))
    top = max([float(bars[:, 1].max()) for bars in (full, kept) if len(bars)], default=1.0) * 1.05
    left = SIZE * dim

    def spot(birth: float, death: float) -> tuple[float, float]:
        scale = (SIZE - 2 * PAD) / top
        return left + PAD + birth * scale, SIZE - PAD - death * scale

    if view.pair and view.pair.bound is not None and _certifies(view, dim):
        lift = min(view.pair.bound, top)
        band = [spot(0, 0), spot(top, top), spot(top - lift, top), spot(0, lift)]
        pen.path(band, closed=True, fill=ORANGE, fill_opacity=0.12)
    pen.line(*spot(0, 0), *spot(top, top))
    pen.text(left + PAD, PAD - 14, f"H{dim}", font_weight=600)
    for tick in ticks(0, top):
        pen.text(
            spot(tick, 0)[0],
            SIZE - PAD + 18,
            f"{tick:g}",
            font_size=11,
            fill=GREY,
            text_anchor="middle",
        )
        pen.text(
            left + PAD - 6,
            spot(0, tick)[1] + 3,
            f"{tick:g}",
            font_size=11,
            fill=GREY,
            text_anchor="end",
        )
    pen.text(
        left + SIZE - PAD, SIZE - PAD + 32, "birth (distance)", font_size=11, text_anchor="end"
    )
    pen.text(left + PAD + 30, PAD - 14, "death (distance)", font_size=11)
    found = view.pair.matched.get(dim) if view.pair else None
    for one, two in zip(found.left, found.right, strict=True) if found else ():
        if one >= 0 and two >= 0:
            pen.line(*spot(*full[one]), *spot(*kept[two]), stroke_width=0.7)
    for birth, death in full[:MOST_HOLLOW].tolist():
        pen.circle(*spot(birth, death), 3, fill="none", stroke=BLUE)
    for birth, death in kept.tolist():
        pen.circle(*spot(birth, death), 3.4, fill=VERMILION, fill_opacity=0.85)
