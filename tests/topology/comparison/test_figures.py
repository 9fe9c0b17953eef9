"""The figure of two diagrams holds the numbers it shows, and hostile text as text."""

import numpy as np
import pytest

from tests.topology.shapes import HOSTILE, circle
from warpviz.topology import compare
from warpviz.topology.comparison.figures import diagram_figure
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
    """Open and filled marks carry the bars; a line joins each pair, none beyond the distance."""
    kept = found.diagrams["farthest"][30]
    figure = diagram_figure(found.full, kept, radius=1.0, title="t")
    for dim in (0, 1):
        (whole,) = by_name(figure, f"H{dim} whole")
        (few,) = by_name(figure, f"H{dim} landmarks")
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


def test_hostile_titles_are_text(found):
    """No markup, control or direction character of a model reaches the title."""
    kept = found.diagrams["farthest"][30]
    for text in HOSTILE:
        title = diagram_figure(found.full, kept, title=text).layout.title.text
        assert "<" not in title.replace("<br>", "")
        assert not any(char in title for char in "\u202e\x1b\x00\ud800\u2028")
        title.encode("utf-8")
