"""`make lab` and `make test`: what they find on a bare machine, and what they say when it is too
bare.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(
    re.findall(
        r"^([\w.-]+)==(\S+)$",
        (ROOT / "constraints.txt").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of commands that is the whole PATH: no Python, no browser, no apt, and a user who is
    not root.
    """
    folder = tmp_path / "bin"
    folder.mkdir()
    pretend(folder / "id", "echo 1000")
    return folder


def pretend(path: Path, body: str) -> None:
    """Write an executable shell script."""
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def script(
    name: str, *arguments: object, path: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run one of our shell scripts with a PATH of one folder."""
    command = [shutil.which("sh") or "/bin/sh", str(ROOT / "scripts" / name), *map(str, arguments)]
    environment = {"PATH": str(path), **variables}
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_an_old_python_is_told_what_is_needed(bare: Path, tmp_path: Path) -> None:
    """With Python 3.9 only: exit code 2, and a message that names 3.11 and the version found."""
    pretend(bare / "python3", 'case "$1" in --version) echo "Python 3.9.2";; *) exit 1;; esac')
    done = script("venv.sh", tmp_path / "venv", path=bare)
    assert done.returncode == 2
    assert "Python 3.11 or newer" in done.stderr
    assert "3.9.2" in done.stderr


def test_a_newer_python_is_found_beside_an_old_one(bare: Path, tmp_path: Path) -> None:
    """python3 is too old but python3.11 is there: it makes the environment; a second call changes
    nothing.
    """
    pretend(bare / "python3", "exit 1")
    pretend(bare / "python3.11", f'exec {sys.executable} "$@"')
    for _call in range(2):
        assert script("venv.sh", tmp_path / "venv", path=bare).returncode == 0
    assert (tmp_path / "venv" / "bin" / "python").exists()


def test_a_python_without_venv_says_which_package_brings_it(bare: Path, tmp_path: Path) -> None:
    """Debian's Python without python3-venv, and nobody to install it: the package is named."""
    pretend(bare / "python3", 'case "$2" in *ensurepip*) exit 1;; *) exit 0;; esac')
    done = script("venv.sh", tmp_path / "venv", path=bare)
    assert (done.returncode, "apt-get install python3-venv" in done.stderr) == (2, True)


def test_without_a_browser_it_says_what_to_do(bare: Path) -> None:
    """No Chromium and no right to install one: exit code 2, and three ways out."""
    done = script("chromium.sh", path=bare)
    assert done.returncode == 2
    for way in ("apt-get install chromium", "CHROMIUM=", "make check"):
        assert way in done.stderr


def test_a_named_browser_is_taken(bare: Path) -> None:
    """$CHROMIUM counts before anything on the PATH."""
    pretend(bare / "my-browser", "exit 0")
    assert script("chromium.sh", path=bare, CHROMIUM=str(bare / "my-browser")).returncode == 0


def test_ci_runs_what_everybody_runs() -> None:
    """`.ci/run` is `make test` and nothing else of substance."""
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    substance = [line for line in lines if line and not line.startswith(("#", "set ", "cd "))]
    assert substance == ["exec make test </dev/null"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_dependency_is_pinned() -> None:
    """What we ask for by name has exactly one version, torch the one that has a CPU build."""
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    names = {re.split(r"[<>=!\[ ]", requirement)[0].lower() for requirement in wanted}
    pinned = {name.lower().replace("_", "-") for name in PINS}
    assert not names - pinned
    assert PINS["torch"] == "2.13.0"


@pytest.mark.parametrize(
    ("model", "code", "asked", "ends"),
    [
        ("village", 0, "", 0),
        ("smollm2", 0, "model fetch smollm2\n", 0),
        ("smollm2", 2, "model fetch smollm2\n", 0),
        ("smollm2", 130, "model fetch smollm2\n", 130),
    ],
)
def test_the_lab_opens_with_or_without_its_model(
    tmp_path: Path, bare: Path, model: str, code: int, asked: str, ends: int
) -> None:
    """The bundled model is not fetched; one that cannot be fetched is one line; Ctrl-C ends it."""
    commands = tmp_path / "venv" / "bin"
    commands.mkdir(parents=True)
    calls = tmp_path / "calls"
    body = f'echo "$*" >>{calls}\necho /cache/folder\n[ {code} = 0 ] || echo why >&2\nexit {code}'
    pretend(commands / "warpviz", body)
    done = script("model.sh", tmp_path / "venv", model, path=bare)
    assert done.returncode == ends
    assert done.stdout == ""
    assert done.stderr == ("why\n" if code else "")
    assert (calls.read_text() if calls.exists() else "") == asked


def test_make_fetches_what_is_asked_for() -> None:
    """`make lab` fetches SmolLM2 unless MODEL says otherwise, and installs what reads GGUF."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^MODEL \?= smollm2$", text, flags=re.MULTILINE)
    assert "sh scripts/model.sh $(VENV) $(MODEL)" in text
    assert '--editable ".[gguf]"' in text
