"""Private entries of many agents in preallocated slots, and the view that one batched pass uses.

Active agents lie at the front, so that a step reads one contiguous prefix and copies nothing.
"""

from typing import Any

import torch
from torch import Tensor

from warp_cortex.cache.store import CacheView, Entries, SharedKV, check_entries


class Slots:
    """`data [L, 2, S, H_kv, capacity, D]`: entries of S agents; slot i holds `lengths[i]` of them.

    `lengths` is kept on the host, where the scheduler needs it, and mirrored on the device for the
    masks. Entries behind an agent's own are masked but still multiplied by zero weights, so they
    must be finite: storage starts as zeros, and what one agent leaves in a slot is zeroed before
    another gets it.
    """

    def __init__(
        self,
        *,
        num_layers: int,
        num_kv_heads: int,
        head_dim: int,
        dtype: torch.dtype,
        device: torch.device | str,
        slots: int,
        capacity: int,
    ) -> None:
        shape = (num_layers, 2, slots, num_kv_heads, capacity, head_dim)
        self.data = torch.zeros(shape, dtype=dtype, device=device)
        self.recorded: dict[Any, Any] = {}
        self.positions = torch.zeros((slots, capacity), dtype=torch.long, device=device)
        self.lengths: list[int] = []
        self.device_lengths = torch.zeros(slots, dtype=torch.long, device=device)
        # of those entries, how many are focus landmarks and not the agent's own
        self.num_focus: list[int] = []

    @property
    def num_active(self) -> int:
        """Agents in a slot."""
        return len(self.lengths)

    @property
    def capacity(self) -> int:
        """Entries a slot has room for."""
        return self.data.shape[4]

    @property
    def num_bytes(self) -> int:
        """Bytes held, free slots included."""
        return self.data.numel() * self.data.element_size()

    def reserve(self, *, slots: int, capacity: int) -> None:
        """Make room for so many slots of so many entries; what is held stays.

        Storage grows by a quarter at least.
        """
        have_slots = self.data.shape[2]
        have_capacity = self.capacity
        if slots <= have_slots and capacity <= have_capacity:
            return
        slots = _grown(have_slots, slots)
        capacity = _grown(have_capacity, capacity)
        old = self.data
        positions = self.positions
        lengths = self.device_lengths
        self.data = old.new_zeros((*old.shape[:2], slots, old.shape[3], capacity, old.shape[5]))
        self.recorded = {}
        self.data[:, :, :have_slots, :, :have_capacity] = old
        self.positions = positions.new_zeros((slots, capacity))
        self.positions[:have_slots, :have_capacity] = positions
        self.device_lengths = lengths.new_zeros(slots)
        self.device_lengths[:have_slots] = lengths

    def admit(self, focus: list[SharedKV | None]) -> int:
        """Open one slot per item, with its focus entries copied in; return the first new slot."""
        first = self.num_active
        self.reserve(slots=first + len(focus), capacity=1)
        self.data[:, :, first : first + len(focus)] = 0
        for offset, block in enumerate(focus):
            count = 0 if block is None else block.num_entries
            self.lengths.append(count)
            self.num_focus.append(count)
            if block is not None:
                self.data[:, 0, first + offset, :, :count] = block.keys
                self.data[:, 1, first + offset, :, :count] = block.values
                self.positions[first + offset, :count] = block.positions
        self._mirror()
        return first

    def release(self, slot: int) -> int:
        """Close a slot by moving the last active one into it; return the slot that moved.

        That is the slot itself if it was the last one.
        """
        last = self.num_active - 1
        if slot != last:
            length = self.lengths[last]
            self.data[:, :, slot, :, :length] = self.data[:, :, last, :, :length]
            self.data[:, :, slot, :, length:] = 0
            self.positions[slot, :length] = self.positions[last, :length]
            self.lengths[slot] = self.lengths[last]
            self.num_focus[slot] = self.num_focus[last]
            self.device_lengths[slot] = self.lengths[last]
        self.lengths.pop()
        self.num_focus.pop()
        return last

    def restore(self, lengths: list[int]) -> None:
        """Let the agent in slot i hold its first `lengths[i]` entries, as at an earlier step."""
        self.lengths = list(lengths)
        self._mirror()

    def view(self, first: int, counts: list[int], positions: Tensor) -> "SlotView":
        """Return a cache for one pass of the slots from `first` on.

        counts: new tokens of each. positions: int64 [B, T] of them, padded on the right to the
        longest.
        """
        width = positions.shape[1]
        longest = max(self.lengths[first + i] for i in range(len(counts)))
        self.reserve(slots=1, capacity=longest + width)
        return SlotView(self, first, counts, positions, longest + width)

    def next_entries(
        self,
        positions: Tensor,
        *,
        shared: SharedKV | None,
        lead: SharedKV | None = None,
        common: int = 0,
    ) -> Entries:
        """Return what every active agent sees when it feeds one token; make room for that token.

        positions: int64 [B] of the new tokens. shared, lead, common: see `Entries`.
        """
        width = max(self.lengths) + 1
        self.reserve(slots=1, capacity=width)
        columns = self.device_lengths[: self.num_active]
        self.positions[torch.arange(len(columns), device=columns.device), columns] = positions
        return Entries(self.data, columns, shared, lead, common, width, self.recorded)

    def advance(self, first: int, counts: list[int]) -> None:
        """Count the entries a pass has written as held."""
        for offset, count in enumerate(counts):
            self.lengths[first + offset] += count
        self._mirror()

    def advance_all(self) -> None:
        """Count one more entry of every active agent as held."""
        self.lengths = [held + 1 for held in self.lengths]
        self.device_lengths[: self.num_active].add_(1)

    def _mirror(self) -> None:
        lengths = torch.tensor(self.lengths, dtype=torch.long)
        # a GPU's pass may still be going on
        self.device_lengths[: self.num_active].copy_(lengths, non_blocking=True)


