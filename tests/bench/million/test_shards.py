"""Shards and their ledger: what is written stays, what is damaged is named, and nothing is counted
twice.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from queue import Queue
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpviz.bench.million import million, worker
from warpviz.bench.million.shards import Ledger, Shards, sweep
from warpviz.bench.million.summary import summary, text_of, totals
from warpviz.bench.million.worker import ThoughtNote, WorkPlan

CALL = {
    "slots": 4,
    "workers": 2,
    "interrupted": False,
    "finished": 8,
    "task_tokens": 80,
    "thought_tokens": 20,
    "ended": 8,
    "accepted": 3,
    "seconds": 4.0,
    "cpu_seconds": 8.0,
    "peak_rss_bytes": 100,
}


@given(agents=st.integers(1, 10_000), size=st.integers(1, 3000))
def test_every_agent_is_in_one_shard(agents: int, size: int) -> None:
    """Shards partition the agents in order; only the last one may be smaller."""
    shards = Shards(Path("nowhere"), agents, size)
    members = [shards.members(number) for number in range(shards.count)]
    assert [agent for part in members for agent in part] == list(range(agents))
    assert {len(part) for part in members[:-1]} <= {size}
    assert 1 <= len(members[-1]) <= size


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Arrays come back as they were, the shard is no longer missing, and no part of it lies
    about.
    """
    shards = Shards(tmp_path, 7, 3)
    arrays = {"agent": np.arange(3, dtype=np.int32), "known": np.array([True, False, True])}
    shards.write(1, arrays)
    assert shards.missing() == [0, 2]
    found = shards.read(1)
    assert found.keys() == arrays.keys()
    assert all(
        np.array_equal(found[name], arrays[name]) and found[name].dtype == arrays[name].dtype
        for name in arrays
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thoughts-00001.npz"]
    assert [part["agent"].tolist() for part in shards.present()] == [[0, 1, 2]]


@pytest.mark.parametrize("kept", [0, 10, 300, -1])
def test_a_shard_that_was_cut_short_is_missing(tmp_path: Path, kept: int) -> None:
    """A file without its end is not one of the finished: the next call writes it again."""
    shards = Shards(tmp_path, 8, 4)
    for number in (0, 1):
        shards.write(number, {"agent": np.arange(400), "known": np.arange(400) > 3})
    assert shards.missing() == []
    shards.path(0).write_bytes(shards.path(0).read_bytes()[:kept])
    assert shards.missing() == [0]


def test_what_killed_processes_left_half_written_goes(tmp_path: Path) -> None:
    """The partial file of a process that has ended is removed, and no other file."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    names = [
        f".thoughts-00000.npz.{gone.pid}.0123abcd.part",
        f".thoughts-00001.npz.{os.getpid()}.0123abcd.part",
        ".mine.npz.part",
        "x.npz",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"half")
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(names[1:])


@pytest.mark.parametrize("name", ["thoughts-00003.npz", "axes.npz"])
def test_results_without_a_record_belong_to_no_new_plan(tmp_path: Path, name: str) -> None:
    """Results whose run.json was deleted never become another plan's. A map is no result."""
    (tmp_path / "galaxy.npz").write_bytes(b"")
    assert Ledger(tmp_path / "run.json").open({"seed": 1}) == {"plan": {"seed": 1}, "calls": []}
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=rf"holds {name} but no run\.json that says what it is of"):
        Ledger(tmp_path / "run.json").open({"seed": 1})


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "turned"])
def test_a_damaged_shard_is_named(tmp_path: Path, damage: str) -> None:
    """However a file was damaged, the error names it and says what to do."""
    shards = Shards(tmp_path, 4, 4)
    shards.write(0, {"agent": np.arange(400)})
    path = shards.path(0)
    whole = path.read_bytes()
    middle = len(whole) // 2
    turned = (
        whole[:middle]
        + bytes(255 - byte for byte in whole[middle : middle + 20])
        + whole[middle + 20 :]
    )
    path.write_bytes(
        {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"hello", "turned": turned}[damage]
    )
    with pytest.raises(
        ValueError, match=r"thoughts-00000\.npz is damaged; delete it and repeat the run"
    ):
        list(shards.present())


def test_a_shard_with_objects_is_not_loaded(tmp_path: Path) -> None:
    """Nothing is unpickled: a file that holds Python objects counts as damaged."""
    shards = Shards(tmp_path, 4, 4)
    np.savez(shards.path(0), agent=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="is damaged"):
        shards.read(0)


def test_a_ledger_is_replaced_whole(tmp_path: Path) -> None:
    """The record is complete or the one before, and what was recorded is there again."""
    ledger = Ledger(tmp_path / "run.json")
    record = ledger.open({"seed": 1, "k": 64})
    record["calls"].append(CALL)
    ledger.save(record)
    assert ledger.read() == ledger.open({"seed": 1, "k": 64}) == record
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("content", ["", "[]", '{"plan": {}}', "{", "null"])
def test_something_else_is_no_ledger(tmp_path: Path, content: str) -> None:
    """A file that is no record of a run is refused by name, not written over."""
    path = tmp_path / "run.json"
    path.write_text(content)
    for use in (Ledger(path).read, lambda: Ledger(path).open({"seed": 1})):
        with pytest.raises(ValueError, match=r"run\.json is not the record of a run"):
            use()
    assert path.read_text() == content


