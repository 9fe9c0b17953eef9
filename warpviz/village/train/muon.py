"""Muon for many small matrices: momentum, orthogonalised in batches of equal shape.

Method: Jordan et al. 2024, the quintic Newton-Schulz iteration; torch.optim.Muon does one matrix at
a time, which at this model size spends most of a GPU step on kernel launches.
"""

from __future__ import annotations

import torch
from torch import Tensor

_A = 3.4445
_B = -4.7750
_C = 2.0315


def orthogonalise(stack: Tensor, steps: int = 5) -> Tensor:
    """Push the singular values of each [R, C] matrix of a stack [G, R, C] towards 1.

    Computed in bfloat16; the result has the stack's dtype.
    """
    tall = stack.shape[1] > stack.shape[2]
    x = (stack.mT if tall else stack).bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    result: Tensor = (x.mT if tall else x).to(stack.dtype)
    return result


class Muon:
    """Updates 2-D parameters; `state` maps a shape's name to its stacked momentum (G, R, C)."""

    def __init__(
        self, parameters: list[torch.nn.Parameter], *, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        """Group the parameters by shape."""
        self.momentum = momentum
        self.decay = decay
        self.groups: dict[str, list[torch.nn.Parameter]] = {}
        for parameter in parameters:
            self.groups.setdefault("x".join(map(str, parameter.shape)), []).append(parameter)
        self.state = {
            name: torch.zeros_like(torch.stack([*group])) for name, group in self.groups.items()
        }

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update with learning rate `rate`; gradients must be present."""
        for name, group in self.groups.items():
            grads = torch.stack(
                [parameter.grad for parameter in group if parameter.grad is not None]
            )
            buffer = self.state[name].lerp_(grads, 1 - self.momentum)
            update = orthogonalise(grads.lerp_(buffer, self.momentum))
            scale = rate * max(1.0, update.shape[1] / update.shape[2]) ** 0.5
            torch._foreach_mul_([*group], 1 - rate * self.decay)
            torch._foreach_add_([*group], list(update.unbind(0)), alpha=-scale)
            for parameter in group:
                parameter.grad = None
