"""GGUF files as model folders: read by transformers, converted once, kept in this user's cache.

A conversion holds the tensors as transformers dequantises them, in float32, as safetensors beside
the config and the tokenizer: that folder then loads like any other.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from warp_cortex.sources.cache_folder import cache_folder
from warp_cortex.sources.checksums import keep_checksum
from warp_cortex.sources.quiet import quiet_transformers
from warp_cortex.sources.staging import staged_folder

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
    with quiet_transformers(), staged_folder(folder) as partial:
        say("reading the tokenizer", 0, 1)
        tokenizer = _tokenizer(path)
        model = _model(path, say)
        say("writing the folder", 0, 1)
        _write(tokenizer, model, partial)
        say("writing the folder", 1, 1)
    return folder


def _write(tokenizer: Any, model: Any, folder: Path) -> None:
    """Save a tokenizer, a model and their checksum into a folder."""
    try:
        tokenizer.save_pretrained(folder)
        model.save_pretrained(folder)
        keep_checksum(folder)
    except Exception as error:  # the libraries that write raise kinds of their own
        why = " ".join(str(error).split())[:160]
        msg = f"the converted model could not be written to {folder.parent} ({why})"
        raise OSError(msg) from error


def check_installed() -> None:
    """Raise a ModuleNotFoundError if the packages that read GGUF are missing."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        msg = f"reading GGUF needs {' and '.join(missing)}: pip install 'warpviz[gguf]'"
        raise ModuleNotFoundError(msg)


def check(path: Path) -> None:
    """Raise an error that says why a file cannot be converted, before anything is read or written.

    Raises:
        ModuleNotFoundError, ValueError: as for `folder_of`.
    """
    check_installed()
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
    if start != MAGIC:
        msg = f"{path.name} is no GGUF file: it begins with {start!r}, not with {MAGIC!r}"
        raise ValueError(msg)
    reader = _reader(path)
    _check_parts(path, reader)
    _check_architecture(path, reader)
    _check_positions(path, reader)
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


def _check_parts(path: Path, reader: Any) -> None:
    parts = _value(reader, "split.count") or 1
    if parts > 1:
        msg = f"{path.name} is one of {parts} parts of a model; merge them into one file first"
        raise ValueError(msg)


def _check_positions(path: Path, reader: Any) -> None:
    """Refuse scaled rotary positions: transformers passes them by, and texts are read wrongly."""
    found = str(_value(reader, "general.architecture"))
    kind = _value(reader, f"{found}.rope.scaling.type") or "none"
    factor = _value(reader, f"{found}.rope.scaling.factor")
    linear = _value(reader, f"{found}.rope.scale_linear")
    scaled = kind != "none" and factor not in {None, 1.0}
    tables = [t for t in reader.tensors if t.name.startswith("rope_") and (t.data != 1).any()]
    if scaled or linear not in {None, 1.0} or tables:
        msg = (
            f"{path.name} has scaled rotary positions, which transformers does not read from GGUF; "
            "use the model's safetensors folder"
        )
        raise ValueError(msg)


def _value(reader: Any, name: str) -> Any:
    """Return a value of the file's metadata, or None."""
    field = reader.get_field(name)
    return None if field is None else field.contents()


def _check_architecture(path: Path, reader: Any) -> None:
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    found = _value(reader, "general.architecture")
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


def _model(path: Path, say: Progress) -> Any:
    """Return the model of a GGUF file as one that was never quantised, so that it can be saved."""
    import torch
    from transformers import AutoModelForCausalLM

    with _explained(path, "weights"), _tensors_counted(say):
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
def _tensors_counted(say: Progress) -> Iterator[None]:
    """Report the tensors that transformers has read; it would draw a bar of its own."""
    from transformers import modeling_gguf_pytorch_utils as reading

    def counted(tensors: list[Any], **_: Any) -> Iterator[Any]:
        for number, tensor in enumerate(tensors):
            say("reading the weights", number, len(tensors))
            yield tensor

    own = reading.tqdm
    reading.tqdm = counted
    try:
        yield
    finally:
        reading.tqdm = own


@contextmanager
def _explained(path: Path, part: str) -> Iterator[None]:
    """Turn what transformers says of a file it cannot read into one line that names the file."""
    try:
        yield
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError) as error:
        why = str(error).strip().partition("\n")[0][:160]
        msg = f"{path.name}: transformers cannot read its {part} ({why})"
        raise ValueError(msg) from error