class SlotView(CacheView):
    """A cache for one batched pass: each agent's new entries go behind its own."""

    def __init__(
        self, slots: Slots, first: int, counts: list[int], positions: Tensor, width: int
    ) -> None:
        super().__init__()
        self.slots = slots
        self.width = width
        self._first = first
        self._counts = counts
        self._range = slice(first, first + len(counts))
        starts = slots.device_lengths[self._range]
        self._columns = starts[:, None] + torch.arange(positions.shape[1], device=positions.device)
        self._rows = torch.arange(self._range.start, self._range.stop, device=positions.device)[
            :, None
        ]
        self._even = len({slots.lengths[first + i] for i in range(len(counts))}) == 1
        self._start = slots.lengths[first]
        slots.positions[self._rows, self._columns] = positions

    def entries(self, shared: SharedKV | None) -> Entries | None:
        """Return what one token of each agent sees; None if slot 0 is not in the view."""
        if self._range.start:
            return None
        return Entries(
            self.slots.data,
            self._columns[:, 0],
            shared,
            width=self.width,
            recorded=self.slots.recorded,
        )

    @property
    def key_positions(self) -> Tensor:
        """Positions of the entries the pass reads, int64 [B, S]; padding holds anything."""
        return self.slots.positions[self._range, : self.width]

    @property
    def mask(self) -> Tensor | None:
        """Which entries of its own agent a new token may see, bool [B, T, S]; None when all."""
        if self._even and self._columns.shape[1] == 1:
            return None
        order = torch.arange(self.width, device=self._columns.device)
        return order[None, None] <= self._columns[:, :, None]

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one layer's new entries [B, H_kv, T, D]; return all it reads, [B, H_kv, S, D]."""
        check_entries(key, value, self.slots.data)
        block = self.slots.data[layer_idx]
        if self._even:
            new = slice(self._start, self._start + key.shape[2])
            block[0, self._range, :, new] = key
            block[1, self._range, :, new] = value
        else:
            block[0].transpose(1, 2)[self._rows, self._columns] = key.transpose(1, 2)
            block[1].transpose(1, 2)[self._rows, self._columns] = value.transpose(1, 2)
        return block[0, self._range, :, : self.width], block[1, self._range, :, : self.width]

    def commit(self) -> None:
        """Keep what was written."""
        self.slots.advance(self._first, self._counts)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - transformers' signature
        """Return the entries the first agent held before this pass."""
        return self._start


def _grown(have: int, need: int) -> int:
    return have if need <= have else max(need, have + have // 4)
