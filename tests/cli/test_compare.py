"""`warpviz compare`: the files, the table, the JSON, and figures that can be recomputed from
them.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from warpviz.cli import main
from warpviz.topology.persistence.distances import bottleneck

ROW = {
    "k",
    "policy",
    "dim",
    "bottleneck",
    "wasserstein",
    "radius",
    "bound",
    "null_mean",
    "null_std",
}


def arguments(model: Path, text: Path, out: Path, *more: str) -> list[str]:
    """Return the arguments of a small comparison."""
    short = (
        "compare",
        "--model",
        model,
        "--text",
        text,
        "--k",
        "24,48",
        "--policy",
        "hybrid,random",
        "--out",
        out,
    )
    return [*map(str, short), *more]


def test_json_holds_what_recomputes_it(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One object, comparison.json's with a path to the points that opens from here; they give the
    same distances.
    """
    assert main(arguments(tiny_model, prompt_file, tmp_path / "o", "--json")) == 0
    record = json.loads(capfd.readouterr().out)
    saved = json.loads((tmp_path / "o" / "comparison.json").read_text())
    assert record == {**saved, "points": str(tmp_path / "o" / saved["points"])}
    assert {(row["k"], row["policy"], row["dim"]) for row in record["rows"]} == {
        (k, policy, dim) for k in (24, 48) for policy in ("hybrid", "random") for dim in (0, 1)
    }
    assert all(row.keys() >= ROW for row in record["rows"])
    assert {"model", "layer", "space", "tokens", "seed", "versions"} <= record.keys()
    with np.load(record["points"], allow_pickle=False) as arrays:
        for row in record["rows"]:
            kept = arrays[f"bars_{row['policy']}_{row['k']}_h{row['dim']}"]
            assert bottleneck(arrays[f"full_h{row['dim']}"], kept) == pytest.approx(
                row["bottleneck"]
            )
            assert row["bottleneck"] <= row["bound"] + 1e-6


def test_every_format_is_written(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """JSON, CSV, HTML, SVG and npz lie in the folder; the table on the screen has a line per
    row.
    """
    assert main(arguments(tiny_model, prompt_file, tmp_path / "o")) == 0
    suffixes = {path.suffix for path in (tmp_path / "o").iterdir()}
    assert suffixes == {".json", ".csv", ".html", ".svg", ".npz"}
    out = capfd.readouterr().out
    assert sum(line.split()[1:2] in (["hybrid"], ["random"]) for line in out.splitlines()) == 8
    assert "written: " in out


@pytest.mark.parametrize("columns", [40, 60])
def test_a_narrow_terminal_cuts_no_number(
    tiny_model: Path,
    prompt_file: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    """Every number of the saved rows is in the table, which is no wider than the terminal."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(arguments(tiny_model, prompt_file, tmp_path / "o")) == 0
    table = capfd.readouterr().out.partition("k = ")[0]
    assert max(map(len, table.splitlines())) <= columns
    rows = json.loads((tmp_path / "o" / "comparison.json").read_text())["rows"]
    for name in ("bottleneck", "wasserstein", "radius", "bound", "null_mean", "null_std"):
        assert all(f"{row[name]:.3f}" in table.split() for row in rows)


def test_a_text_shorter_than_the_default_ks(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without --k, the largest k is the number of tokens; a k that was given is not lowered."""
    text = tmp_path / "short.txt"
    text.write_text("The key is in the red box.")
    short = ["compare", "--model", str(tiny_model), "--text", str(text), "--out", str(tmp_path)]
    assert main([*short, "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["rows"]
    assert {row["k"] for row in rows} == {26}
    assert main([*short, "--k", "27"]) == 2
    assert "27" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--k", "16,many"], "16,many"),
        (["--k", "100000"], "k"),
        (["--layer", "deep"], "neither a layer's number, from 0, nor all"),
        (["--layer", "-1"], "'-1' is neither a layer's number, from 0, nor all"),
        (["--layer", "9"], "layer"),
        (["--space", "key"], "did you mean 'keys'?"),
        (["--policy", "hybird"], "did you mean 'hybrid'?"),
        (["--max-dim", "7"], "dim"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(
    tiny_model: Path,
    prompt_file: Path,
    tmp_path: Path,
    flags: list[str],
    expected: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A bad value is named, with what would be accepted: exit code 2, nothing on standard
    output.
    """
    try:
        code = main(arguments(tiny_model, prompt_file, tmp_path / "o", *flags))
    except SystemExit as end:
        code = end.code
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert expected in err
