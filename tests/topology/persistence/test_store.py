"""The disk cache: addressed by content, safe against damage, bounded."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from tests.topology.shapes import circle, gauss
from warpviz.topology.persistence.diagrams import diagrams
from warpviz.topology.persistence.store import (
    DiagramStore,
    default_root,
    from_arrays,
    key_of,
    to_arrays,
)


@pytest.fixture
def store(tmp_path):
    """An empty store in a folder of its own."""
    return DiagramStore(tmp_path / "cache")


def same(one, two):
    """Say whether two diagrams are equal in every bit."""
    settings = (
        "complex",
        "threshold",
        "essential",
        "num_essential",
        "num_points",
        "num_duplicates",
        "num_merged",
        "sample_radius",
    )
    assert all(getattr(one, name) == getattr(two, name) for name in settings)
    assert np.array_equal(one.used, two.used)
    assert one.dims == two.dims
    return all(np.array_equal(one[dim], two[dim]) for dim in one.dims)


@pytest.mark.parametrize(
    "settings",
    [{}, {"threshold": 1.0}, {"complex": "witness-weak"}, {"max_dim": 2, "max_points": 20}],
)
def test_what_is_put_comes_back_bit_for_bit(store, settings):
    """Bars, rows used and every setting survive the disk."""
    points = circle(60, seed=0, noise=0.1)
    found = diagrams(points, **settings)
    key = key_of(points, settings)
    assert store.get(key) is None
    assert store.put(key, found) == store.path(key)
    assert same(store.get(key), found)


def test_the_key_is_the_content():
    """Equal points and settings share a key, whatever their container; any other bit changes it."""
    points = gauss(10, 3, seed=1)
    key = key_of(points, {"max_dim": 1})
    assert key == key_of(points.tolist(), {"max_dim": 1})
    assert key == key_of(np.asfortranarray(points), {"max_dim": 1})
    nudged = points.copy()
    nudged[3, 1] = np.nextafter(nudged[3, 1], 9)
    others = [
        key_of(nudged, {"max_dim": 1}),
        key_of(points, {"max_dim": 2}),
        key_of(points, {}),
        key_of(points.reshape(15, 2), {"max_dim": 1}),
        key_of(points[::-1], {"max_dim": 1}),
    ]
    assert len({key, *others}) == 6
    assert key_of(points, {"landmarks": np.array([1, 2])}) == key_of(points, {"landmarks": [1, 2]})


@pytest.mark.parametrize("engine", ["gudhi", "scipy"])
def test_diagrams_of_another_engine_are_computed_anew(engine, monkeypatch):
    """The key names the versions of GUDHI and of SciPy, whose Delaunay alpha complexes use."""
    points = gauss(10, 3, seed=9)
    before = key_of(points, {"complex": "alpha"})
    monkeypatch.setattr(
        "warpviz.topology.persistence.store.version",
        lambda name: "99" if name == engine else version(name),
    )
    assert key_of(points, {"complex": "alpha"}) != before


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text"])
def test_a_damaged_entry_is_ignored_and_written_anew(store, damage):
    """Whatever happened to the file: no exception, no wrong diagram; the next put repairs it."""
    points = gauss(30, 2, seed=2)
    found = diagrams(points)
    key = key_of(points, {})
    path = store.put(key, found)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "empty": b"",
            "cut": whole[:middle],
            "text": b"not an archive",
            "flipped": whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :],
        }[damage]
    )
    again = store.get(key)
    assert again is None or same(again, found)
    store.put(key, found)
    assert same(store.get(key), found)


def test_no_single_damaged_byte_gets_through(store):
    """Headers that claim a password, another compression or dimension read as nothing, too."""
    points = gauss(4, 2, seed=6)
    found = diagrams(points)
    key = key_of(points, {})
    path = store.put(key, found)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        again = store.get(key)
        assert again is None or same(again, found), at


def test_an_entry_of_another_kind_is_refused(store):
    """Arrays that are no diagrams, and objects to unpickle, read as nothing."""
    path = store.path("ab" * 32)
    path.parent.mkdir(parents=True)
    np.savez(path, h0=np.zeros((2, 2)))
    assert store.get("ab" * 32) is None
    np.savez(path, about=np.array({"complex": "rips"}, dtype=object))
    assert store.get("ab" * 32) is None
    arrays = to_arrays(diagrams(gauss(5, 2, seed=3)))
    with pytest.raises(ValueError, match="bars are not pairs"):
        from_arrays({**arrays, "h1": np.zeros((2, 3))})
    del arrays["h1"]
    with pytest.raises(ValueError, match="dimensions"):
        from_arrays(arrays)


def test_no_fragments_are_left(store):
    """After a put there is the entry and nothing else."""
    points = gauss(10, 2, seed=4)
    path = store.put(key_of(points, {}), diagrams(points))
    assert list(path.parent.iterdir()) == [path]


def test_threads_that_save_the_same_do_not_trip_over_each_other(store, monkeypatch):
    """Two threads write before either moves its file into place: both succeed."""
    points = gauss(10, 2, seed=8)
    both = Barrier(2, timeout=10)
    write = Path.write_bytes
    found = diagrams(points)
    key = key_of(points, {})

    def write_together(path, data):
        write(path, data)
        both.wait()

    monkeypatch.setattr(Path, "write_bytes", write_together)
    with ThreadPoolExecutor(2) as threads:
        stored = list(threads.map(store.put, [key] * 2, [found] * 2))
    assert stored == [store.path(key)] * 2
    assert same(store.get(key), found)
    assert [entry for entry in store.root.parent.rglob("*") if entry.is_file()] == [store.path(key)]


def test_a_disk_that_refuses_costs_nothing_but_time(tmp_path):
    """Where the folder cannot be made, put returns None and get finds nothing."""
    (tmp_path / "file").write_text("in the way")
    store = DiagramStore(tmp_path / "file" / "cache")
    assert store.put("ab" * 32, diagrams(gauss(5, 2, seed=5))) is None
    assert store.get("ab" * 32) is None


def test_a_full_disk_keeps_no_fragment(store, monkeypatch):
    """Where the disk fills up while an entry is written, put returns None and leaves nothing."""

    def fill_up(path, data):
        with path.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    assert store.put("ab" * 32, diagrams(gauss(5, 2, seed=7))) is None
    assert [entry for entry in store.root.rglob("*") if entry.is_file()] == []


def test_the_least_recently_used_entries_go_first(tmp_path):
    """Beyond the size allowed the oldest reads leave; the entry just written stays."""
    clouds = [gauss(40, 2, seed=seed) for seed in range(4)]
    keys = [key_of(points, {}) for points in clouds]
    size = DiagramStore(tmp_path / "probe").put(keys[0], diagrams(clouds[0])).stat().st_size
    store = DiagramStore(tmp_path / "cache", max_bytes=int(3.5 * size))
    for at, (key, points) in enumerate(zip(keys[:3], clouds[:3], strict=True)):
        os.utime(store.put(key, diagrams(points)), (1000 + at, 1000 + at))
    assert store.get(keys[0]) is not None  # read now: the second entry is the oldest from here on
    store.put(keys[3], diagrams(clouds[3]))
    assert [store.get(key) is not None for key in keys] == [True, False, True, True]


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    """WARPVIZ_CACHE wins; otherwise the platform's cache directory."""
    monkeypatch.setenv("WARPVIZ_CACHE", str(tmp_path))
    assert default_root() == tmp_path / "diagrams"
    monkeypatch.delenv("WARPVIZ_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr("sys.platform", "linux")
    assert default_root() == tmp_path / "xdg" / "warpviz" / "diagrams"
    monkeypatch.setattr("sys.platform", "darwin")
    assert default_root().parts[-4:] == ("Library", "Caches", "warpviz", "diagrams")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert default_root() == tmp_path / "local" / "warpviz" / "diagrams"


def test_without_a_folder_for_caches_nothing_is_kept(monkeypatch):
    """A container's user may have no home: the diagrams are computed again, and nothing fails."""
    monkeypatch.setattr("warpviz.topology.persistence.store.cache_folder", lambda: None)
    store, points = DiagramStore(), circle(30, seed=1)
    key = key_of(points, {})
    assert store.root is None
    assert store.put(key, diagrams(points)) is None
    assert store.get(key) is None
