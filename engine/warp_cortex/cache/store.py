"""One sequence's keys and values, and the throw-away views through which a forward pass writes.

This is the only importer of transformers' cache module. Layout: `data [L, 2, H_kv, capacity, D]`,
keys before values, so that gathering landmarks, counting bytes and growing are one operation each.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import Cache

__all__ = [
    "TEXT",
    "AppendView",
    "Cache",
    "CacheView",
    "Entries",
    "KVStore",
    "SharedKV",
    "check_entries",
]

TEXT = 0  # tag of visible text; an injected thought carries its injection id, which starts at 1
SPARE = 64  # entries a store grows by at least


@dataclass(frozen=True, slots=True)
class SharedKV:
    """A block of entries that many agents read and that is never written.

    keys, values: [L, H_kv, K, D] as cached (rotated). positions: int64 [K] (for per-head sets,
    those of head 0). bias: float32 [L, H_kv, K] added to attention scores (log-mass of the entries
    that a landmark stands for), or None.
    """

    keys: Tensor
    values: Tensor
    positions: Tensor
    bias: Tensor | None = None

    @property
    def num_entries(self) -> int:
        """K."""
        return self.keys.shape[2]

    @property
    def num_bytes(self) -> int:
        """Bytes of the keys, values and bias as stored."""
        tensors = (
            (self.keys, self.values) if self.bias is None else (self.keys, self.values, self.bias)
        )
        return sum(t.numel() * t.element_size() for t in tensors)


@dataclass(frozen=True, slots=True)
class Entries:
    """What B agents see when each feeds one token, and where the new entries go.

    data: [L, 2, S, H_kv, capacity, D] with S >= B; agent i's own entries lie in slot i. columns:
    int64 [B], where the new entry goes, behind the agent's own. shared: a block all of them see.
    lead: a block that agent 0 sees in its place. common: so many of an agent's first entries are
    held by all agents. width: own entries that the plain attention looks at, no fewer than the
    longest agent's with the new one; None for all there is room for. recorded: the recordings over
    this storage (`decode.graphs`); the owner of the storage drops them when the storage moves.
    """

    data: Tensor
    columns: Tensor
    shared: SharedKV | None = None
    lead: SharedKV | None = None
    common: int = 0
    width: int | None = None
    recorded: dict[Any, Any] = field(default_factory=dict)

    def part(self, begin: int, end: int) -> "Entries":
        """Return what the agents from `begin` up to `end` see and where they write."""
        lead = self.lead if begin == 0 else None
        return replace(
            self, data=self.data[:, :, begin:], columns=self.columns[begin:end], lead=lead
        )


class CacheView(Cache):  # type: ignore[misc] # transformers is untyped here
    """A throw-away cache for one pass; it can also describe a step of one token per agent."""

    def __init__(self) -> None:
        super().__init__(layers=[])

    def entries(self, shared: SharedKV | None) -> Entries | None:
        """Return what a pass of one token per agent sees and where it writes.

        None if that depends on the model's own attention.
        """
        raise NotImplementedError(type(self).__name__, shared)


class KVStore:
    """One sequence's entries, each with a position and a tag.

    Appending costs amortised O(1) per entry. Entries below `length` are never overwritten in place,
    so a view handed out as a snapshot stays true: dropping and evicting build new storage.
    """

    def __init__(
        self,
        *,
        num_layers: int,
        num_kv_heads: int,
        head_dim: int,
        dtype: torch.dtype,
        device: torch.device | str,
        capacity: int = 256,
    ) -> None:
        shape = (num_layers, 2, num_kv_heads, max(1, capacity), head_dim)
        self.data = torch.empty(shape, dtype=dtype, device=device)
        self.positions = torch.empty(shape[3], dtype=torch.long, device=device)
        self.tags = torch.empty(shape[3], dtype=torch.long, device=device)
        self.length = 0
        self.recorded: dict[Any, Any] = {}

    @property
    def capacity(self) -> int:
        """Entries that fit before the store grows."""
        return self.data.shape[3]

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return self.data.untyped_storage().nbytes()

    def text_rows(self) -> Tensor:
        """Return the rows of visible text, int64 [T]."""
        return (self.tags[: self.length] == TEXT).nonzero().flatten()

    def reserve(self, num_entries: int) -> None:
        """Make room for `num_entries` more.

        A store grows by a quarter, so that appending stays amortised O(1).
        """
        need = self.length + num_entries
        if need > self.capacity:
            self._rebuild(
                slice(0, self.length),
                capacity=max(need, self.capacity + max(SPARE, self.capacity // 4)),
            )

    def view(self, positions: Tensor, *, tag: int = TEXT) -> "AppendView":
        """Return a cache for one pass that appends entries at `positions` [T] under `tag`."""
        self.reserve(positions.numel())
        return AppendView(self, positions, tag)

    def commit(self, positions: Tensor, tag: int) -> None:
        """Make the entries a view has written part of the sequence."""
        end = self.length + positions.numel()
        self.positions[self.length : end] = positions
        self.tags[self.length : end] = tag
        self.length = end

    def append(self, entries: SharedKV, tag: int) -> None:
        """Add a copy of entries made elsewhere."""
        self.reserve(entries.num_entries)
        end = self.length + entries.num_entries
        self.data[:, 0, :, self.length : end] = entries.keys
        self.data[:, 1, :, self.length : end] = entries.values
        self.commit(entries.positions, tag)

    def gather(self, rows: Tensor) -> SharedKV:
        """Return a copy of some rows: int64 [K] for all heads, or [L, H_kv, K] for each head."""
        if rows.dim() == 1:
            block = self.data[:, :, :, : self.length].index_select(3, rows)
            return SharedKV(block[:, 0], block[:, 1], self.positions[rows])
        index = rows[:, None, :, :, None].expand(-1, 2, -1, -1, self.data.shape[-1])
        block = self.data[:, :, :, : self.length].gather(3, index)
        return SharedKV(block[:, 0], block[:, 1], self.positions[rows[0, 0]])

    def share(self) -> SharedKV:
        """Return every visible entry.

        By reference, without a copy, unless thoughts stand between them.
        """
        rows = self.text_rows()
        if rows.numel() != self.length:
            return self.gather(rows)
        data = self.data[:, :, :, : self.length]
        return SharedKV(data[:, 0], data[:, 1], self.positions[: self.length])

    def keep(self, rows: Tensor) -> None:
        """Hold only `rows` (sorted) from now on; in new storage, because snapshots read the old."""
        self._rebuild(rows, capacity=int(rows.numel()) + SPARE)

    def drop(self, tag: int) -> int:
        """Forget every entry under `tag`; return how many there were."""
        rows = (self.tags[: self.length] != tag).nonzero().flatten()
        dropped = self.length - rows.numel()
        if dropped:
            self.keep(rows)
        return dropped

    def prefix(self, length: int) -> "KVStore":
        """Return an independent copy of the rows below `length`.

        It moves to storage of its own when it appends.
        """
        other = object.__new__(KVStore)
        other.data = self.data[:, :, :, :length]
        other.positions = self.positions[:length]
        other.tags = self.tags[:length]
        other.length = length
        other.recorded = {}
        return other

    def fork(self) -> "KVStore":
        """Return an independent copy, which costs nothing until it appends."""
        return self.prefix(self.length)

    def _rebuild(self, rows: Tensor | slice, *, capacity: int) -> None:
        old = self.data[:, :, :, rows]
        positions = self.positions[rows]
        tags = self.tags[rows]
        num = positions.numel()
        data = old.new_empty((*self.data.shape[:3], capacity, self.data.shape[4]))
        where = positions.new_empty(capacity)
        kinds = tags.new_empty(capacity)
        data[:, :, :, :num] = old
        where[:num] = positions
        kinds[:num] = tags
        # first, and storage only once it is filled: a viewer's thread may be looking
        self.length = num
        self.data = data
        self.positions = where
        self.tags = kinds
        self.recorded = {}


class AppendView(CacheView):
    """A cache for one pass of one sequence: it writes behind the store's entries and reads all."""

    def __init__(self, store: KVStore, positions: Tensor, tag: int) -> None:
        super().__init__()
        self.store = store
        self._positions = positions
        self._tag = tag

    def entries(self, shared: SharedKV | None) -> Entries:
        """Return what one token sees: everything held, which its only agent holds in common."""
        length = self.store.length
        columns = torch.full((1,), length, device=self.store.data.device)
        data = self.store.data[:, :, None]
        recorded = self.store.recorded
        return Entries(data, columns, shared, common=length, width=length + 1, recorded=recorded)

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Write one layer's new entries [1, H_kv, T, D]; return all of them [1, H_kv, S, D]."""
        store = self.store
        start = self.store.length
        end = start + key.shape[2]
        check_entries(key, value, store.data)
        store.data[layer_idx, 0, :, start:end] = key[0]
        store.data[layer_idx, 1, :, start:end] = value[0]
        return store.data[layer_idx, 0, None, :, :end], store.data[layer_idx, 1, None, :, :end]

    def commit(self) -> None:
        """Keep what was written; without this call the pass leaves no trace in the store."""
        self.store.commit(self._positions, self._tag)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - transformers' signature
        """Return the number of entries before this pass."""
        return self.store.length


def check_entries(key: Tensor, value: Tensor, data: Tensor) -> None:
    """Refuse a layer whose entries do not have the layout of `data` [..., H_kv, capacity, D]."""
    heads = data.shape[-3]
    dim = data.shape[-1]
    if key.shape[1] != heads or key.shape[3] != dim or value.shape[3] != dim:
        msg = (
            f"this model caches keys {tuple(key.shape)} and values {tuple(value.shape)} in one "
            f"layer, but {heads} heads of size {dim} in another; only uniform layers are supported"
        )
        raise ValueError(msg)
