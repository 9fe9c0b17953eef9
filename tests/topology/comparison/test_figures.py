"""Figures hold the numbers they show, and hostile text as text."""

import json

import numpy as np
import pytest

from tests.topology.shapes import HOSTILE, circle, gauss
from warpviz.topology import compare
from warpviz.topology.comparison.figures import (
    barcode_figure,
    betti_figure,
    curve_figure,
    diagram_figure,
    image_figure,
)
from warpviz.topology.comparison.figures_cloud import cloud_figure
from warpviz.topology.persistence.distances import bottleneck, matching


@pytest.fixture(scope="module")
def found():
    """A small comparison of two policies at two sizes."""
    return compare(
        circle(90, seed=0, noise=0.05, width=3),
        ks=(12, 30),
        policies=("farthest", "random"),
        num_null=4,
    )


def by_name(figure, start):
    """Return the traces whose names begin with `start`."""
    return [trace for trace in figure.data if (trace.name or "").startswith(start)]


def test_the_diagram_figure_holds_every_bar_and_the_matching(found):
    """Open and filled marks per dimension carry the bars; a line joins each pair, none beyond the
    distance.
    """
    kept = found.diagrams["farthest"][30]
    figure = diagram_figure(found.full, kept, radius=1.0, title="t")
    for dim in (0, 1):
        (whole,), (few,) = by_name(figure, f"H{dim} whole"), by_name(figure, f"H{dim} landmarks")
        assert np.array_equal(np.column_stack([whole.x, whole.y]), found.full[dim])
        assert np.array_equal(np.column_stack([few.x, few.y]), kept[dim])
        assert whole.marker.symbol != few.marker.symbol
    lines = [trace for trace in figure.data if trace.mode == "lines" and trace.name is None][1:]
    for dim, trace in zip((0, 1), lines, strict=True):
        pairs = matching(found.full[dim], kept[dim])
        assert len(trace.x) == 3 * ((pairs.left >= 0) & (pairs.right >= 0)).sum()
        ends = np.column_stack([trace.x, trace.y]).astype(float).reshape(-1, 3, 2)
        assert (
            np.abs(ends[:, 0] - ends[:, 1]).max(initial=0)
            <= bottleneck(found.full[dim], kept[dim]) + 1e-12
        )
    assert by_name(figure, "no longer than 2r = 2")


def test_a_diagram_figure_of_nothing_is_a_figure():
    """Empty diagrams have axes and no error."""
    none = {0: np.zeros((0, 2)), 1: np.zeros((0, 2))}
    assert len(diagram_figure(none, none).data) == 5


def test_the_curve_figure_holds_rows_bounds_and_the_band(found):
    """Per policy the distances and a dashed 2r; the null model's band from low to high."""
    figure = curve_figure(found, dim=1)
    for policy in found.policies:
        rows = found.select(policy=policy, dim=1)
        solid = next(trace for trace in figure.data if trace.name == policy)
        dashed = next(trace for trace in figure.data if trace.name == f"{policy} 2r")
        assert list(solid.y) == [row.bottleneck for row in rows]
        assert list(dashed.y) == [row.bound for row in rows]
        assert dashed.line.dash == "dash"
    (band,) = by_name(figure, "random subsets")
    rows = found.select(policy="farthest", dim=1)
    assert list(band.y) == [row.null_low for row in rows] + [
        row.null_high for row in reversed(rows)
    ]


def test_the_band_of_chance_is_of_the_sizes_compared():
    """Policy "all" named first does not turn the band into that of drawing everything, which is
    zero.
    """
    points = circle(40, seed=1, noise=0.05)
    found = compare(points, ks=(10, 20), policies=("all", "farthest"), num_null=3)
    (band,) = by_name(curve_figure(found, dim=0), "random subsets")
    rows = found.select(policy="farthest", dim=0)
    assert list(band.y) == [row.null_low for row in rows] + [
        row.null_high for row in reversed(rows)
    ]
    assert min(band.y) > 0
    alone = compare(points, ks=(10,), policies=("farthest", "all"), num_null=3)
    turned = compare(points, ks=(10,), policies=("all", "farthest"), num_null=3)
    assert turned.chance(0) == alone.chance(0)


