"""A recording: the trace on the disk while it grows, one run's alone, and whole at the end."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from warp_cortex import Event, Finish, Recording, RunStart, Token, Trace, load_trace
from warp_cortex.files import atomic

START = RunStart(
    step=0, model="m", checksum="c", prompt="", prompt_tokens=[], seed=0, config={}, versions={}
)
LEFT_OPEN = """
import sys
from warp_cortex import Recording, Token, Trace
trace = Trace()
recording = Recording(trace, sys.argv[1])
trace.append(Token(step=1, id=1, text="a", position=0))
"""


def token(number: int) -> Token:
    """The n-th token of a river."""
    return Token(step=number, id=number, text=f" w{number}", position=number)


def files(folder: Path) -> list[str]:
    """The names of everything in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_events_are_there_while_the_run_goes(tmp_path: Path) -> None:
    """After a flush the file holds every event, and loads as a run without its end."""
    trace = Trace()
    with Recording(trace, tmp_path / "out") as recording:
        for event in (START, token(1), token(2)):
            trace.append(event)
            recording.flush()
            with pytest.warns(UserWarning, match=r"trace\.jsonl holds a run without its end: "):
                assert load_trace(tmp_path / "out").events == trace.events
        assert recording.path == tmp_path / "out" / "trace.jsonl"
        trace.append(Finish(step=2, stream=None, reason="end"))
    assert load_trace(tmp_path / "out").events == trace.events


def test_events_are_written_without_being_asked(tmp_path: Path) -> None:
    """A thread of its own writes them: no later event has to come."""
    trace = Trace()
    written = threading.Event()
    with Recording(trace, tmp_path) as recording:
        flush = recording.flush

        def noted() -> None:
            flush()
            if trace.events:
                written.set()

        recording.flush = noted  # type: ignore[method-assign] # to hear of it
        trace.append(token(1))
        assert written.wait(20)
        assert recording.path.read_bytes().count(b"\n") == 2


def test_at_the_end_the_files_are_those_of_a_save(tmp_path: Path) -> None:
    """Recorded or saved, the two files are the same bytes; closing twice is one close."""
    trace = Trace(arrays={"attention": np.zeros(4, np.float32)})
    with Recording(trace, tmp_path / "a") as recording:
        trace.append(token(1))
        recording.flush()
        trace.append(token(2))
    recording.close()
    trace.save(tmp_path / "b")
    assert files(tmp_path / "a") == ["trace.jsonl", "trace.npz"]
    for name in files(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_older_run_s_arrays_go_first(tmp_path: Path) -> None:
    """From the first moment on no array of another run is in the folder."""
    Trace(events=[token(0)], arrays={"attention": np.zeros(4, np.float32)}).save(tmp_path)
    with Recording(Trace(events=[token(1)]), tmp_path):
        assert files(tmp_path) == ["trace.jsonl"]
    assert load_trace(tmp_path).events == [token(1)]


def test_two_runs_into_one_folder_have_a_file_each(tmp_path: Path) -> None:
    """The second goes on under another name, and so does one whose place a save has taken."""
    traces = [Trace(arrays={"attention": np.full(4, number, np.float32)}) for number in range(3)]
    recordings = [Recording(trace, tmp_path) for trace in traces]
    for number, trace in enumerate(traces):
        trace.append(token(number))
    saved = Trace(events=[token(9)])
    saved.save(tmp_path)
    for recording in recordings:
        recording.close()
    own = [f"trace-{number}.{kind}" for number in (2, 3, 4) for kind in ("jsonl", "npz")]
    assert files(tmp_path) == [*own, "trace.jsonl"]
    assert load_trace(tmp_path).events == saved.events
    for recording, trace in zip(recordings, traces, strict=True):
        loaded = load_trace(recording.path)
        assert loaded.events == trace.events
        assert loaded.arrays["attention"][0] == trace.arrays["attention"][0]


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path) -> None:
    """Its trace is written once more, from the start."""
    trace = Trace(events=[token(1)])
    with Recording(trace, tmp_path / "out") as recording:
        recording.flush()
        recording.path.unlink()
        (tmp_path / "out").rmdir()
        trace.append(token(2))
    assert load_trace(tmp_path / "out").events == [token(1), token(2)]


class FullDisk:
    """A file that takes a few bytes more, then none until there is room again."""

    def __init__(self, file, room: int) -> None:
        self.file = file
        self.room = room

    def write(self, data: bytes) -> int:
        """Write what there is room for."""
        if not self.room:
            raise OSError(28, "No space left on device")
        count = self.file.write(data[: self.room])
        self.room -= count
        return count

    def __getattr__(self, name: str):
        return getattr(self.file, name)


