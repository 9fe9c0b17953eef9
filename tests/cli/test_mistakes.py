"""Bad input: exit code 2, one line on stderr that names it, nothing on stdout, no traceback."""

from pathlib import Path

import pytest

from warpviz.cli import main

MISTAKES = [
    (["run", "--k", "0"], "k must be at least 1, got 0"),
    (["run", "--k", "many"], "'many'"),
    (["run", "--alpha", "1.5"], "alpha must be between 0 and 1, got 1.5"),
    (["run", "--alpha", "nan"], "alpha must be between 0 and 1"),
    (["run", "--theta", "-2"], "must be auto or a number from -1 to 1, got '-2'"),
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
    (["run", "--prompt", "."], "is a folder, not a regular file"),
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
    """Run `warpviz` with bad input, check that code 2 and one line answer it; return the line."""
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
    [(b"", "empty"), (b"\xff\xfe\x00", "not UTF-8"), (b"long " * 2000, "4096")],
    ids=["empty", "not text", "beyond the model's positions"],
)
def test_a_prompt_that_cannot_be_used(
    tiny_model: Path, tmp_path: Path, text: bytes, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Empty, not text, or longer than the model's positions."""
    (tmp_path / "bad.txt").write_bytes(text)
    assert expected in complain(["run", "--model", str(tiny_model), "--prompt", "bad.txt"], capfd)


def test_a_prompt_shorter_than_the_k_that_was_asked_for(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A k that the user chose is never lowered."""
    (tmp_path / "bad.txt").write_text("short")
    run = ["run", "--model", str(tiny_model), "--prompt", "bad.txt", "--k", "6"]
    assert "k must be between 1 and 5" in complain(run, capfd)


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--prompt", "\x1b]0;owned\x07"],
        ["run", "--model", "\x1b[2J"],
        ["run", "--prompt", "prompt.txt", "--out", "file/\x1b[2J"],
        ["compare", "--k", "\x1b[2J"],
        ["run", "--\x1b[2J"],
        ["\x1b[2J"],
        ["lab", "file/\x1b[2J", "--copy-only"],
        ["bench", "million", "--show", "--out", "\x1b[2J"],
    ],
)
def test_an_error_cannot_steer_the_terminal(
    arguments: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Control characters in an argument are shown in the error, not sent to the terminal."""
    (tmp_path / "file").write_text("")
    line = complain(arguments, capfd)
    assert not {"\x1b", "\x07"} & set(line)


def test_a_mistake_costs_no_earlier_trace(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
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
    """WARPVIZ_DEBUG=1 raises the exception, with its traceback."""
    monkeypatch.setenv("WARPVIZ_DEBUG", "1")
    with pytest.raises(ValueError, match="at least 1"):
        main(["run", "--k", "0"])