def test_policies_differ_in_shape_as_well_as_colour(found):
    """Nobody needs colour to read a curve."""
    figure = curve_figure(found)
    marks = [
        (trace.marker.symbol, trace.line.color)
        for trace in figure.data
        if trace.mode == "lines+markers"
    ]
    assert len({symbol for symbol, _ in marks}) == len({colour for _, colour in marks}) == 2


def test_barcodes_draw_bars_and_count_the_hidden(found):
    """A line per bar up to the number allowed; the name says how many are hidden."""
    figure = barcode_figure(
        {"whole": found.full, "landmarks": found.diagrams["random"][12]}, most=5
    )
    (first,) = by_name(figure, "whole H0")
    assert np.isnan(np.asarray(first.x, dtype=float)).sum() == 5
    assert f"{len(found.full[0]) - 5:,} shorter ones hidden" in first.name


def test_betti_curves_start_with_every_token(found):
    """At scale zero as many components are alive as there are bars of H0."""
    figure = betti_figure(found.full, found.diagrams["random"][12])
    assert by_name(figure, "H0 whole")[0].y[0] == len(found.full[0])
    assert by_name(figure, "H0 landmarks")[0].line.dash == "dash"


def test_both_images_share_their_axes(found):
    """The two heat maps can be compared pixel by pixel: places and colours mean the same in
    both.
    """
    one, two = image_figure(found.full[1], found.diagrams["farthest"][30][1], resolution=8).data
    assert one.coloraxis == two.coloraxis == "coloraxis"
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.y, two.y)
    assert np.asarray(one.z).shape == (8, 8)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_cloud_figure_shows_tokens_landmarks_and_a_loop(axes):
    """Landmarks are a trace of their own with another shape; the loop is closed; two or three
    dimensions.
    """
    coords = gauss(20, axes, seed=1)
    tokens, marks, loop = cloud_figure(coords, landmarks=[3, 5], loop=[0, 1, 2, 7]).data
    assert (len(tokens.x), len(marks.x), len(loop.x)) == (18, 2, 5)
    assert loop.x[0] == loop.x[-1]
    assert marks.marker.symbol == "diamond"
    assert np.array_equal(np.asarray(marks.y), coords[[3, 5], 1])


def test_hostile_tokens_and_titles_are_text():
    """No markup, control or direction character of a token reaches a hover label or title."""
    texts = [HOSTILE[at % len(HOSTILE)] for at in range(20)]
    figure = cloud_figure(
        gauss(20, 2, seed=2), texts=texts, landmarks=[1], title=HOSTILE[1], value_name=HOSTILE[0]
    )
    shown = " ".join([*figure.data[0].text, *figure.data[1].text, figure.layout.title.text])
    assert "<" not in shown
    assert not any(char in shown for char in "\u202e\x1b\x00\ud800\u2028")
    assert "&lt;img src=x" in shown
    json.dumps(figure.to_plotly_json(), default=str).encode("utf-8")


def test_a_cloud_beyond_the_cap_says_how_much_it_shows(monkeypatch):
    """An even share of the tokens and every landmark."""
    monkeypatch.setattr("warpviz.topology.comparison.figures_cloud.MAX_SHOWN", 10)
    figure = cloud_figure(gauss(100, 2, seed=3), landmarks=[50])
    assert (len(figure.data[0].x), len(figure.data[1].x)) == (10, 1)
    assert "showing 11 of 100" in figure.layout.title.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"coords": np.zeros((4, 5))}, r"must be \[N, 2\] or \[N, 3\], got shape \(4, 5\)"),
        (
            {"coords": np.zeros((4, 2)), "texts": ["one"]},
            "4 points need as many values and texts, got 4 and 1",
        ),
        ({"coords": np.zeros((4, 2)), "landmarks": [7]}, "landmarks must lie in"),
    ],
)
def test_bad_clouds_are_named(settings, said):
    """Shapes that do not fit are refused with both numbers."""
    with pytest.raises(ValueError, match=said):
        cloud_figure(**settings)
