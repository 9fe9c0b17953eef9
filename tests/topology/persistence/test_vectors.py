"""Betti curves, entropies, images and barcodes by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.topology.shapes import random_diagram
from warpviz.topology.persistence.vectors import (
    barcode,
    betti_curve,
    common_scales,
    image_extent,
    persistence_entropy,
    persistence_image,
)

BARS = np.array([[0.0, 4.0], [1.0, 2.0], [1.0, 3.0]])
NONE = np.zeros((0, 2))


def test_betti_curve_by_hand():
    """Bars are alive from their birth until just before their death."""
    assert betti_curve(BARS, np.array([0.0, 1.0, 2.0, 3.0, 4.0])).tolist() == [1, 3, 2, 1, 0]
    assert betti_curve(NONE, np.array([0.0, 1.0])).tolist() == [0, 0]


@given(st.integers(0, 10_000))
def test_the_area_under_a_betti_curve_is_the_total_length(seed):
    """Summed over a fine grid, classes alive times scale is the sum of the bars' lengths."""
    bars = random_diagram(np.random.default_rng(seed), 10)
    scales = common_scales(bars, count=20_001)
    area = betti_curve(bars, scales).sum() * (scales[1] - scales[0])
    assert area == pytest.approx((bars[:, 1] - bars[:, 0]).sum(), abs=0.01)


def test_scales_reach_the_last_death():
    """A common axis ends where the last bar of any diagram does; with no bars it is still an
    axis.
    """
    assert common_scales(BARS, NONE, count=5).tolist() == [0, 1, 2, 3, 4]
    assert common_scales(NONE)[-1] == 1.0


def test_entropy_by_hand():
    """Equal bars: log B, or 1 normalised; one bar or none: 0; the value is Shannon's."""
    equal = np.array([[0.0, 1.0], [2.0, 3.0], [5.0, 6.0]])
    assert persistence_entropy(equal, normalise=False) == pytest.approx(np.log(3))
    assert persistence_entropy(equal) == pytest.approx(1.0)
    assert persistence_entropy(equal[:1]) == 0.0
    assert persistence_entropy(NONE) == 0.0
    share = np.array([4, 1, 2]) / 7
    assert persistence_entropy(BARS, normalise=False) == pytest.approx(
        -(share * np.log(share)).sum()
    )


@given(st.integers(0, 10_000))
def test_entropy_ignores_scale_and_stays_in_range(seed):
    """Doubling every bar changes nothing; the normalised value lies in [0, 1]."""
    bars = random_diagram(np.random.default_rng(seed), 10)
    assert persistence_entropy(2 * bars) == pytest.approx(persistence_entropy(bars))
    assert 0.0 <= persistence_entropy(bars) <= 1.0


def test_an_image_holds_the_weight_of_its_bars():
    """With room around it a bar's Gaussian sums to its length, and its pixel is the brightest."""
    image = persistence_image(
        np.array([[5.0, 7.0]]), resolution=40, spread=0.2, extent=(0.0, 10.0, 4.0)
    )
    assert image.values.sum() == pytest.approx(2.0, abs=1e-6)
    row, column = np.unravel_index(image.values.argmax(), image.values.shape)
    assert image.lengths[row] <= 2.0 <= image.lengths[row + 1]
    assert image.births[column] <= 5.0 <= image.births[column + 1]


def test_images_add_up():
    """The image of a union is the sum of the images on the same axes."""
    extent = image_extent(BARS)
    whole = persistence_image(BARS, extent=extent, spread=0.5).values
    parts = sum(persistence_image(BARS[[at]], extent=extent, spread=0.5).values for at in range(3))
    assert whole == pytest.approx(parts)


def test_empty_diagrams_have_images_and_extents():
    """No bars: a dark image on unit axes; a single birth still has a width."""
    assert persistence_image(NONE).values.sum() == 0.0
    assert image_extent(NONE) == (0.0, 1.0, 1.0)
    assert image_extent(np.array([[0.0, 2.0]])) == (-1.0, 1.0, 2.0)
    with pytest.raises(ValueError, match="spread must be positive, got 0"):
        persistence_image(BARS, spread=0)


def test_a_barcode_shows_the_longest_and_counts_the_rest():
    """Two of three bars, longest first, one hidden."""
    found = barcode(BARS, most=2)
    assert (found.births.tolist(), found.deaths.tolist(), found.hidden) == ([0, 1], [4, 3], 1)
    assert barcode(NONE).hidden == 0
