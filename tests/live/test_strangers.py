"""Strangers: shares, histograms and axes, by hand."""

import numpy as np
from warp_cortex import Calibration

from warpviz.live.strangers import accepted_share, axis_of, bars, null_of, shares_above

NULL = {"likelihood": [0.01, 0.02, 0.02, 0.06]}


def calibration(**similarities: list[float]) -> Calibration:
    """Return a calibration under the scorer raw."""
    return Calibration(step=0, scorer="raw", theta=0.1, share=0.05, similarities=similarities)


def test_a_theta_accepts_a_share_of_the_strangers() -> None:
    """Those of at least theta; None where none were measured."""
    thetas = (0.0, 0.02, 0.021, 0.06, 1.0)
    found = [accepted_share(NULL, "likelihood", theta) for theta in thetas]
    assert found == [1.0, 0.75, 0.25, 0.25, 0.0]
    assert accepted_share(NULL, "raw", 0.1) is None


def test_a_value_has_the_share_of_strangers_at_least_as_similar() -> None:
    """The share that its own value as a threshold accepts; NaN stays NaN."""
    values = [0.02, 0.5, np.nan]
    assert shares_above(NULL, "likelihood", values)[:2].tolist() == [0.75, 0.0]
    assert np.isnan(shares_above(NULL, "likelihood", values)[2])
    assert np.isnan(shares_above({}, "raw", values)).all()


def test_strangers_of_several_runs_are_pooled() -> None:
    """All calibrations count, sorted; other events do not."""
    events = [calibration(raw=[0.3]), calibration(raw=[0.1, 0.4], centred=[0.2])]
    assert null_of(events) == {"raw": [0.1, 0.3, 0.4], "centred": [0.2]}
    assert null_of([]) == {}


def test_an_axis_holds_its_values() -> None:
    """A cosine's axis is [-1, 1]; a likelihood's begins at 0 and ends above its largest value."""
    assert axis_of("centred", [0.2]) == (-1.0, 1.0)
    for value in (0.0, 0.03, 0.28, 0.3, 0.99, 1.0):
        low, high = axis_of("likelihood", [value, np.nan])
        assert low == 0
        assert max(value, 0.1) <= high <= 1
    assert axis_of("likelihood", []) == (0.0, 0.1)


def test_bars_count_every_stranger_once() -> None:
    """The tallest bar has height 1, and every bar covers its values."""
    found = bars(NULL, "likelihood", (0.0, 0.1))
    assert [height for _, _, height in found] == [0.5, 1.0, 0.5]
    for (low, high, _), value in zip(found, (0.01, 0.02, 0.06), strict=True):
        assert low <= value <= high
    assert bars({}, "raw", (-1.0, 1.0)) == []
