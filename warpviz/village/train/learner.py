"""The model, its optimisers and the one training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from warpviz.village.train.muon import Muon

if TYPE_CHECKING:
    from transformers import Qwen2ForCausalLM

    from warpviz.village.train.batches import DeviceBatch

MUON_RATE = 0.02
ADAM_RATE = 3e-3
WARMUP_STEPS = 100
CONSTANT_UNTIL = 0.35


def rate_factor(step: int, progress: float) -> float:
    """Learning-rate factor: warm-up by steps, flat, then linear to 1 % at progress 1."""
    warm = min(1.0, (step + 1) / WARMUP_STEPS)
    decay = 1.0 if progress < CONSTANT_UNTIL else max(0.01, (1 - progress) / (1 - CONSTANT_UNTIL))
    return warm * decay


@dataclass(frozen=True, slots=True)
class Scores:
    """Correct and all marked tokens by mark (17 entries each)."""

    right: Tensor
    total: Tensor


class Learner:
    """Holds everything that a step changes: weights, their running mean, optimiser state."""

    def __init__(self, model: Qwen2ForCausalLM, device: torch.device) -> None:
        """Move the model to the device and set up the optimisers."""
        self.model = model.to(device)
        self.device = device
        self.autocast = device.type == "cuda"
        named = dict(model.named_parameters())
        self.matrices = [p for name, p in named.items() if p.dim() == 2 and "embed" not in name]
        self.others = [p for name, p in named.items() if p.dim() < 2 or "embed" in name]
        self.muon = Muon(self.matrices)
        self.adam = torch.optim.AdamW(
            self.others, lr=ADAM_RATE, betas=(0.9, 0.98), weight_decay=0.0
        )
        self.mean = {name: parameter.detach().clone() for name, parameter in named.items()}

    def predictions(self, batch: DeviceBatch, chosen: Tensor) -> Tensor:
        """Logits (M, V) that predict the chosen tokens (B, T) from their source tokens."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.autocast):
            hidden = self.model.model(
                input_ids=batch.ids,
                attention_mask=batch.mask,
                position_ids=batch.positions,
                use_cache=False,
            )[0]
            rows, columns = chosen.nonzero(as_tuple=True)
            picked = hidden[rows, batch.sources[rows, columns]]
            logits: Tensor = (picked @ self.model.lm_head.weight.T).float()
            return logits

    def step(
        self, batch: DeviceBatch, *, step: int, progress: float, rate: float = 1.0
    ) -> tuple[Tensor, Scores]:
        """Make one update at `rate` times the usual learning rates.

        Returns the loss and the batch's scores, both before the update.
        """
        chosen = batch.weights > 0
        logits = self.predictions(batch, chosen)
        target = batch.ids[chosen]
        weight = batch.weights[chosen]
        loss = (
            functional.cross_entropy(logits, target, reduction="none") * weight
        ).sum() / weight.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        factor = rate * rate_factor(step, progress)
        self.muon.step(MUON_RATE * factor)
        self.adam.param_groups[0]["lr"] = ADAM_RATE * factor
        self.adam.step()
        self.adam.zero_grad(set_to_none=True)
        self._average(min(0.999, (1 + step) / (10 + step)))
        return loss.detach(), scores(logits.detach(), target, batch.marks[chosen])

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        parameters = [parameter.detach() for parameter in self.model.parameters()]
        torch._foreach_lerp_(list(self.mean.values()), parameters, 1 - decay)

    @torch.no_grad()
    def swap_mean(self) -> None:
        """Exchange the weights and their running mean (call twice to restore)."""
        for name, parameter in self.model.named_parameters():
            spare = parameter.detach().clone()
            parameter.copy_(self.mean[name])
            self.mean[name].copy_(spare)


def scores(logits: Tensor, target: Tensor, marks: Tensor) -> Scores:
    """Count right marked tokens; logits (M, V), target and marks (M,)."""
    right = (logits.argmax(-1) == target).float()
    marks = marks.long()
    zeros = torch.zeros(17, device=logits.device)
    return Scores(
        zeros.index_add(0, marks, right), zeros.index_add(0, marks, torch.ones_like(right))
    )
