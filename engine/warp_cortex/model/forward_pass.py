"""What a forward pass of the shared model returns, and what its hooks store on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Pass:
    """What one forward pass returns.

    middle: [B, T, C], the input of the middle layer. last: [B, T, C], the last layer's normalised
    states (the input of the vocabulary projection). ends: [B, C], each sequence's last state, the
    input of `head`; without a head, the logits [B, V] themselves. every: the logits [B, T, V]
    behind every token, where they were asked for.
    """

    middle: Tensor
    last: Tensor
    ends: Tensor
    head: Callable[[Tensor], Tensor] | None = None
    every: Tensor | None = None

    @property
    def logits(self) -> Tensor:
        """Logits [B, V] after each sequence's last token."""
        return self.ends if self.head is None else self.head(self.ends)

    def blocks(self, rows: int) -> Iterator[Tensor]:
        """Yield the logits of `rows` sequences at a time, so that they never exist all at once."""
        for ends in (self.ends,) if len(self.ends) <= rows else torch.split(self.ends, rows):
            yield ends if self.head is None else self.head(ends)


@dataclass(slots=True)
class Frame:
    """What the hooks store during one forward pass of one thread."""

    last_rows: Tensor | None
    every: bool = False
    middle: Tensor | None = None
    last: Tensor | None = None
