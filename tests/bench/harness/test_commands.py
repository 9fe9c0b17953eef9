"""The benchmarks' commands: one JSON object, tables on disk, and what was measured when they are
ended early.
"""

import argparse
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from warpviz.bench.engine import capacity, shape, steps
from warpviz.bench.harness.progress import Lines, Silent, _span
from warpviz.bench.million import million
from warpviz.bench.million.million import CallRecord
from warpviz.bench.million.shards import Ledger, Shards
from warpviz.bench.million.worker import ThoughtNote, WorkPlan
from warpviz.cli import main


def arguments(module: ModuleType, folder: Path, *flags: str) -> argparse.Namespace:
    """Return parsed flags of a benchmark over the tiny shape."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    small = (
        "--model",
        "tiny-shape",
        "--context",
        "64",
        "--own-tokens",
        "6",
        "--json",
        "--out",
        str(folder),
    )
    return parser.parse_args([*small, *flags])


def test_capacity_prints_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object whose rows are those of the file: every arm, every number of agents, every
    length.
    """
    args = arguments(
        capacity,
        tmp_path,
        "--agents",
        "2",
        "--context",
        "64,70",
        "--k",
        "16",
        "--arms",
        "landmarks shared,full cache shared",
    )
    assert capacity.execute(args) == 0
    found = json.loads(capsys.readouterr().out)
    kept = [
        row
        for part in json.loads((tmp_path / "capacity.json").read_text())["sections"]
        for row in part["rows"]
    ]
    assert found["rows"] == kept
    assert [(row["context"], row["agents"], row["arm"]) for row in kept] == [
        (tokens, agents, arm)
        for tokens in (64, 70)
        for agents in (2,)
        for arm in ("landmarks shared", "full cache shared")
    ]
    page = (tmp_path / "capacity.md").read_text()
    assert "## Capacity, context of 64 tokens" in page
    assert "## Capacity, context of 70 tokens" in page


def test_a_budget_ends_capacity_between_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not fit is not run: the first row is there, the table says why it ends, the exit
    code is 1.
    """
    args = arguments(
        capacity, tmp_path, "--agents", "1,2,3", "--minutes", "1", "--arms", "landmarks shared"
    )
    rows = capacity.rows_of
    now = [0.0]
    monkeypatch.setattr("warpviz.bench.harness.report.time.monotonic", lambda: now[0])

    def slow(*given: Any, **more: Any):
        for row in rows(*given, **more):
            now[0] += 100
            yield row

    monkeypatch.setattr(capacity, "rows_of", slow)
    assert capacity.execute(args) == 1
    (section,) = json.loads((tmp_path / "capacity.json").read_text())["sections"]
    assert [row["agents"] for row in section["rows"]] == [1]
    assert "budget of 1 minutes is spent" in section["failed"]


def test_ctrl_c_keeps_what_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """`warpviz bench steps` interrupted in its second row: 130, one line, and the first row is on
    disk.
    """
    measured = steps.measured

    def interrupted(scene: Any, count: int, **more: Any) -> dict[str, Any]:
        if count == 2:
            raise KeyboardInterrupt
        return measured(scene, count, **more)

    monkeypatch.setattr(steps, "measured", interrupted)
    flags = [
        "--model",
        "tiny-shape",
        "--context",
        "64",
        "--own-tokens",
        "6",
        "--repeats",
        "1",
        "--dtypes",
        "float32",
    ]
    assert (
        main(["bench", "steps", *flags, "--agents", "1,2", "--json", "--out", str(tmp_path)]) == 130
    )
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "interrupted" in err
    (section,) = json.loads((tmp_path / "steps.json").read_text())["sections"]
    assert [row["agents"] for row in section["rows"]] == [1]
    assert section["failed"] == "interrupted"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["capacity", "--arms", "copies"], "'copies' is unknown; accepted: landmarks shared"),
        (["capacity", "--agents", "0"], "every number must be at least 1"),
        (["capacity", "--own-tokens", "1"], "--own-tokens: must be at least 2, got 1"),
        (["capacity", "--k", "many"], "--k: 'many' is no whole number"),
        (["steps", "--repeats", "0"], "--repeats: must be at least 1, got 0"),
        (["steps", "--dtypes", "int8"], "accepted: bfloat16, float32"),
        (["million", "--slots", "0"], "--slots must be between 1 and 65,536, got 0"),
        (["million", "--show", "--out", "nowhere"], "nowhere holds no run"),
        (["galaxy", "--of", "nowhere"], "nowhere holds no run"),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_mistake_is_one_line(
    command: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """Exit code 2 and one line that says what would be accepted; nothing is written."""
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["bench", *command])
    except SystemExit as end:
        code = end.code
    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_plan_that_cannot_be_carried_out_leaves_no_trace(tmp_path: Path) -> None:
    """A context too short for a text is an error that names the least; the folder stays empty."""
    parser = argparse.ArgumentParser()
    million.configure(parser)
    flags = [
        "--agents",
        "10",
        "--dtype",
        "float32",
        "--workers",
        "1",
        "--json",
        "--out",
        str(tmp_path),
    ]
    with pytest.raises(
        ValueError, match=r"a context of 20 tokens has no room for a text; at least \d\d are needed"
    ):
        million.run(parser.parse_args([*flags, "--context", "20"]))
    assert not list(tmp_path.iterdir())
    found = million.run(parser.parse_args([*flags, "--context", "100"]))
    assert (found["finished"], found["plan"]["context"]) == (10, 100)


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Without a CUDA device the models by shape and every table say so, and what works."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is one here")
    with pytest.raises(
        ValueError, match="no CUDA device here, so 'cuda:1' cannot be used; --device cpu can"
    ):
        shape.load("tiny-shape", device="cuda:1")
    with pytest.raises(
        ValueError, match="no CUDA device here, so 'cuda' cannot be used; --device cpu can"
    ):
        steps.run(arguments(steps, tmp_path, "--device", "cuda"))


def note(number: int) -> ThoughtNote:
    """Return the note of a shard of ten agents."""
    return ThoughtNote(number, 10, 100, 30, 9, 2, 1.5, 1000)


def test_the_record_is_saved_while_a_call_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each note counts at once, the record is on disk a few seconds later at most, and what is
    there adds up.
    """
    now = [0.0]
    monkeypatch.setattr(million.time, "monotonic", lambda: now[0])
    ledger = Ledger(tmp_path / "run.json")
    call = CallRecord(
        ledger, ledger.open({"seed": 0}), argparse.Namespace(slots=4, workers=1, seed=0), Silent()
    )
    call.add(note(0))
    assert not ledger.path.exists()
    now[0] = million.SAVE_EVERY + 1
    call.add(note(1))
    (call,) = ledger.read()["calls"]
    assert (call["finished"], call["task_tokens"], call["thought_tokens"]) == (20, 200, 60)
    assert call["seconds"] == now[0]
    assert call["interrupted"] is False
    assert {"machine", "date", "torch", "load"} <= call.keys()


