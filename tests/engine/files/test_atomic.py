"""Files that belong together are replaced together; a failure leaves the old ones and no rest."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from warp_cortex import write_files
from warp_cortex.files.atomic import partial_path, writer_of


def held(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def full(_: Path) -> None:
    """Fail as a full disk does."""
    raise OSError(28, "No space left on device")


def half(path: Path) -> None:
    """Write a part of a file, then be interrupted."""
    path.write_bytes(b"half")
    raise KeyboardInterrupt


def test_bytes_functions_and_removals_are_one_change(tmp_path: Path) -> None:
    """A file is given as bytes or as a function that writes it; None removes one; nothing else."""
    (tmp_path / "old").write_bytes(b"old")
    contents = {
        tmp_path / "old": None,
        tmp_path / "a": b"1",
        tmp_path / "b": lambda path: path.write_bytes(b"2"),
        tmp_path / "never": None,
    }
    write_files(contents)
    assert held(tmp_path) == {"a": b"1", "b": b"2"}


@pytest.mark.parametrize(("fail", "error"), [(full, OSError), (half, KeyboardInterrupt)])
def test_a_failure_leaves_every_old_file(tmp_path: Path, fail, error) -> None:
    """If the last file cannot be written, the first ones keep their content; no rest is left."""
    old = {tmp_path / "a": b"old a", tmp_path / "b": b"old b"}
    write_files(old)
    with pytest.raises(error):
        write_files({tmp_path / "a": b"new a", tmp_path / "b": fail})
    assert held(tmp_path) == {"a": b"old a", "b": b"old b"}


def test_files_take_their_places_in_the_order_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure between two moves leaves the first file new and the second old, and no rest."""
    write_files({tmp_path / "z": b"old", tmp_path / "a": b"old"})
    replace = Path.replace

    def refuse_a(self: Path, target: Path) -> Path:
        if target.name == "a":
            full(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_a)
    with pytest.raises(OSError, match="No space left"):
        write_files({tmp_path / "z": b"new", tmp_path / "a": b"new"})
    assert held(tmp_path) == {"z": b"new", "a": b"old"}


def test_files_of_two_folders_are_refused(tmp_path: Path) -> None:
    """What cannot be locked as one is named, before anything is written."""
    with pytest.raises(ValueError, match=r"must be in one folder, got .*one, .*two"):
        write_files({tmp_path / "one" / "a": b"", tmp_path / "two" / "b": b""})
    assert not held(tmp_path)


def test_nothing_to_write_is_nothing_done() -> None:
    """An empty set of files needs no folder."""
    write_files({})


WRITER = """
import sys
from pathlib import Path
from warp_cortex import write_files
folder = Path(sys.argv[1])
name = sys.argv[2].encode()
for number in range(60):
    write_files({folder / "a": name, folder / "b": name})
"""


def test_writers_at_the_same_time_never_mix_a_pair(tmp_path: Path) -> None:
    """Two processes and two threads that write one pair all succeed; a pair of one stays."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}/engine"}
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name], env=environment)
        for name in ("first", "second")
    ]
    errors: list[Exception] = []

    def write(name: bytes) -> None:
        for _ in range(60):
            try:
                write_files({tmp_path / "a": name, tmp_path / "b": name})
            except OSError as error:
                errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in (b"third", b"fourth")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    found = held(tmp_path) if all(process.wait(60) == 0 for process in processes) else {}
    assert found.keys() == {"a", "b"}
    assert found["a"] == found["b"]


def test_a_partial_name_says_whose_it_is() -> None:
    """It is hidden, new each time, and names the process; other names belong to no process."""
    path = Path("folder/trace.npz")
    first = partial_path(path)
    second = partial_path(path)
    assert first != second
    assert first.parent == path.parent
    assert first.name.startswith(".trace.npz.")
    assert writer_of(first) == os.getpid()
    assert [writer_of(Path(name)) for name in ("trace.npz", "x.12.part", ".a.b.part")] == [None] * 3
