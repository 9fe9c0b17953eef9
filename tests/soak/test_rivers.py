"""A few rounds of the soak: it measures what it says, and nothing stays behind a run."""

import pytest

from tests.soak.rivers import Round, report, slope, soak


@pytest.mark.slow
def test_nothing_stays_behind_a_run() -> None:
    """After the first two runs, one of each mode, no thread and no descriptor is added."""
    rounds = soak(0, least=5)
    assert {(each.threads, each.descriptors) for each in rounds[2:]} == {
        (rounds[1].threads, rounds[1].descriptors)
    }
    assert all(each.spawns for each in rounds)


def test_a_slope_leaves_out_the_warm_up() -> None:
    """What grows only at first is flat; what grows by two a run has a slope of two."""
    assert slope([0.0, 9.0, *[10.0] * 8]) == pytest.approx(0)
    assert slope([2.0 * number for number in range(10)]) == pytest.approx(2)


def test_the_report_says_what_was_held() -> None:
    """Runs, streams, and a line for each measure."""
    found = report([Round(100.0, 3, 20, 0.5, 7)] * 10)
    assert found.startswith("10 runs, 70 streams\nrss_mb: ")
    assert "threads: " in found
    assert "most 100.00" in found