def test_a_plan_is_what_its_results_depend_on(tmp_path: Path) -> None:
    """Slots and processes change no thought and are not in it; all that does is, and it is JSON."""
    parser = argparse.ArgumentParser()
    million.configure(parser)
    flags = ["--agents", "10", "--dtype", "float32", "--out", str(tmp_path)]
    one, other = (
        million.plan_of(parser.parse_args([*flags, *more]))
        for more in ([], ["--slots", "3", "--workers", "1"])
    )
    assert one == other == WorkPlan("village", "float32", 10, 0, 512, 64, 5000)
    assert json.loads(json.dumps(one.record())) == one.record()
    assert million.plan_of(parser.parse_args([*flags, "--k", "32"])) != one


def test_nothing_left_is_nothing_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose shards are all there is not worked on: no model reads, no call is added."""
    parser = argparse.ArgumentParser()
    million.configure(parser)
    args = parser.parse_args(
        ["--agents", "4", "--shard", "4", "--dtype", "float32", "--json", "--out", str(tmp_path)]
    )
    monkeypatch.setattr(million, "_described", lambda plan: plan.record())
    monkeypatch.setattr(million, "_work", pytest.fail)
    Ledger(tmp_path / "run.json").save({"plan": million.plan_of(args).record(), "calls": []})
    Shards(tmp_path, 4, 4).write(0, {"agent": np.arange(4)})
    found = million.run(args)
    assert (found["finished"], found["missing"], found["calls"]) == (4, 0, [])


def test_time_left_is_told_in_hours() -> None:
    """Hours, minutes and seconds, rounded; a meter counts from what was done before."""
    assert [_span(seconds) for seconds in (0, 59.6, 3599, 3600, 360_000)] == [
        "0:00:00",
        "0:01:00",
        "0:59:59",
        "1:00:00",
        "100:00:00",
    ]
    out = io.StringIO()
    now = iter([0.0, 100.0])
    Lines(1000, 900, out, clock=lambda: next(now)).advance(50, 5000)
    assert out.getvalue() == "950 of 1,000 agents, 50 agent-tokens/s, 0:01:40 left\n"
