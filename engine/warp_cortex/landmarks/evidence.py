"""What landmark policies choose by: the geometry of a context's keys, and attention."""

from dataclasses import dataclass

import torch
from torch import Tensor

DIMENSIONS = {"points": 2, "keys": 2, "attention": 2, "received": 1}


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """What is known of one context of T tokens. Only `points` must be given.

    Shapes:
        points: float32 [T, P], the cloud that distances are measured in.
        keys: float32 [T, P'], keys without rotation and without centring.
        attention: float32 [W, T], attention of the last W tokens' queries, averaged over layers and
            heads.
        received: float32 [T], the mean attention each token received from the captured queries
            after it.

    Policies say which of the last three they need; `rank` refuses a policy whose needs are missing.

    Raises:
        TypeError: a value is not a float32 tensor.
        ValueError: a value has another shape, is empty, or is not finite; the message names it.
    """

    points: Tensor
    keys: Tensor | None = None
    attention: Tensor | None = None
    received: Tensor | None = None

    def __post_init__(self) -> None:
        given = self._given()
        for name, value in given.items():
            _check(name, value, DIMENSIONS[name])
            found = value.shape[1] if name == "attention" else len(value)
            if found != self.num_tokens:
                msg = (
                    f"evidence.{name} describes {found} tokens, "
                    f"but evidence.points has {self.num_tokens}"
                )
                raise ValueError(msg)
        _check_finite(given)

    @property
    def num_tokens(self) -> int:
        """T, the number of tokens of the context."""
        return len(self.points)

    def required(self, name: str) -> Tensor:
        """Return `keys`, `attention` or `received`.

        Raises:
            ValueError: it was not given; a policy that reads it must name it in `needs`.
        """
        value: Tensor | None = getattr(self, name)
        if value is None:
            msg = f"evidence.{name} was not given; a policy that reads it must have it in `needs`"
            raise ValueError(msg)
        return value

    def _given(self) -> dict[str, Tensor]:
        """Return the values that were given, `points` first; keys that are the points once."""
        values = {name: getattr(self, name) for name in DIMENSIONS}
        return {
            name: value
            for name, value in values.items()
            if name == "points" or (value is not None and value is not self.points)
        }


def _check(name: str, value: Tensor, dims: int) -> None:
    if not isinstance(value, Tensor) or value.dtype != torch.float32:
        found = value.dtype if isinstance(value, Tensor) else type(value).__name__
        msg = f"evidence.{name} must be a float32 tensor, got {found}"
        raise TypeError(msg)
    if value.dim() != dims or value.numel() == 0:
        shape = tuple(value.shape)
        msg = f"evidence.{name} must have {dims} non-empty dimensions, got shape {shape}"
        raise ValueError(msg)


def _check_finite(given: dict[str, Tensor]) -> None:
    """Look at every value once; a GPU is waited for once only."""
    bounds = torch.stack([bound for value in given.values() for bound in value.detach().aminmax()])
    if bool(bounds.isfinite().all()):
        return
    for name, value in given.items():
        if broken := int((~torch.isfinite(value)).sum()):
            msg = f"evidence.{name} must be finite, got {broken} non-finite numbers"
            raise ValueError(msg)
