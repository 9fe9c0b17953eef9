"""Hidden states of all tokens in one growing block, which other threads may read meanwhile."""

import torch
from torch import Tensor


class GrowingRows:
    """Rows [T, C] in one block; appending costs amortised O(1) a row.

    Rows that were handed out are never written again.
    """

    def __init__(self) -> None:
        # [T, C], a view of the block's held part, replaced in one assignment
        self._rows: Tensor | None = None
        self._block: Tensor | None = None  # [capacity, C]

    @property
    def rows(self) -> Tensor:
        """All rows, [T, C].

        Raises:
            ValueError: there are none yet.
        """
        if self._rows is None:
            msg = "no token has been read yet"
            raise ValueError(msg)
        return self._rows

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return 0 if self._block is None else self._block.numel() * self._block.element_size()

    def append(self, rows: Tensor) -> None:
        """Add rows [N, C]."""
        held = 0 if self._rows is None else len(self._rows)
        need = held + len(rows)
        if self._block is None or need > len(self._block):
            block = torch.empty(
                (max(need, 2 * held), rows.shape[1]), dtype=rows.dtype, device=rows.device
            )
            if self._rows is not None:
                block[:held] = self._rows
            self._block = block
        self._block[held:need] = rows
        self._rows = self._block[:need]

    def replaced(self, first: int, rows: Tensor) -> "GrowingRows":
        """Return a copy in which `rows` [N, C] stand in place of all rows from `first` on."""
        other = GrowingRows()
        other.append(torch.cat((self.rows[:first], rows)))
        return other

    def first(self, count: int) -> "GrowingRows":
        """Return an independent copy of the first rows."""
        other = GrowingRows()
        other._rows = self.rows[:count]
        return other

    def fork(self) -> "GrowingRows":
        """Return an independent copy; it moves to a block of its own when it appends."""
        other = GrowingRows()
        other._rows = self._rows
        return other
