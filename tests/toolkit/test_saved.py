"""`warpviz.load`: gives back what was written, and says what is wrong with what was not."""

from pathlib import Path

import numpy as np
import pytest
from warp_cortex import Token, Trace

import warpviz
from warpviz.topology import Comparison, compare


@pytest.fixture
def trace() -> Trace:
    """A trace of one token."""
    return Trace(events=[Token(step=1, id=7, text="mill", position=0)])


@pytest.fixture
def comparison() -> Comparison:
    """A small comparison of forty random points."""
    points = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    return compare(points, ks=(10,), policies=("farthest",), num_null=2, max_dim=0)


def test_a_trace_comes_back(trace: Trace, tmp_path: Path) -> None:
    """By its folder and by its file, a trace is read as it was saved."""
    trace.save(tmp_path)
    assert warpviz.load(tmp_path).events == trace.events
    assert warpviz.load(tmp_path / "trace.jsonl").dumps() == trace.dumps()


def test_a_comparison_comes_back(comparison: Comparison, tmp_path: Path) -> None:
    """By its folder and by its file, a comparison is read as it was saved."""
    comparison.save(tmp_path)
    assert warpviz.load(tmp_path) == comparison
    assert warpviz.load(str(tmp_path / "comparison.json")) == comparison


def test_a_folder_with_both_must_be_told_which(
    comparison: Comparison, trace: Trace, tmp_path: Path
) -> None:
    """A folder with a run and a comparison is ambiguous: the error asks for a file."""
    comparison.save(tmp_path)
    trace.save(tmp_path)
    with pytest.raises(ValueError, match="name one file"):
        warpviz.load(tmp_path)


@pytest.mark.parametrize("name", ["", "trace.jsonl", "comparison.json"])
def test_what_is_neither_is_refused(name: str, tmp_path: Path) -> None:
    """An empty folder and files of something else are value errors, not surprises."""
    if name:
        (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=r"neither|not a (trace|comparison)"):
        warpviz.load(tmp_path)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is named, with what would be accepted."""
    with pytest.raises(FileNotFoundError, match=r"nowhere.*comparison\.json"):
        warpviz.load(tmp_path / "nowhere")
