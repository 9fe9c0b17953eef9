"""The five files of a comparison: all new or all old, and never two comparisons read as one."""

import json
import pathlib

import pytest

from tests.topology.shapes import circle
from warpviz.topology import compare, load_comparison


@pytest.fixture(scope="module")
def found():
    """A small comparison."""
    return compare(circle(50, seed=0), ks=(10,), policies=("farthest",), num_null=1)


@pytest.fixture(scope="module")
def other():
    """A comparison of another cloud."""
    return compare(circle(60, seed=9), ks=(10,), policies=("farthest",), num_null=1)


def test_a_save_that_fails_leaves_the_old_comparison(found, other, tmp_path, monkeypatch):
    """If the disk fills up at the last file, all five are the old ones, and no rest is left."""
    found.save(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    write = pathlib.Path.write_bytes

    def full(path, data):
        if ".npz." in path.name:
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        other.save(tmp_path)
    assert load_comparison(tmp_path) == found
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_arrays_of_another_comparison_are_refused(found, other, tmp_path):
    """A mixed pair is named; a pair of version 0.1, which has no digest, still loads."""
    found.save(tmp_path / "one")
    paths = other.save(tmp_path / "two")
    paths["npz"].replace(tmp_path / "one" / "comparison_points.npz")
    message = r"comparison_points\.npz does not belong to comparison\.json"
    with pytest.raises(ValueError, match=message):
        load_comparison(tmp_path / "one")
    found.save(tmp_path / "one")
    path = tmp_path / "one" / "comparison.json"
    record = json.loads(path.read_text())
    del record["points_sha256"]
    path.write_text(json.dumps(record))
    assert load_comparison(tmp_path / "one") == found
