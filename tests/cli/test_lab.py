"""`warpviz lab`: the notebooks are copied, and JupyterLab listens on this machine only."""

import json
import os
from pathlib import Path

import pytest

from warpviz import lab
from warpviz.cli import main


def test_copies_once_and_never_overwrites(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first call copies every notebook; a second leaves the user's changes alone and adds what
    is missing.
    """
    folder = tmp_path / "mine"
    assert main(["lab", str(folder), "--copy-only"]) == 0
    names = sorted(path.name for path in folder.iterdir())
    assert lab.FIRST in names
    assert names == sorted(path.name for path in lab.notebooks().glob("*.ipynb"))
    assert f"{len(names)} notebooks copied" in capfd.readouterr().out
    (folder / lab.FIRST).write_text("mine")
    assert main(["lab", str(folder), "--copy-only"]) == 0
    assert (folder / lab.FIRST).read_text() == "mine"
    assert capfd.readouterr().out == ""


def test_a_file_in_the_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file where the folder should be is a mistake of one line."""
    (tmp_path / "file").write_text("")
    assert main(["lab", str(tmp_path / "file"), "--copy-only"]) == 2
    assert "is a file" in capfd.readouterr().err


def test_the_command_stays_on_this_machine(tmp_path: Path) -> None:
    """JupyterLab listens on the loopback only, asks for no news, no updates and no list of
    extensions.
    """
    command = lab.lab_command(tmp_path, port=8899, show=False)
    assert "--ServerApp.ip=127.0.0.1" in command
    assert {"--LabApp.news_url=", "--LabApp.extension_manager=readonly", "--no-browser"} <= set(
        command
    )
    assert command[-1] == str(tmp_path / lab.FIRST)
    assert "--ServerApp.port=8899" in command


def test_jupyterlab_is_run_on_the_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command hands over to JupyterLab and returns its exit code."""
    seen: list[list[str]] = []

    def pretend(command: list[str], environment: dict[str, str]) -> int:
        seen.append(command)
        assert environment.items() >= {"HOME": os.environ["HOME"]}.items()
        return 7

    monkeypatch.setattr("warpviz.cli.lab.serve", pretend)
    assert main(["lab", str(tmp_path / "n"), "--no-browser"]) == 7
    assert seen[0][-1] == str(tmp_path / "n" / lab.FIRST)


def test_defaults_are_added_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our defaults come after the user's own configuration path, and turn off only the question
    about news.
    """
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    first, ours = lab.lab_environment()["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert first == "/mine"
    defaults = json.loads((Path(ours) / "labconfig" / "default_setting_overrides.json").read_text())
    assert defaults["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"


def test_an_installation_without_notebooks_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither the package nor a checkout has the notebooks, the error names the places."""
    monkeypatch.setattr(lab, "_HERE", tmp_path / "warpviz")
    with pytest.raises(FileNotFoundError, match="no notebooks"):
        lab.notebooks()
