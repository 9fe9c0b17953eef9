"""Finding and loading a model: bundled, from a folder or from the hub; errors say what to do."""

import hashlib
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from huggingface_hub.constants import ENDPOINT, HF_HUB_OFFLINE
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers import logging as transformers_logging

from warp_cortex.assets import bundled, is_bundled

HTTPS = 443
CONNECT_TIMEOUT_S = 3.0


def locate(name: str) -> str:
    """Return what transformers should load: the path of a bundled or local model, or a hub id.

    Raises:
        FileNotFoundError: the path holds no model.
        ValueError: `name` is neither a path nor a hub id.
    """
    if is_bundled(name) and (bundled(name) / "config.json").exists():
        return str(bundled(name))
    path = Path(name).expanduser()
    if path.exists():
        if not (path / "config.json").is_file():
            msg = f"{name!r} is no model folder: it has no config.json"
            raise FileNotFoundError(msg)
        return str(path)
    if name.count("/") > 1 or name.startswith((".", "/", "~")) or not name.strip():
        accepted = (
            "a folder with config.json, a hub id such as Qwen/Qwen2.5-0.5B-Instruct, or village"
        )
        msg = f"no model at {name!r}; give {accepted}"
        raise FileNotFoundError(msg)
    if "/" not in name:
        msg = (
            f"model {name!r} is neither bundled nor a folder; "
            "bundled: village; a hub id has the form owner/name"
        )
        raise ValueError(msg)
    return name


def load(name: str, *, device: str, dtype: torch.dtype | None) -> tuple[PreTrainedModel, Any]:
    """Return the model in evaluation mode and its tokenizer.

    dtype None means float32 on a CPU (its half-precision kernels are slow) and bfloat16 elsewhere.
    A hub model's copy on this machine is used if there is one; only missing files are downloaded.

    Raises:
        FileNotFoundError: the path holds no model, or a hub model is not on this machine while it
            is offline.
        ValueError: transformers knows no such decoder-only language model, or the device is absent.
    """
    source = locate(name)
    kind = dtype or (torch.float32 if _present(device).type == "cpu" else torch.bfloat16)
    with _quiet():
        try:
            model, tokenizer = _from_here(source, kind)
        except OSError as error:
            if Path(source).exists() or not _hub_answers():
                raise FileNotFoundError(_explain(name, source, error)) from error
            model, tokenizer = _from_hub(name, source, kind)
        except (ValueError, KeyError, RuntimeError, SafetensorError) as error:
            msg = f"{name!r} could not be loaded as a language model: {_first_line(error)}"
            raise ValueError(msg) from error
    return model.to(device).eval(), tokenizer


def _present(device: str) -> torch.device:
    """Return the device after a trial allocation, so that an absent one fails before loading."""
    try:
        return torch.empty(1, device=device).device
    # torch raises another of these for each kind of device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        msg = f"device {device!r} cannot be used here; cpu always can ({_first_line(error)})"
        raise ValueError(msg) from error


def _from_here(
    source: str, kind: torch.dtype, *, local_files_only: bool = True
) -> tuple[PreTrainedModel, Any]:
    options = {"trust_remote_code": False, "local_files_only": local_files_only}
    config = AutoConfig.from_pretrained(source, **options)
    tokenizer = _tokenizer(source, options)
    model = AutoModelForCausalLM.from_pretrained(
        source, config=config, dtype=kind, use_safetensors=True, **options
    )
    return model, tokenizer


def _tokenizer(source: str, options: dict[str, bool]) -> Any:
    """Return the tokenizer; if it declares the plain backend, exactly as in its tokenizer.json.

    AutoTokenizer would choose by the model's type instead: a Qwen2 model would get Qwen2's own way
    of splitting text.
    """
    declared = Path(source) / "tokenizer_config.json"
    plain = ("TokenizersBackend", "PreTrainedTokenizerFast")
    if (
        declared.is_file()
        and json.loads(declared.read_text(encoding="utf-8")).get("tokenizer_class") in plain
    ):
        return PreTrainedTokenizerFast.from_pretrained(source)
    return AutoTokenizer.from_pretrained(source, **options)


def _from_hub(name: str, source: str, kind: torch.dtype) -> tuple[PreTrainedModel, Any]:
    try:
        return _from_here(source, kind, local_files_only=False)
    except OSError as error:
        msg = f"model {name!r} could not be downloaded: {_first_line(error)}"
        raise FileNotFoundError(msg) from error


def _hub_answers() -> bool:
    """Return whether the hub answers; its own client retries for half a minute if it does not."""
    if HF_HUB_OFFLINE:
        return False
    if getproxies():  # the hub may be reachable through the proxy only
        return True
    address = urlsplit(ENDPOINT)
    try:
        socket.create_connection(
            (address.hostname or "", address.port or HTTPS), CONNECT_TIMEOUT_S
        ).close()
    except OSError:
        return False
    return True


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence transformers' progress bars and warnings during a block."""
    level = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()


def _explain(name: str, source: str, error: OSError) -> str:
    if Path(source).exists():
        return f"{name!r} could not be loaded as a safetensors language model: {_first_line(error)}"
    offline = " (HF_HUB_OFFLINE is set)" if HF_HUB_OFFLINE else ""
    return (
        f"model {name!r} is not on this machine and the hub cannot be reached{offline}; "
        f"download it where there is a network (hf download {name}), "
        "or use the bundled model: village"
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def checksum_of(name: str | None, model: PreTrainedModel) -> str:
    """Return 16 hex digits of a SHA-256: of the weight files, or else of the parameters."""
    digest = hashlib.sha256()
    folder = Path(locate(name)) if name is not None and _is_local(name) else None
    files = sorted(folder.glob("*.safetensors")) if folder is not None else []
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 22):
                digest.update(block)
    if not files:
        for key, parameter in sorted(model.state_dict().items()):
            digest.update(key.encode())
            digest.update(parameter.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def _is_local(name: str) -> bool:
    return is_bundled(name) or Path(name).expanduser().is_dir()
