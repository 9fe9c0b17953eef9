"""Saving and resuming a training run: safetensors and JSON only, each file under 15.5 MB.

`state.json` is written last and names the files it belongs to, so a run that is killed while it
saves goes on from the checkpoint before.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

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
    """Write resume-*.safetensors and then state.json; files of an earlier call are removed last."""
    files: list[str] = []
    for part in _parts(_tensors(learner)):
        files.append(f"resume-{state['step']}-{len(files)}.safetensors")
        save_file(part, folder / "resume.tmp")
        (folder / "resume.tmp").replace(folder / files[-1])
    (folder / "state.tmp").write_text(json.dumps(dict(state, files=files)))
    (folder / "state.tmp").replace(folder / "state.json")
    for path in folder.glob("resume-*.safetensors"):
        if path.name not in files:
            path.unlink()


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
        part[name] = tensor.cpu().contiguous()
        size += bytes_
    yield part


def load(learner: Learner, folder: Path) -> dict[str, object]:
    """Restore the learner in place; returns the saved state.

    Raises:
        ValueError: the folder holds a run of a model of another size; the first tensor that differs
        is named.
    """
    state: dict[str, object] = json.loads((folder / "state.json").read_text())
    tensors: dict[str, Tensor] = {}
    for name in list(state["files"]):  # type: ignore[call-overload] # a list of names, as `save` wrote it
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
    save_file(part, folder / "model.safetensors", metadata={"format": "pt"})
    config = learner.model.config.to_dict()
    config |= {"dtype": "float16", "architectures": ["Qwen2ForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, default=str) + "\n")
