"""A user's mistake: exit code 2, one line on stderr that names it, nothing on stdout, no
traceback.
"""

from pathlib import Path

import pytest

from warpviz.cli import main

MISTAKES = [
    (["run", "--k", "0"], "k must be at least 1, got 0"),
    (["run", "--k", "many"], "'many'"),
    (["run", "--alpha", "1.5"], "alpha must be between 0 and 1, got 1.5"),
    (["run", "--alpha", "nan"], "alpha must be between 0 and 1"),
    (["run", "--theta", "-2"], "theta must be between -1 and 1"),
    (["run", "--temperature", "-1"], "temperature must be between 0 and 100, got -1"),
    (["run", "--policy", "hybird"], "did you mean 'hybrid'?"),
    (["run", "--gate", "cosine"], "accepted: raw, centred, standardised"),
    (["run", "--streams", "-1"], "max_streams must be at least 0"),
    (
        ["run", "--seed", "-1"],
        "argument --seed: must be a whole number from 0 to 4294967295, got '-1'",
    ),
    (
        ["compare", "--seed", "9" * 23],
        "argument --seed: must be a whole number from 0 to 4294967295, got '999",
    ),
    (["run", "--prompt", "no such file"], "no such file"),
    (["run", "--prompt", "."], "Is a directory"),
    (["run", "--modle", "x"], "did you mean --model?"),
    (["run", "--model", "vilage"], "village"),
    (["run", "--model", "./nowhere"], "no model at"),
    (["run", "--device", "gpu"], "device 'gpu' cannot be used here; cpu always can"),
    (["run", "--device", "cuda:99"], "device 'cuda:99' cannot be used here"),
    (
        ["compare", "--text", "prompt.txt", "--device", "cuda:99"],
        "device 'cuda:99' cannot be used here",
    ),
    (["rum"], "did you mean run?"),
    (["bench", "nothing-like-it"], "no benchmark"),
    ([], "COMMAND"),
]


def complain(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """Run `warpviz` with a mistake, check that it is told in one line with code 2, and return the
    line.
    """
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    out, err = capfd.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("warpviz")
    assert err.count("\n") == 1
    return err


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, prompt_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the test's own folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    MISTAKES,
    ids=lambda part: " ".join(part) if isinstance(part, list) else "",
)
def test_one_line_that_names_it(
    arguments: list[str], expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The line names the bad value and what would be accepted."""
    needs_prompt = arguments[:1] == ["run"] and "--prompt" not in arguments
    assert expected in complain(
        [*arguments, *(["--prompt", "prompt.txt"] if needs_prompt else [])], capfd
    )


def test_a_hub_id_while_offline_says_what_to_do(warpviz) -> None:
    """A model that is not on this machine: the line names it and the bundled one that works
    offline.
    """
    done = warpviz("run", "--model", "nobody/nothing", "--prompt", "prompt.txt")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "nobody/nothing" in done.stderr
    assert "village" in done.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"", "empty"), (b"short", "k"), (b"\xff\xfe\x00", "not UTF-8"), (b"long " * 2000, "4096")],
    ids=["empty", "shorter than k", "not text", "beyond the model's positions"],
)
def test_a_prompt_that_cannot_be_used(
    tiny_model: Path, tmp_path: Path, text: bytes, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Empty, shorter than k, not text, or longer than the model's positions."""
    (tmp_path / "bad.txt").write_bytes(text)
    assert expected in complain(["run", "--model", str(tiny_model), "--prompt", "bad.txt"], capfd)


def test_a_mistake_costs_no_earlier_trace(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    """What an earlier run wrote into the same folder is as it was, arrays and all."""
    run = ["run", "--model", str(tiny_model), "--k", "24", "--max-tokens", "2"]
    assert main([*run, "--prompt", "prompt.txt"]) == 0
    capfd.readouterr()
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert before.keys() == {"trace.jsonl", "trace.npz"}
    (tmp_path / "bad.txt").write_bytes(b"")
    assert "empty" in complain([*run, "--prompt", "bad.txt"], capfd)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_folder_that_cannot_be_made(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """--out under a file is refused before the model thinks."""
    (tmp_path / "file").write_text("")
    line = complain(
        ["run", "--model", str(tiny_model), "--prompt", "prompt.txt", "--out", "file/out"], capfd
    )
    assert "file" in line


def test_debugging_shows_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """WARPVIZ_DEBUG=1 lets the exception through."""
    monkeypatch.setenv("WARPVIZ_DEBUG", "1")
    with pytest.raises(ValueError, match="at least 1"):
        main(["run", "--k", "0"])
