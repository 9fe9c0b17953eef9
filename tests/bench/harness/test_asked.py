"""What cannot be measured: an error of one line before anything is measured, or a row."""

import json
from pathlib import Path
from typing import Any

import pytest

from warpviz.cli import main

LONG = "tokens do not fit: village has 8192 positions"


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Tables go where the test looks."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["steps", "--model", "vilage"], "model 'vilage' is neither bundled nor a folder"),
        (["steps", "--model", "tiny-shape,./nowhere"], "no model at './nowhere'"),
        (["steps", "--context", "100000"], LONG),
        (["capacity", "--context", "100000"], LONG),
        (["latency", "--context", "100000"], LONG),
        (["longcontext", "--model", "village", "--context", "9000"], LONG),
    ],
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_a_model_or_size_that_is_wrong_is_one_line(
    command: list[str], message: str, tmp_path: Path, capfd: Any
) -> None:
    """Exit code 2, and no table with a traceback in it."""
    code = main(["bench", *command])
    out, err = capfd.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_size_that_does_not_fit_among_others_is_a_row(tmp_path: Path, capfd: Any) -> None:
    """Of several contexts, those that the model can read are measured; the others are rows."""
    flags = ["--agents", "1", "--arms", "landmarks shared", "--own-tokens", "4", "--json"]
    assert main(["bench", "capacity", "--context", "9000,64", *flags]) == 0
    long, short = json.loads(capfd.readouterr().out)["rows"]
    assert (long["context"], short["context"]) == (9000, 64)
    assert LONG in long["skipped"]
    assert short["agents"] == 1


def test_a_shape_has_positions_for_its_context(tmp_path: Path) -> None:
    """A shape gets as many positions as it is asked to read."""
    flags = [
        "--model",
        "tiny-shape",
        "--context",
        "2100",
        "--own-tokens",
        "4",
        "--agents",
        "1",
        "--repeats",
        "1",
    ]
    assert main(["bench", "steps", *flags, "--dtypes", "float32", "--json"]) == 0
