"""Times and bytes: quantiles that mean what they say, repeats that are counted, peaks that are
seen.
"""

import statistics
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from warpviz.bench.harness import machine, timing
from warpviz.bench.harness.timing import PeakBytes, TimeSpread, tidy, time_of, wait

CPU = torch.device("cpu")
TIMES = st.lists(st.floats(1e-9, 1e3), min_size=1, max_size=60).map(tuple)


@given(seconds=TIMES, share=st.floats(0, 1))
def test_a_quantile_is_a_time_that_was_measured(seconds: tuple[float, ...], share: float) -> None:
    """At least that share of the repeats stayed within it, and one of them took just so long."""
    found = TimeSpread(seconds).quantile(share)
    assert found in seconds
    assert sum(one <= found for one in seconds) >= share * len(seconds) - 1e-9


@given(seconds=TIMES, low=st.floats(0, 1), high=st.floats(0, 1))
def test_quantiles_are_in_order(seconds: tuple[float, ...], low: float, high: float) -> None:
    """A larger share never has the smaller time; 0 and 1 are the ends."""
    spread = TimeSpread(seconds)
    low, high = sorted((low, high))
    assert spread.quantile(low) <= spread.quantile(high)
    assert (spread.quantile(0), spread.quantile(1)) == (min(seconds), max(seconds))


@given(seconds=TIMES, factor=st.floats(0.5, 2))
def test_a_spread_has_no_unit(seconds: tuple[float, ...], factor: float) -> None:
    """Slower by a factor is slower in the median, and as far apart as before."""
    one = TimeSpread(seconds)
    other = TimeSpread(tuple(factor * second for second in seconds))
    assert other.median == pytest.approx(factor * one.median)
    assert other.relative == pytest.approx(one.relative, rel=1e-6, abs=1e-9)
    assert one.median == statistics.median(seconds)


def test_equal_times_lie_together() -> None:
    """No spread where there is none, and a known one where there is."""
    assert TimeSpread((2.0,) * 9).relative == 0
    assert TimeSpread(tuple(map(float, range(1, 12)))).relative == pytest.approx((10 - 2) / 6)


def test_work_is_done_as_often_as_told() -> None:
    """Warm-up runs are done and not timed."""
    calls: list[int] = []
    spread = time_of(lambda: calls.append(1), CPU, repeats=5, warm=3)
    assert len(calls) == 8
    assert len(spread.seconds) == 5
    assert min(spread.seconds) >= 0


def test_a_peak_is_seen_after_it_is_gone() -> None:
    """Sixteen million bytes that were held for a moment are in the peak, and later measurements
    begin without them.
    """
    tidy(CPU)
    peak = PeakBytes(CPU)
    before = peak.read()
    held = torch.ones(16_000_000, dtype=torch.uint8)
    assert int(held.sum()) == 16_000_000
    del held
    assert peak.read() - before >= 12_000_000
    assert PeakBytes(CPU).read() < 12_000_000


def test_where_nothing_is_told_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A status without the line gives zero bytes."""
    (tmp_path / "status").write_text("Name: x\nVmRSS:\t 12 kB\n")
    monkeypatch.setattr(timing, "STATUS", tmp_path / "status")
    assert timing._status_bytes("VmRSS") == 12 * 1024
    assert timing._status_bytes("VmHWM") == 0
    wait(CPU)


def test_a_table_says_where_it_comes_from() -> None:
    """Machine, day, seed, versions and threads are in the record and in the sentence; the load
    where it was taken.
    """
    record = machine.provenance("cpu", seed=7)
    assert record["seed"] == 7
    assert record["date"].endswith(" UTC")
    assert record["machine"].startswith(machine.processor())
    assert f"({machine.instructions()})" in record["machine"]
    said = machine.sentence(record)
    for name in ("machine", "date", "python", "torch", "transformers"):
        assert str(record[name]) in said
    assert "seed 7" in said
    assert "load" not in said
    assert "load 2.5 before" in machine.sentence(record | {"load": 2.5})
    assert machine.sentence(record | {"gpu": "One"}).startswith("One; ")
    assert machine.load()["load"] >= 0
    assert machine.memory_gib() > 1


def test_bytes_are_counted_by_owner() -> None:
    """What is still held counts as steady, what was let go only in the peak; freed memory hides
    neither.
    """
    for _ in range(2):  # the second time the C library has freed memory to give away
        peak = PeakBytes(CPU)
        kept = torch.ones(8 * 2**20, dtype=torch.uint8)
        gone = torch.ones(64 * 2**20, dtype=torch.uint8)
        del gone
        found = peak.by_owner()
        assert found["process_bytes"] == found["steady_bytes"] >= kept.numel() * 0.9
        assert found["process_peak_bytes"] == found["peak_bytes"] >= 72 * 2**20 * 0.9
        assert found["peak_bytes"] > found["steady_bytes"]
        del kept
