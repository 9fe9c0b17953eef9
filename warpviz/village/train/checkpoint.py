"""Saving and resuming a training run: safetensors and JSON only, each file under 15.5 MB.

`state.json` names the files it belongs to and their digests, and is put in place last, so a run
that is killed while it saves goes on from the checkpoint before.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from warp_cortex import write_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from warp_cortex import Content

    from warpviz.village.train.learner import Learner

_LIMIT = 15_500_000


def _tensors(learner: Learner) -> dict[str, Tensor]:
    out = {
        f"weight/{name}": parameter.detach() for name, parameter in learner.model.named_parameters()
    }
    out |= {f"mean/{name}": tensor for name, tensor in learner.mean.items()}
    out |= {f"muon/{name}": tensor for name, tensor in learner.muon.state.items()}
    for index, parameter in enumerate(learner.others):
        for key, value in learner.adam.state.get(parameter, {}).items():
            out[f"adam/{index}/{key}"] = torch.as_tensor(value)
    return out


def save(learner: Learner, state: Mapping[str, object], folder: Path) -> None:
    """Write resume-*.safetensors and state.json; then remove the files of earlier checkpoints."""
    names: list[str] = []
    digests: list[str] = []
    contents: dict[Path, Content] = {}
    for number, part in enumerate(_parts(_tensors(learner))):
        names.append(f"resume-{state['step']}-{number}.safetensors")
        contents[folder / names[-1]] = partial(_write_part, part, digests)

    def write_state(path: Path) -> None:
        path.write_text(json.dumps(dict(state, files=names, sha256=digests)))

    write_files({**contents, folder / "state.json": write_state})
    for path in folder.glob("resume-*.safetensors"):
        if path.name not in names:
            path.unlink()


def _write_part(part: Mapping[str, Tensor], digests: list[str], path: Path) -> None:
    """Write a part and append its digest."""
    save_file({name: tensor.cpu().contiguous() for name, tensor in part.items()}, path)
    digests.append(_sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parts(tensors: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Yield the tensors in parts of at most _LIMIT bytes (or of one larger tensor)."""
    part: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        bytes_ = tensor.numel() * tensor.element_size()
        if part and size + bytes_ > _LIMIT:
            yield part
            part = {}
            size = 0
        part[name] = tensor
        size += bytes_
    yield part


def load(learner: Learner, folder: Path) -> dict[str, object]:
    """Restore the learner in place; returns the saved state.

    Raises:
        ValueError: a file belongs to another checkpoint, or the run is of a model of another size;
            the file, or the first tensor that differs, is named.
    """
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    tensors: dict[str, Tensor] = {}
    digests = state.pop("sha256", [None] * len(state["files"]))  # version 0.1 wrote none
    for name, digest in zip(state["files"], digests, strict=True):
        if digest not in {None, _sha256(folder / name)}:
            msg = f"{folder / name} belongs to another checkpoint than state.json, or was changed"
            raise ValueError(msg)
        tensors |= load_file(folder / name, device=str(learner.device))
    _check(learner, tensors, folder)
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
        for name, mean in learner.mean.items():
            mean.copy_(tensors[f"mean/{name}"])
        for name, momentum in learner.muon.state.items():
            momentum.copy_(tensors[f"muon/{name}"])
    for index, parameter in enumerate(learner.others):
        prefix = f"adam/{index}/"
        entries = {
            name[len(prefix) :]: tensor
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }
        if entries:
            entries["step"] = entries["step"].cpu()
            learner.adam.state[parameter] = entries
    return state


def _check(learner: Learner, tensors: Mapping[str, Tensor], folder: Path) -> None:
    for name, parameter in learner.model.named_parameters():
        found = tensors.get(f"weight/{name}")
        if found is None or found.shape != parameter.shape:
            shape = None if found is None else tuple(found.shape)
            here = tuple(parameter.shape)
            msg = f"{folder} holds a run of another model: {name} is {shape} there, {here} here"
            raise ValueError(msg)


def load_weights(learner: Learner, folder: Path) -> None:
    """Take the weights of an exported model as the weights and as their running mean."""
    tensors = load_file(folder / "model.safetensors", device=str(learner.device))
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            parameter.copy_(tensors[name])
            learner.mean[name].copy_(tensors[name])


def export(learner: Learner, folder: Path) -> None:
    """Write the running mean as a float16 model for `AutoModelForCausalLM.from_pretrained`."""
    part = {name: tensor.half().cpu().contiguous() for name, tensor in learner.mean.items()}
    config = learner.model.config.to_dict()
    config |= {"dtype": "float16", "architectures": ["Qwen2ForCausalLM"]}
    text = json.dumps(config, indent=2, default=str) + "\n"
    write_files(
        {
            folder / "model.safetensors": partial(save_file, part, metadata={"format": "pt"}),
            folder / "config.json": text.encode(),
        }
    )
