"""JupyterLab on the notebooks: where they are, a writable copy, and the command that opens them."""

import os
import shutil
import sys
from pathlib import Path

_HERE = Path(__file__).resolve().parent
FIRST = "00_start_here.ipynb"
# JupyterLab by itself asks the internet for news, updates and a list of extensions: not this one.
_QUIET = (
    "--LabApp.news_url=",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def notebooks() -> Path:
    """Return the folder of the notebooks: inside the package in a wheel, at the root of a checkout.

    Raises:
        FileNotFoundError: this installation has none.
    """
    for folder in (_HERE / "notebooks", _HERE.parent / "notebooks"):
        if (folder / FIRST).is_file():
            return folder
    msg = f"this installation of warpviz has no notebooks, neither in {_HERE} nor next to it"
    raise FileNotFoundError(msg)


def copy_notebooks(folder: Path) -> list[Path]:
    """Copy the notebooks that `folder` does not have yet into it, and return the copies.

    Raises:
        ValueError: `folder` is a file, or cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        msg = f"{folder} is a file; name a folder for the notebooks"
        raise ValueError(msg) from error
    missing = [
        source
        for source in sorted(notebooks().glob("*.ipynb"))
        if not (folder / source.name).exists()
    ]
    if missing and not os.access(folder, os.W_OK):
        msg = f"{folder} cannot be written; name another folder for the notebooks"
        raise ValueError(msg)
    return [Path(shutil.copyfile(source, folder / source.name)) for source in missing]


def lab_environment() -> dict[str, str]:
    """Return this process's environment with our defaults for JupyterLab: no question about news.

    What the user has set in JupyterLab still counts.
    """
    paths = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(_HERE / "jupyter")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, paths))}


def lab_command(
    folder: Path, *, first: str | None = FIRST, port: int | None = None, show: bool = True
) -> list[str]:
    """Return the command that serves `folder` with JupyterLab, on this machine only.

    It connects to no other machine. first: the notebook to open, None for none. port: None for
    JupyterLab's own choice. show: open a browser.
    """
    command = [sys.executable, "-m", "jupyterlab", *_QUIET, "--ServerApp.ip=127.0.0.1"]
    command.append(f"--ServerApp.root_dir={folder.resolve()}")
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not show:
        command.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command if first is None else [*command, str(folder.resolve() / first)]
