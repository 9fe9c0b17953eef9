"""Where a model is loaded from: bundled, the catalogue, a GGUF file, a folder or the hub."""

import json
from contextlib import suppress
from os import PathLike
from pathlib import Path

from warp_cortex.assets import bundled, is_bundled
from warp_cortex.sources import download, gguf_files
from warp_cortex.sources.catalogue import CATALOGUE
from warp_cortex.sources.gguf_files import Progress

ACCEPTED = (
    f"{', '.join(CATALOGUE)}, a folder with config.json, a GGUF file, "
    "a hub id such as Qwen/Qwen2.5-0.5B-Instruct, or village"
)


def locate(name: str | PathLike[str], *, progress: Progress | None = None) -> str:
    """Return where a model is, as any process of this machine can load it.

    That is a bundled name, a hub id, or the absolute path of a folder. A model of the catalogue is
    fetched and a GGUF file converted if that was not done yet; progress: see `fetch_model`.

    Raises:
        FileNotFoundError: the path holds no model.
        ValueError: `name` is no path, no name of the catalogue and no hub id, or the GGUF file
            cannot be read.
        TypeError: `name` is no text and no path.
        OSError, ModuleNotFoundError: as for `fetch_model` and `gguf_files.folder_of`.
    """
    if not isinstance(name, str | PathLike):
        msg = f"a model is named by a text or a path, got {type(name).__name__}; give {ACCEPTED}"
        raise TypeError(msg)
    path = Path(name).expanduser()
    name = str(name)
    if _is_bundled_model(name):
        return name
    if name in CATALOGUE:
        return str(download.fetch_model(name, progress=progress))
    if path.suffix.lower() == ".gguf" and not path.exists():
        msg = f"there is no file {name!r}"
        raise FileNotFoundError(msg)
    if gguf_files.is_gguf(path):
        return str(gguf_files.folder_of(path, progress=progress))
    if path.exists():
        if not (path / "config.json").is_file():
            msg = f"{name!r} is no model folder: {_what_is_there(path)}"
            raise FileNotFoundError(msg)
        return str(path.resolve())
    _refuse_name(name)
    return name


def folder_of(source: str) -> Path | None:
    """Return the folder of what `locate` returned; None for a hub id."""
    if _is_bundled_model(source):
        return bundled(source)
    path = Path(source)
    return path if path.is_absolute() else None


def _is_bundled_model(name: str) -> bool:
    plain = Path(name).name == name  # a path never means a bundled model
    return plain and is_bundled(name) and (bundled(name) / "config.json").is_file()


def _refuse_name(name: str) -> None:
    """Raise an error unless `name` has the form of a hub id."""
    if name.count("/") > 1 or name.startswith((".", "/", "~")) or not name.strip():
        msg = f"no model at {name!r}; give {ACCEPTED}"
        raise FileNotFoundError(msg)
    if "/" not in name:
        msg = (
            f"model {name!r} is neither bundled nor a folder; bundled: village; "
            f"fetched by name: {', '.join(CATALOGUE)}; a hub id has the form owner/name"
        )
        raise ValueError(msg)


def _what_is_there(path: Path) -> str:
    """Say what a path without config.json holds instead of a model folder."""
    if path.is_file():
        return "it is a file of another kind (GGUF files can be loaded)"
    if files := sorted(file.name for file in path.glob("*.gguf")):
        return f"it holds GGUF; give the file itself: {path / files[0]}"
    adapter = path / "adapter_config.json"
    if adapter.is_file():
        base = ""
        with suppress(OSError, ValueError, AttributeError):
            known = json.loads(adapter.read_text(encoding="utf-8")).get("base_model_name_or_path")
            base = f" of {known!r}" if known else ""
        return (
            f"it is an adapter{base} and not a whole model; merge it into its base model (peft's "
            "merge_and_unload), save that with its tokenizer, and load that folder"
        )
    return "it has no config.json"