def test_the_first_difference_of_plans_is_named(tmp_path: Path) -> None:
    """A setting that the record lacks counts as different too."""
    ledger = Ledger(tmp_path / "run.json")
    ledger.save(ledger.open({"seed": 1}))
    with pytest.raises(
        ValueError, match="k None, this call has 64; repeat that, or name another folder"
    ):
        ledger.open({"seed": 1, "k": 64})


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """`--show` prints what a folder holds, whatever the flags, and never writes."""
    with pytest.raises(ValueError, match="holds no run"):
        million.shown(tmp_path / "none")
    assert not list(tmp_path.iterdir())
    Ledger(tmp_path / "run.json").save({"plan": {"agents": 10, "shard": 4}, "calls": [CALL]})
    Shards(tmp_path, 10, 4).write(2, {"agent": np.arange(2)})
    before = sorted(path.name for path in tmp_path.iterdir())
    found = million.shown(tmp_path)
    assert (found["agents"], found["finished"], found["missing"]) == (10, 2, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "record",
    [
        {"plan": {}, "calls": []},
        {"plan": [], "calls": []},
        {"plan": {"agents": 0, "shard": 4}, "calls": []},
        {"plan": {"agents": 9, "shard": 4}, "calls": [{}]},
        {"plan": {"agents": 9, "shard": 4}, "calls": 3},
    ],
)
def test_a_record_that_was_damaged_is_named(tmp_path: Path, record: dict) -> None:
    """A record that lacks what every run writes down is refused by name."""
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match=r"run\.json is not the record of a run"):
        million.shown(tmp_path)


def test_damaged_axes_are_named_before_an_agent_thinks(tmp_path: Path) -> None:
    """This process names the file and what to do; no other process has been started."""
    (tmp_path / "axes.npz").write_bytes(b"PK no more")
    with pytest.raises(ValueError, match=r"axes\.npz is damaged; delete it and repeat the run"):
        million._measure_axes(
            WorkPlan("village", "float32", 70, 0, 160, 64, 20), 4, tmp_path, begin=pytest.fail
        )


def test_a_summary_adds_up_calls(tmp_path: Path) -> None:
    """Counts and seconds add up over calls, rates come from the sums, the peak is the highest,
    slots the latest.
    """
    later = CALL | {
        "finished": 2,
        "task_tokens": 20,
        "thought_tokens": 5,
        "seconds": 1.0,
        "peak_rss_bytes": 70,
        "slots": 9,
    }
    found = summary({"plan": {}, "calls": [CALL, later]}, Shards(tmp_path, 10, 10))
    assert (found["timed_agents"], found["finished"], found["tokens"], found["seconds"]) == (
        10,
        0,
        125,
        5.0,
    )
    assert found["agent_tokens_per_s"] == 25
    assert found["thought_tokens_per_s"] == 5
    assert found["tokens_per_cpu_s"] == 125 / 16
    assert (found["peak_rss_bytes"], found["slots"]) == (100, 18)


def test_a_folder_nobody_worked_on_has_no_rates(tmp_path: Path) -> None:
    """Without a call there is no division by zero."""
    found = summary({"plan": {}, "calls": []}, Shards(tmp_path, 10, 10))
    assert (
        found["tokens"],
        found["agent_tokens_per_s"],
        found["slots"],
        found["peak_rss_bytes"],
    ) == (0, 0, 0, 0)
    assert "repeat the call to go on" in text_of(found, tmp_path)
    assert "0 of 10 agents finished" in text_of(found, tmp_path)


def test_notes_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of all notes; several processes are this one's peak and the largest of theirs each."""
    monkeypatch.setattr("warpviz.bench.million.worker.peak_bytes", lambda: 1000)
    notes = [ThoughtNote(0, 5, 50, 10, 4, 2, 1.5, 300), ThoughtNote(1, 5, 60, 12, 5, 1, 2.5, 200)]
    found = totals(notes, 2)
    assert (found["finished"], found["task_tokens"], found["thought_tokens"]) == (10, 110, 22)
    assert (found["ended"], found["accepted"], found["cpu_seconds"]) == (9, 3, 4.0)
    assert found["peak_rss_bytes"] == 1000 + 2 * 300
    assert totals(notes, 1)["peak_rss_bytes"] == 1000
    assert totals([], 2)["peak_rss_bytes"] == 1000
    json.dumps(found)


@pytest.mark.parametrize("alive", [True, False])
def test_a_process_whose_parent_was_killed_stops(
    alive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker stops when its parent is gone: a repeated call must not find it at work."""
    asked: list[bool] = []
    parent = SimpleNamespace(is_alive=lambda: alive)
    monkeypatch.setattr(worker.multiprocessing, "parent_process", lambda: parent)
    monkeypatch.setattr(worker.signal, "signal", lambda *_: None)
    monkeypatch.setattr(worker.torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(worker, "work", lambda *_, stop, **__: asked.append(stop()))
    plan = WorkPlan("village", "float32", 70, 0, 160, 64, 20)
    worker.work_beside(plan, 4, Path(), numbers=Queue(), notes=Queue(), stop=Event())
    assert asked == [not alive]
