"""The bench of long contexts, tried out at sizes that take seconds; nothing here is timed."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from warpviz.bench.engine import longcontext


def measured(tmp_path: Path, *flags: str) -> dict[str, Any]:
    """Return the record of a small run."""
    parser = argparse.ArgumentParser()
    longcontext.configure(parser)
    common = (
        "--model",
        "tiny-shape",
        "--repeats",
        "2",
        "--k",
        "24",
        "--json",
        "--out",
        str(tmp_path),
    )
    return longcontext.run(parser.parse_args([*common, *flags]))


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One run over two contexts."""
    return measured(tmp_path_factory.mktemp("tables"), "--context", "150,1200", "--seed", "3")


def test_every_row_has_every_figure(record):
    """Both contexts are measured to the end, with repeats' spread, machine, date and seed."""
    assert [section.get("failed") for section in record["sections"]] == [None, None]
    short, long = record["rows"]
    assert [short["context"], long["context"]] == [150, 1200]
    assert short.keys() == long.keys()
    for name in ("river_token", "first_publish", "unfollowed_publish", "select", "later_publish"):
        assert short[f"{name}_ms"] > 0
        assert short[f"{name}_spread"] >= 0
        assert short[f"{name}_cpu_ms"] > 0
    assert short["select_in_river_tokens"] == short["select_cpu_ms"] / short["river_token_cpu_ms"]
    assert 0 < short["follow_share"] < 1
    assert 0 < short["follow_ms"] < short["read_cpu_ms"]
    assert record["provenance"]["seed"] == 3
    assert {"machine", "date", "torch"} <= record["provenance"].keys()


def test_a_later_snapshot_costs_the_same_for_any_length(record):
    """Distances computed later do not depend on the context; those of a choice among everything
    do.
    """
    short, long = record["rows"]
    most = (128 + 2 * longcontext.NEW) * 128
    assert short["later_distances"] <= most
    assert long["later_distances"] <= most
    assert long["all_distances"] > 7 * short["all_distances"]
    assert long["kept_bytes"] <= short["kept_bytes"] + 8 * 128 * 8


def test_what_is_kept_while_reading_is_in_the_estimate(record):
    """A float32 copy of what the cache has room for, and one number a token; peaks are of process
    or device.
    """
    for row in record["rows"]:
        room = row["context"] + longcontext.ROOM * longcontext.NEW
        assert row["followed_bytes"] == room * (3 * 2 * 64 + 1) * 4 < row["estimated_bytes"]


def test_the_certified_radius_is_an_upper_bound(record):
    """What is certified is no less than what is true."""
    for row in record["rows"]:
        # units of the first snapshot, hardly drifted
        assert row["true_radius"] <= row["certified_radius"] * 1.01
        assert 0 <= row["landmarks_in_common"] <= 24


def test_what_does_not_fit_is_a_row_that_says_so(tmp_path, monkeypatch):
    """No memory: the row names the bytes, nothing is read, and the bench goes on."""
    monkeypatch.setattr(longcontext.budget, "available_bytes", lambda _: 1234)
    (row,) = measured(tmp_path, "--context", "150")["rows"]
    assert "1,234 are available on cpu" in row["skipped"]
    assert "read_ms" not in row


def test_one_json_object_and_the_tables(tmp_path, capsys):
    """`--json` prints one object; the folder holds the same as JSON and as markdown."""
    parser = argparse.ArgumentParser()
    longcontext.configure(parser)
    flags = [
        "--model",
        "tiny-shape",
        "--context",
        "140",
        "--repeats",
        "1",
        "--json",
        "--out",
        str(tmp_path),
    ]
    assert longcontext.execute(parser.parse_args(flags)) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["rows"][0]["context"] == 140
    assert json.loads((tmp_path / "longcontext.json").read_text())["bench"] == "longcontext"
    assert "| first_publish_ms |" in (tmp_path / "longcontext.md").read_text()
