"""GGUF files as model folders: read by transformers, converted once, kept in this user's cache.

A conversion holds the tensors as transformers dequantises them, in float32, as safetensors beside
the config and the tokenizer: that folder then loads like any other.
"""

import hashlib
import shutil
from collections.abc import Callable
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warp_cortex.sources.cache_folder import cache_folder
from warp_cortex.sources.staging import staged_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = b"GGUF"
FORMAT = 1  # of the conversion; another number converts anew
NEEDED = ("gguf", "accelerate")

Progress = Callable[[str, int, int], None]  # stage, done, total


def is_gguf(path: Path) -> bool:
    """Tell whether a path names a GGUF file, by its name or by its first bytes."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".gguf":
        return True
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def folder_of(path: Path, *, progress: Progress | None = None) -> Path:
    """Return the model folder converted from a GGUF file, converting it if that was not done yet.

    Raises:
        FileNotFoundError: no such file.
        ModuleNotFoundError: the packages that read GGUF are not installed.
        ValueError: the file is not GGUF, is cut short, or holds a model or a tensor type that
            transformers does not read.
        OSError: the cache cannot be written, for want of space for instance.
    """
    path = path.expanduser().resolve()
    root = cache_folder()
    if root is None:
        msg = f"{path.name} has to be converted and there is no cache folder: set XDG_CACHE_HOME"
        raise OSError(msg)
    stat = path.stat()
    about = f"{FORMAT} {path} {stat.st_size} {stat.st_mtime_ns}"
    key = hashlib.sha256(about.encode()).hexdigest()[:16]
    return convert(path, root / "models" / f"{path.stem}-{key}", progress=progress)


def convert(path: Path, folder: Path, *, progress: Progress | None = None) -> Path:
    """Convert a GGUF file into `folder`, all or nothing, and return it; see `folder_of`."""
    if (folder / "config.json").is_file():
        return folder
    check(path)
    say = progress or (lambda *_: None)
    with staged_folder(folder) as partial:
        say("reading the tokenizer", 0, 3)
        tokenizer = _tokenizer(path)
        say("reading the weights", 1, 3)
        model = _model(path)
        say("writing the folder", 2, 3)
        tokenizer.save_pretrained(partial)
        model.save_pretrained(partial)
        say("done", 3, 3)
    return folder


def check(path: Path) -> None:
    """Raise an error that says why a file cannot be converted, before anything is read or written.

    Raises:
        ModuleNotFoundError, ValueError: as for `folder_of`.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        msg = f"reading GGUF needs {' and '.join(missing)}: pip install 'warpviz[gguf]'"
        raise ModuleNotFoundError(msg)
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
    if start != MAGIC:
        msg = f"{path.name} is no GGUF file: it begins with {start!r}, not with {MAGIC!r}"
        raise ValueError(msg)
    reader = _reader(path)
    _check_architecture(path, reader)
    _check_tensors(path, reader)


def _reader(path: Path) -> Any:
    """Return gguf's own reader of a file; one that is cut short cannot be mapped."""
    from gguf import GGUFReader

    try:
        return GGUFReader(path)
    except (ValueError, IndexError, KeyError, OverflowError, UnicodeDecodeError) as error:
        size = path.stat().st_size
        msg = f"{path.name} ({size:,} bytes) is cut short or damaged; download it again"
        raise ValueError(msg) from error


def _check_architecture(path: Path, reader: Any) -> None:
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    field = reader.get_field("general.architecture")
    found = None if field is None else str(field.contents())
    if found not in {name.replace("_", "") for name in GGUF_SUPPORTED_ARCHITECTURES} | set(
        GGUF_SUPPORTED_ARCHITECTURES
    ):
        known = ", ".join(sorted(GGUF_SUPPORTED_ARCHITECTURES))
        msg = f"{path.name} holds a model of architecture {found!r}; transformers reads {known}"
        raise ValueError(msg)


def _check_tensors(path: Path, reader: Any) -> None:
    from gguf import GGMLQuantizationType
    from gguf.quants import _type_traits

    whole = {
        GGMLQuantizationType.F32,
        GGMLQuantizationType.F16,
        GGMLQuantizationType.BF16,
        *_type_traits,
    }
    size = path.stat().st_size
    for tensor in reader.tensors:
        if tensor.tensor_type not in whole:
            kind = tensor.tensor_type.name
            msg = f"{path.name}: tensor {tensor.name!r} is of type {kind}, which gguf does not read"
            raise ValueError(msg)
        if tensor.data_offset + tensor.n_bytes > size:
            msg = f"{path.name} is cut short: tensor {tensor.name!r} ends behind its {size:,} bytes"
            raise ValueError(msg)


def _tokenizer(path: Path) -> Any:
    from transformers import AutoTokenizer

    with _explained(path, "tokenizer"):
        return AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)


def _model(path: Path) -> Any:
    """Return the model of a GGUF file as one that was never quantised, so that it can be saved."""
    import torch
    from transformers import AutoModelForCausalLM

    with _explained(path, "weights"):
        read, info = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, output_loading_info=True
        )
    tied = set(getattr(read, "all_tied_weights_keys", None) or ())
    if missing := sorted(set(info["missing_keys"]) - tied):
        msg = f"{path.name} lacks {len(missing)} weights, {missing[0]!r} first"
        raise ValueError(msg)
    config = read.config
    with suppress(AttributeError):
        del config.quantization_config
    model = type(read)(config)
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    return model


@contextmanager
def _explained(path: Path, part: str) -> "Iterator[None]":
    """Turn what transformers says of a file it cannot read into one line that names the file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError) as error:
        why = str(error).strip().partition("\n")[0][:160]
        msg = f"{path.name}: transformers cannot read its {part} ({why})"
        raise ValueError(msg) from error


def forget(folder: Path) -> None:
    """Remove a conversion; nothing happens if there is none."""
    shutil.rmtree(folder, ignore_errors=True)
