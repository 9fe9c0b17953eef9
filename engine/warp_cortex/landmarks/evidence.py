"""What every landmark policy may look at: the geometry of a context's keys, and who attended to
whom.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """One context of T tokens, seen from its keys and from the attention of its last W queries.

    Shapes:
        points: float32 [T, P], the cloud that geometry is measured in. keys: float32 [T, P'], keys
        without rotation and without centring. attention: float32 [W, T], attention of the last W
        tokens' queries, averaged over layers and heads. received: float32 [T], mean attention each
        token received from the captured queries after it.

    Raises:
        TypeError: a value is not a float32 tensor.
        ValueError: a value has another shape, is empty, or is not finite; the message names it.
    """

    points: Tensor
    keys: Tensor
    attention: Tensor
    received: Tensor

    def __post_init__(self) -> None:
        for name, dims in (("points", 2), ("keys", 2), ("attention", 2), ("received", 1)):
            _check(name, getattr(self, name), dims)
        for name, found in (
            ("keys", len(self.keys)),
            ("attention", self.attention.shape[1]),
            ("received", len(self.received)),
        ):
            if found != self.num_tokens:
                msg = f"evidence.{name} describes {found} tokens, but evidence.points has {self.num_tokens}"
                raise ValueError(msg)
        self._check_finite()

    @property
    def num_tokens(self) -> int:
        """T, the number of tokens of the context."""
        return len(self.points)

    def _check_finite(self) -> None:
        """Look at every value once, and ask the device one question for all."""
        values = {
            name: getattr(self, name).detach()
            for name in ("points", "keys", "attention", "received")
        }
        if self.keys is self.points:  # large, and often one and the same
            del values["keys"]
        bounds = torch.stack([bound for value in values.values() for bound in value.aminmax()])
        if not bool(bounds.isfinite().all()):
            for name, value in values.items():
                if broken := int((~torch.isfinite(value)).sum()):
                    msg = f"evidence.{name} must be finite, got {broken} non-finite numbers"
                    raise ValueError(msg)


def _check(name: str, value: Tensor, dims: int) -> None:
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        msg = f"evidence.{name} must be a float32 tensor, got {found}"
        raise TypeError(msg)
    if value.dim() != dims or value.numel() == 0:
        msg = (
            f"evidence.{name} must have {dims} non-empty dimensions, got shape {tuple(value.shape)}"
        )
        raise ValueError(msg)
