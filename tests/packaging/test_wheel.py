"""The wheel: it holds everything, and works in an environment that has nothing else of ours."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without isolation: the build backend is among the
    development tools.
    """
    folder = tmp_path_factory.mktemp("dist")
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and, by path alone, the third-party libraries of this one;
    returns its folder.

    A folder named in a .pth file is searched but its own .pth files are not read: an editable
    installation of this checkout stays invisible, and downloading torch again is spared.
    """
    folder = tmp_path_factory.mktemp("empty") / "env"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    site = Path(
        in_environment(python, "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    (site / "third_party.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def clean() -> dict[str, str]:
    """Return the environment without a way back to the checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def in_environment(python: Path, code: str) -> str:
    """Run a line of Python in an environment, from the root of the file system, and return what it
    printed.
    """
    done = subprocess.run(
        [python, "-c", code], cwd="/", env=clean(), capture_output=True, check=True, timeout=120
    )
    return done.stdout.decode()


def test_everything_is_in_it(wheel: Path) -> None:
    """Both packages, the model, contexts, notebooks, scripts, styles, type markers and licences; no
    test, no cache.
    """
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "warp_cortex/__init__.py",
        "warp_cortex/py.typed",
        "warp_cortex/data/village/model.safetensors",
        "warp_cortex/data/village/config.json",
        "warp_cortex/data/village/README.md",
        "warpviz/py.typed",
        "warpviz/notebooks/00_start_here.ipynb",
        "warpviz/cli/__init__.py",
        "warpviz/jupyter/labconfig/default_setting_overrides.json",
    ):
        assert wanted in names
    assert any(name.startswith("warp_cortex/data/contexts/") for name in names)
    shipped = {Path(name).name for name in names if name.startswith("warpviz/static/")}
    assert shipped == {
        path.name for path in (ROOT / "warpviz" / "static").rglob("*") if path.is_file()
    }
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names if ".dist-info/" in name}
    assert not [
        name for name in names if "__pycache__" in name or name.startswith(("tests", "engine"))
    ]


def test_it_weighs_what_a_download_may(wheel: Path) -> None:
    """The whole distribution, model included, stays under 20 MB."""
    assert wheel.stat().st_size < 20e6


def test_the_command_runs_from_another_folder(installed: Path, tmp_path: Path) -> None:
    """`warpviz run` in the empty environment reads the bundled sample, and every module comes from
    the wheel.
    """
    command = [installed / "bin" / "warpviz", "run", "--json", "--max-tokens", "8"]
    done = subprocess.run(
        command, cwd=tmp_path, env=clean(), capture_output=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["river_tokens"] > 0
    assert (tmp_path / "out" / "trace.jsonl").is_file()
    files = "warp_cortex.__file__, warpviz.__file__, warp_cortex.bundled('village')"
    code = f"import warp_cortex, warpviz; print({files})"
    assert all(
        path.startswith(str(installed))
        for path in in_environment(installed / "bin" / "python", code).split()
    )


def test_the_notebooks_can_be_copied_out(installed: Path, tmp_path: Path) -> None:
    """`warpviz lab` of the wheel finds its own notebooks."""
    command = [installed / "bin" / "warpviz", "lab", "--copy-only"]
    subprocess.run(command, cwd=tmp_path, env=clean(), check=True, capture_output=True, timeout=120)
    copied = {path.name for path in (tmp_path / "warpviz-notebooks").iterdir()}
    assert copied == {path.name for path in (ROOT / "notebooks").glob("*.ipynb")}
