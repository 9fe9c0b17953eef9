"""Loading a model from a folder or the hub, with all its weights; errors say what to do."""

import hashlib
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from warp_cortex.files.reading import UnreadableFileError, read_object, unreadable
from warp_cortex.model.hub import explain_absence, hub_answers
from warp_cortex.model.location import folder_of
from warp_cortex.sources.checksums import checksum_of_files
from warp_cortex.sources.folder import check_folder, check_size
from warp_cortex.sources.quiet import quiet_transformers

WORDS = 200  # characters of another library's error that are passed on
NO_TOKENIZER = "it has no tokenizer (tokenizer.json)"
# one of these is in every folder that has a tokenizer
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "tekken.json",
)


def load(
    source: str, *, name: str, device: str, dtype: torch.dtype | None
) -> tuple[PreTrainedModel, Any]:
    """Return the model in evaluation mode and its tokenizer.

    source: what `location.locate` returned. name: what errors call it. dtype None means float32 on
    a CPU (its half-precision kernels are slow) and bfloat16 elsewhere. A hub model's copy on this
    machine is used if there is one; only missing files are downloaded.

    Raises:
        FileNotFoundError: a file of the model is missing, or a hub model is not on this machine
            while it is offline.
        UnreadableFileError: transformers knows no such decoder-only language model, or weights are
            missing or of another shape.
        ValueError: the device is absent.
    """
    folder = folder_of(source)
    place = source if folder is None else str(folder)
    kind = dtype or (torch.float32 if _present(device).type == "cpu" else torch.bfloat16)
    if folder is not None:
        check_folder(folder)
    with quiet_transformers():
        try:
            model, tokenizer = _from_anywhere(name, folder, place, kind)
        except (FileNotFoundError, UnreadableFileError):  # in one line already
            raise
        # what a folder says reaches any line of transformers, which raises any kind of error
        except Exception as error:
            why = f"could not be loaded as a language model: {_why(folder, error)}"
            raise unreadable(repr(name), why) from error
    return model.to(device).eval(), tokenizer


def checksum_of(source: str | None, model: PreTrainedModel) -> str:
    """Return 16 hex digits of a SHA-256: of the weight files, or else of the parameters."""
    folder = None if source is None else folder_of(source)
    known = None if folder is None else checksum_of_files(folder)
    if known is not None:
        return known[:16]
    digest = hashlib.sha256()
    for key, parameter in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _present(device: str) -> torch.device:
    """Return the device after a trial allocation, so that an absent one fails before loading."""
    try:
        return torch.empty(1, device=device).device
    # torch raises another of these for each kind of device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        msg = f"device {device!r} cannot be used here; cpu always can ({_one_line(error)})"
        raise ValueError(msg) from error


def _from_anywhere(
    name: str, folder: Path | None, place: str, kind: torch.dtype
) -> tuple[PreTrainedModel, Any]:
    """Return what is on this machine, or else what the hub has."""
    try:
        return _from_here(place, kind)
    except OSError as error:
        if folder is not None:
            why = _why(folder, error)
            msg = f"{name!r} could not be loaded as a safetensors language model: {why}"
            raise FileNotFoundError(msg) from error
        if not hub_answers():
            raise FileNotFoundError(explain_absence(name)) from error
    try:
        return _from_here(place, kind, local_files_only=False)
    except OSError as error:
        msg = f"model {name!r} could not be downloaded: {_one_line(error)}"
        raise FileNotFoundError(msg) from error


def _from_here(
    place: str, kind: torch.dtype, *, local_files_only: bool = True
) -> tuple[PreTrainedModel, Any]:
    options = {"trust_remote_code": False, "local_files_only": local_files_only}
    config = AutoConfig.from_pretrained(place, **options)
    if Path(place).is_dir():
        check_size(Path(place), config)
    tokenizer = _tokenizer(place, options)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):  # made up by AutoTokenizer
        raise ValueError(NO_TOKENIZER)
    model, report = AutoModelForCausalLM.from_pretrained(
        place,
        config=config,
        dtype=kind,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # so that the report says which they are
        **options,
    )
    _refuse_gaps(report, tied=set(model.all_tied_weights_keys))
    return model, tokenizer


def _refuse_gaps(report: dict[str, Any], *, tied: set[str]) -> None:
    """Raise a ValueError for weights that the files lack: transformers fills them at random."""
    if other := sorted(report["mismatched_keys"]):
        name, found, wanted = other[0]
        msg = (
            f"weight {name!r} has shape {tuple(found)} in its file and {tuple(wanted)} by its "
            f"config{_and_others(len(other))}"
        )
        raise ValueError(msg)
    # a tied weight is missing only where the one that it is tied to is missing, too
    if missing := sorted(report["missing_keys"], key=lambda name: (name in tied, name)):
        msg = f"its files lack weight {missing[0]!r}{_and_others(len(missing))}"
        raise ValueError(msg)


def _and_others(count: int) -> str:
    return f" (and {count - 1} others)" if count > 1 else ""


def _tokenizer(place: str, options: dict[str, bool]) -> Any:
    """Return the tokenizer; if it declares the plain backend, exactly as in its tokenizer.json.

    AutoTokenizer would choose by the model's type instead: a Qwen2 model would get Qwen2's own way
    of splitting text.
    """
    declared = Path(place) / "tokenizer_config.json"
    plain = ("TokenizersBackend", "PreTrainedTokenizerFast")
    if declared.is_file() and read_object(declared).get("tokenizer_class") in plain:
        return PreTrainedTokenizerFast.from_pretrained(place)
    return AutoTokenizer.from_pretrained(place, **options)


def _why(folder: Path | None, error: Exception) -> str:
    """Return why a model could not be loaded; what transformers says of a tokenizer is no help."""
    if folder is not None and not any((folder / name).is_file() for name in TOKENIZER_FILES):
        return NO_TOKENIZER
    return _one_line(error)


def _one_line(error: Exception) -> str:
    """Return what an error says, on one line, cut at a word where it is long."""
    words = " ".join(str(error).split())
    if not words or isinstance(error, (LookupError, ArithmeticError, AssertionError, TypeError)):
        words = f"{type(error).__name__}: {words}"  # their words alone seldom say what is wrong
    return words if len(words) <= WORDS else words[:WORDS].rpartition(" ")[0] + " ..."
