"""The two files of a trace: both new or both old, and never two runs read as one."""

import pathlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from warp_cortex.trace.trace import Token, Trace, load_trace


def token(number):
    """The n-th token of a river."""
    return Token(step=number, id=number, text=f" w{number}", position=number)


def pair(number):
    """A trace of one token, and arrays that say which one."""
    return Trace(events=[token(number)], arrays={"hidden": np.full((3, 2), number, np.float16)})


def test_arrays_of_other_events_are_left_out(tmp_path):
    """A pair of two runs loads as events alone, with a warning; other line ends do no harm."""
    pair(0).save(tmp_path / "one")
    pair(1).save(tmp_path / "two")
    events = tmp_path / "one" / "trace.jsonl"
    events.write_bytes(events.read_bytes().replace(b"\n", b"\r\n"))
    assert load_trace(tmp_path / "one").arrays.keys() == {"hidden"}
    (tmp_path / "two" / "trace.npz").replace(tmp_path / "one" / "trace.npz")
    with pytest.warns(UserWarning, match=r"trace\.npz belongs to other events than those of trace"):
        loaded = load_trace(tmp_path / "one")
    assert (loaded.events, loaded.arrays) == ([token(0)], {})


def test_a_trace_of_version_0_1_loads(tmp_path):
    """Its arrays name no events: they are read as they are."""
    trace = pair(0)
    folder = trace.save(tmp_path)
    np.savez(folder / "trace.npz", **trace.arrays)
    loaded = load_trace(folder)
    assert loaded.events == trace.events
    assert np.array_equal(loaded.arrays["hidden"], trace.arrays["hidden"])


@pytest.mark.parametrize("failing", [".jsonl.", ".npz."])
def test_a_save_that_fails_leaves_the_old_trace(tmp_path, monkeypatch, failing):
    """If the disk fills up at either file, both are the old ones, and no rest is left."""
    pair(0).save(tmp_path)
    write = pathlib.Path.write_bytes

    def full(path, data):
        if failing in path.name:
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        pair(1).save(tmp_path)
    loaded = load_trace(tmp_path)
    assert loaded.events == [token(0)]
    assert np.array_equal(loaded.arrays["hidden"], pair(0).arrays["hidden"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trace.jsonl", "trace.npz"]


def test_runs_that_save_into_one_folder_never_mix(tmp_path):
    """Every save of two threads succeeds, and what is left is one run's pair."""
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda number: pair(number % 2).save(tmp_path), range(60)))
    loaded = load_trace(tmp_path)
    assert loaded.arrays["hidden"][0, 0] == loaded.events[0].id
