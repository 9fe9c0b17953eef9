"""Finding and loading a model: bundled, from a folder, or from the hub, with errors that say what to do."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerFast
from transformers import logging as transformers_logging

from warp_cortex.assets import bundled, is_bundled


def locate(name: str) -> str:
    """Return what transformers should load: the path of a bundled or local model, or a hub id.

    Raises:
        FileNotFoundError: a path that is no model.
        ValueError: neither a path nor a hub id.
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
        accepted = "a folder with config.json, a hub id such as Qwen/Qwen2.5-0.5B-Instruct, or village"
        msg = f"no model at {name!r}; give {accepted}"
        raise FileNotFoundError(msg)
    if "/" not in name:
        msg = f"model {name!r} is neither bundled nor a folder; bundled: village; a hub id has the form owner/name"
        raise ValueError(msg)
    return name


def load(name: str, *, device: str, dtype: torch.dtype | None) -> tuple[PreTrainedModel, Any]:
    """Return the model in evaluation mode and its tokenizer.

    dtype None means float32 on a CPU (its half-precision kernels are slow) and bfloat16 elsewhere.

    Raises:
        FileNotFoundError: a path that is no model, or a hub model that is not on this machine while offline.
        ValueError: the model is not a decoder-only language model transformers knows.
    """
    source = locate(name)
    kind = dtype or (torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16)
    level = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        tokenizer = _tokenizer(source)
        model = AutoModelForCausalLM.from_pretrained(
            source, config=config, dtype=kind, trust_remote_code=False, use_safetensors=True
        )
    except OSError as error:
        raise FileNotFoundError(_explain(name, source, error)) from error
    finally:
        transformers_logging.set_verbosity(level)
        if bars:
            transformers_logging.enable_progress_bar()
    return model.to(device).eval(), tokenizer


def _tokenizer(source: str) -> Any:
    """Return the tokenizer; one that declares the plain backend is taken from its tokenizer.json as it is.

    AutoTokenizer would go by the model's type instead and give a Qwen2 model Qwen2's own way of splitting text.
    """
    declared = Path(source) / "tokenizer_config.json"
    plain = ("TokenizersBackend", "PreTrainedTokenizerFast")
    if declared.is_file() and json.loads(declared.read_text(encoding="utf-8")).get("tokenizer_class") in plain:
        return PreTrainedTokenizerFast.from_pretrained(source)
    return AutoTokenizer.from_pretrained(source, trust_remote_code=False)


def _explain(name: str, source: str, error: OSError) -> str:
    if Path(source).exists():
        return f"{name!r} could not be loaded as a safetensors language model: {str(error).splitlines()[0]}"
    offline = " (HF_HUB_OFFLINE is set)" if os.environ.get("HF_HUB_OFFLINE") else ""
    return (
        f"model {name!r} is not on this machine and the hub cannot be reached{offline}; "
        f"download it where there is a network (hf download {name}), or use the bundled model: village"
    )


def checksum_of(name: str | None, model: PreTrainedModel) -> str:
    """Return the first 16 hex digits of a SHA-256: of the weight files if there are any, else of the parameters."""
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