def test_a_full_disk_keeps_what_was_written_and_tries_again(tmp_path: Path) -> None:
    """A line cut short is dropped by a reader, and completed as soon as there is room."""
    trace = Trace()
    recording = Recording(trace, tmp_path)
    recording._file = FullDisk(recording._file, 100)
    for number in range(4):
        trace.append(token(number))
    for _ in range(2):
        with pytest.raises(OSError, match=r"No space left on device: '.*trace\.jsonl'"):
            recording.flush()
    assert load_trace(tmp_path).events == [token(0)]
    recording._file.room = 10_000
    recording.close()
    assert load_trace(tmp_path).events == trace.events


def test_arrays_that_do_not_fit_leave_the_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names trace.npz; trace.jsonl is whole, and nothing half written is left."""

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    trace = Trace(events=[token(1)], arrays={"attention": np.zeros(4, np.float32)})
    recording = Recording(trace, tmp_path)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*trace\.npz"):
        recording.close()
    assert files(tmp_path) == ["trace.jsonl"]
    assert load_trace(tmp_path).events == [token(1)]


def test_a_script_that_ends_loses_nothing(tmp_path: Path) -> None:
    """A recording that is not closed writes the last events when the interpreter ends."""
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}/engine:{root}"}
    command = [sys.executable, "-c", LEFT_OPEN, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False, timeout=60).returncode == 0
    assert load_trace(tmp_path).events == [Token(step=1, id=1, text="a", position=0)]


def test_a_reader_meets_no_torn_pair(tmp_path: Path) -> None:
    """A trace that is loaded again and again while runs replace it is always one run's."""
    pairs = [
        Trace(events=[token(number)], arrays={"attention": np.full(9, number, np.float32)})
        for number in range(2)
    ]
    pairs[0].save(tmp_path)
    is_over = threading.Event()

    def save() -> None:
        for number in range(60):
            pairs[number % 2].save(tmp_path)
        is_over.set()

    writer = threading.Thread(target=save)
    writer.start()
    num_loaded = 0
    while not is_over.is_set() or not num_loaded:
        loaded = load_trace(tmp_path)  # a warning would be an error
        assert loaded.arrays["attention"][0] == loaded.events[0].id
        num_loaded += 1
    writer.join(20)
    assert not writer.is_alive()


def test_a_trace_says_whether_its_run_has_ended() -> None:
    """A run begins with its header and ends with the River; a stream's end is none."""
    end = Finish(step=1, stream=None, reason="end")
    stream = Finish(step=1, stream=1, reason="end")
    assert Trace(events=[]).has_ended
    assert not Trace(events=[START, token(1), stream]).has_ended
    assert Trace(events=[START, end, stream]).has_ended
    assert not Trace(events=[START, end, START]).has_ended


def test_the_number_of_threads_is_in_the_header() -> None:
    """It is written where it is known; traces from before have none."""
    assert "threads" not in json.loads(Trace(events=[START]).dumps().splitlines()[1])


def test_killed_writers_leave_nothing_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Partial files of processes that are gone are removed when they are old; others stay."""
    dead = (
        subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
        )
        .stdout.decode()
        .strip()
    )
    names = {
        name: tmp_path / f".trace.npz.{name}.0123abcd.part" for name in (dead, str(os.getpid()))
    }
    for path in names.values():
        path.touch()
    atomic.try_folder(tmp_path)
    assert all(path.exists() for path in names.values())
    monkeypatch.setattr(atomic, "STALE_S", -1)
    atomic.try_folder(tmp_path)
    assert files(tmp_path) == [names[str(os.getpid())].name]


def test_ctrl_c_at_any_moment_of_a_write_neither_loses_nor_doubles_an_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted before and behind the bytes' way into the file, events and arrays still match."""
    from warp_cortex.trace import recording

    trace = Trace()
    trace.arrays = {"middle": np.zeros((1, 2), dtype=np.float32)}
    monkeypatch.setattr(recording, "FLUSH_S", 1000)  # the thread stays out of it
    kept = Recording(trace, tmp_path)
    before = recording.line_of

    def interrupted(event: Event) -> bytes:
        monkeypatch.setattr(recording, "line_of", before)
        raise KeyboardInterrupt

    class Interrupting:
        """A file that is interrupted as soon as it has written."""

        def __init__(self, file: object) -> None:
            self.file = file

        def write(self, data: bytes) -> int:
            self.file.write(data)
            kept._file = self.file
            raise KeyboardInterrupt

        def __getattr__(self, name: str) -> object:
            return getattr(self.file, name)

    for number in range(3):
        trace.append(token(number))
        if number == 0:
            monkeypatch.setattr(recording, "line_of", interrupted)
        if number == 1:
            kept._file = Interrupting(kept._file)
        with contextlib.suppress(KeyboardInterrupt):
            kept.note()
    kept.close()
    loaded = load_trace(tmp_path)
    assert loaded.events == trace.events
    assert set(loaded.arrays) == {"middle"}
