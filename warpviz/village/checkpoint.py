"""Saving and resuming a training run: safetensors and JSON only, each file under 15.5 MB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from warpviz.village.learner import Learner

_LIMIT = 15_500_000


def _tensors(learner: Learner) -> dict[str, Tensor]:
    out = {f"weight/{name}": parameter.detach() for name, parameter in learner.model.named_parameters()}
    out |= {f"mean/{name}": tensor for name, tensor in learner.mean.items()}
    out |= {f"muon/{name}": tensor for name, tensor in learner.muon.state.items()}
    for index, parameter in enumerate(learner.others):
        for key, value in learner.adam.state.get(parameter, {}).items():
            out[f"adam/{index}/{key}"] = torch.as_tensor(value)
    return out


def save(learner: Learner, state: Mapping[str, object], folder: Path) -> None:
    """Write resume-*.safetensors and state.json."""
    part: dict[str, Tensor] = {}
    size, index = 0, 0
    for name, tensor in _tensors(learner).items():
        bytes_ = tensor.numel() * tensor.element_size()
        if part and size + bytes_ > _LIMIT:
            _write(part, folder / f"resume-{index}.safetensors")
            part, size, index = {}, 0, index + 1
        part[name] = tensor.cpu().contiguous()
        size += bytes_
    _write(part, folder / f"resume-{index}.safetensors")
    (folder / "state.json").write_text(json.dumps(dict(state, parts=index + 1)))


def _write(part: dict[str, Tensor], path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    save_file(part, temporary)
    temporary.replace(path)


def load(learner: Learner, folder: Path) -> dict[str, object]:
    """Restore the learner in place; returns the saved state."""
    state: dict[str, object] = json.loads((folder / "state.json").read_text())
    tensors: dict[str, Tensor] = {}
    for index in range(int(str(state["parts"]))):
        tensors |= load_file(folder / f"resume-{index}.safetensors", device=str(learner.device))
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
        for name, mean in learner.mean.items():
            mean.copy_(tensors[f"mean/{name}"])
        for name, momentum in learner.muon.state.items():
            momentum.copy_(tensors[f"muon/{name}"])
    for index, parameter in enumerate(learner.others):
        prefix = f"adam/{index}/"
        entries = {name[len(prefix) :]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
        if entries:
            entries["step"] = entries["step"].cpu()
            learner.adam.state[parameter] = entries
    return state


def load_weights(learner: Learner, folder: Path) -> None:
    """Start from the weights of an exported model: they become both the weights and their running mean."""
    tensors = load_file(folder / "model.safetensors", device=str(learner.device))
    with torch.no_grad():
        for name, parameter in learner.model.named_parameters():
            parameter.copy_(tensors[name])
            learner.mean[name].copy_(tensors[name])


def export(learner: Learner, folder: Path) -> None:
    """Write the running mean as a float16 model that `AutoModelForCausalLM.from_pretrained` loads."""
    part = {name: tensor.half().cpu().contiguous() for name, tensor in learner.mean.items()}
    save_file(part, folder / "model.safetensors", metadata={"format": "pt"})
    config = learner.model.config.to_dict()
    config |= {"dtype": "float16", "architectures": ["Qwen2ForCausalLM"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, default=str) + "\n")
