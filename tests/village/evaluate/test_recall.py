"""The recorded recall over sparse landmarks, and what a notebook says of it."""

import json
from pathlib import Path

import pytest
from warp_cortex import POLICIES, bundled

from warpviz.village.evaluate import recall

ROOT = Path(__file__).parents[3]


def test_the_bundled_record_is_the_published_one() -> None:
    """What a notebook shows is the file in docs/benchmarks, byte for byte."""
    published = ROOT / "docs" / "benchmarks" / "village.json"
    assert bundled(recall.RECORD).read_bytes() == published.read_bytes()


def test_the_table_has_a_row_per_cell() -> None:
    """Every cell of the record is a row, with its share inside its interval."""
    found = recall.recorded()
    assert len(found) == len(
        json.loads(bundled(recall.RECORD).read_text(encoding="utf-8"))["sparse"]["cells"]
    )
    assert set(found["policy"]) <= {*POLICIES, "ends"}
    assert ((found["low"] <= found["share"]) & (found["share"] <= found["high"])).all()
    assert (found["n"] >= 200).all()


@pytest.mark.parametrize("k", [64, 128])
def test_keydiff_beats_hybrid_for_the_bundled_model(k: int) -> None:
    """Notebook 02 says so; at 1,024 tokens the two intervals do not even touch."""
    found = recall.recorded().query("tokens == 1024 and k == @k").set_index("policy")
    assert found.loc["keydiff", "low"] > found.loc["hybrid", "high"]
    assert "keydiff" in (ROOT / "notebooks" / "02_persistence.ipynb").read_text(encoding="utf-8")
