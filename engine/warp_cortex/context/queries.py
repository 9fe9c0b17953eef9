"""The queries a context remembers, so that attention to its entries can be computed without the
model.

Fused attention returns no weights. A few queries per layer are kept instead: the last `window`
ones, and up to `samples` evenly spaced ones of what was read, from which attention received (H2O,
arXiv 2306.14048) is estimated; when the text is no longer than `samples` the estimate is exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from warp_cortex.attention.shared import Limits
from warp_cortex.cache.growing import GrowingRows

SAMPLES = 512  # queries remembered per layer while reading, evenly spaced
WINDOW = 32  # and the last ones
CHUNK = 64  # queries whose weights are held at once, at most: [H_q, CHUNK, T] floats
# of those floats, so that they stay near the core; a GPU takes `CUDA_FACTOR` times as many
CHUNK_ELEMENTS = 1 << 21
CUDA_FACTOR = 64


class Kept(NamedTuple):
    """Queries as they were at one moment: later ones never change it."""

    positions: Tensor  # int64 [N]
    rows: Tensor  # [N, sum of H_q * D over layers], rotated and scaled
    shapes: dict[int, tuple[int, int, int]]  # of each layer: where it begins in a row, H_q and D

    def layer(self, number: int) -> Tensor:
        """Return one layer's queries, [H_q, N, D]."""
        begin, heads, dim = self.shapes[number]
        return self.rows[:, begin : begin + heads * dim].view(-1, heads, dim).transpose(0, 1)


class QueryLog:
    """Rotated and scaled queries [L, H_q, N, D] with the position each was asked from.

    What was read and what was written since lie in two growing blocks each, so that a token costs
    the same however much was read. A view of both is replaced in one assignment: a viewer's thread
    never sees half of a step.
    """

    def __init__(self, *, window: int = WINDOW, samples: int = SAMPLES) -> None:
        self.window = window
        self.samples = samples
        self._parts: tuple[_Block, _Block] = (_Block(), _Block())  # read, written since
        self._kept: tuple[Kept, ...] = ()
        self._limits: dict[int, Limits] = {}
        self._fresh: dict[int, Tensor] = {}
        self._keep: Tensor | None = None

    @property
    def positions(self) -> Tensor:
        """Positions of the queries kept, int64 [N]."""
        return torch.cat([part.positions for part in self._held()])

    @property
    def num_sampled(self) -> int:
        """How many of them, the first ones, stay for good."""
        return self._kept[0].positions.numel() if self._kept else 0

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return sum(part.num_bytes for part in self._parts)

    def plan(self, offset: int, num_tokens: int, total: int) -> None:
        """Choose which of the next `num_tokens` queries to keep, of a text of `total` being read
        from `offset` on.
        """
        stride = max(1, -(-total // self.samples))
        keep = [
            i
            for i in range(num_tokens)
            if (offset + i) % stride == 0 or offset + i >= total - self.window
        ]
        self._keep = torch.tensor(keep, dtype=torch.long)
        self._fresh = {}

    def tap(self, layer: int, query: Tensor, limits: Limits) -> None:
        """Collect one layer's queries [1, H_q, T, D] of the running pass."""
        keep = self._keep
        assert keep is not None
        if keep.numel() == query.shape[2]:
            rows = query[0]
        else:
            self._keep = keep = keep.to(query.device)  # once for all layers: a GPU is waited for
            rows = query[0].index_select(1, keep)
        self._fresh[layer] = rows.clone()
        self._limits[layer] = limits

    def commit(self, positions: Tensor, *, reading: bool) -> None:
        """Keep what the pass collected; while writing (not `reading`) only the last `window`
        written stay.
        """
        keep = self._keep
        assert keep is not None
        # of a written token it is all: a GPU would be waited for to say so
        if keep.numel() < positions.numel():
            positions = positions[keep.to(positions.device)]
        fresh = _joined(positions, self._fresh)
        read, written = self._parts
        if reading:  # what was written until now was asked before, and stays
            for part in (written.kept, fresh):
                read.append(part)
            written = _Block()
        else:
            written.append(fresh)
            if len(written) > 2 * self.window:
                written = written.last(self.window)
        self._parts = (read, written)
        self._fresh = {}
        self._kept = tuple(part.kept for part in self._parts if part.kept is not None)

    def attention(self, keys: Tensor, key_positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention [W, T] of the last W queries, and received [T], the mean mass from all
        that can see a key.

        keys: [L, H_kv, T, D] as cached. Means are over layers and query heads, which for grouped
        queries is the mean inside each group first. Both float32 on the keys' device. Queries see
        positions up to their own, and under a layer's sliding window no further back than it.
        """
        asked = self.positions
        first = max(0, asked.numel() - self.window)
        recent = keys.new_zeros((asked.numel() - first, keys.shape[2]), dtype=torch.float32)
        total = keys.new_zeros(keys.shape[2], dtype=torch.float32)
        for start, weights in self._weights(keys, key_positions, first=0):
            columns = weights.shape[-1]
            total[:columns] += weights.sum(0)
            skip = max(0, first - start)
            if skip < len(weights):
                begin = start + skip - first
                recent[begin : begin + len(weights) - skip, :columns] += weights[skip:]
        return recent, total / self.seen_by(key_positions)

    def mass(
        self, keys: Tensor, key_positions: Tensor, *, first: int = 0, last: int | None = None
    ) -> Tensor:
        """Return the attention [T] that queries number `first` to `last` pay to keys, summed over
        them.

        Weights of a query never change once its text was read, so that masses of several calls add
        up, those of earlier calls over a shorter text included. See `attention`.
        """
        total = keys.new_zeros(keys.shape[2], dtype=torch.float32)
        for _, weights in self._weights(keys, key_positions, first=first, last=last):
            total[: weights.shape[-1]] += weights.sum(0)
        return total

    def seen_by(self, key_positions: Tensor) -> Tensor:
        """Return how many of the queries kept are not before each key position [T], at least 1."""
        asked = self.positions
        before = torch.searchsorted(asked.sort().values, key_positions.contiguous())
        return (asked.numel() - before).clamp_min(1)

    def fork(self) -> "QueryLog":
        """Return an independent copy; it shares what is kept and appends to blocks of its own."""
        other = QueryLog(window=self.window, samples=self.samples)
        read, written = self._parts
        other._parts = (read.fork(), written.fork())
        other._kept = self._kept
        other._limits = dict(self._limits)
        return other

    def _held(self) -> tuple[Kept, ...]:
        if not self._kept:
            msg = "no token has been read yet"
            raise ValueError(msg)
        return self._kept

    def _weights(
        self, keys: Tensor, key_positions: Tensor, *, first: int, last: int | None = None
    ) -> Iterator[tuple[int, Tensor]]:
        """Yield the number of a query and weights [N, T'] of it and those after it, means over
        layers and heads.

        T' is up to the last key that any of them can see.
        """
        num_layers = keys.shape[0]
        offset = 0
        for part in self._held():
            count = part.positions.numel()
            end = count if last is None else min(count, last - offset)
            heads = next(iter(part.shapes.values()))[1]
            size = CHUNK_ELEMENTS * (CUDA_FACTOR if keys.is_cuda else 1) // (heads * keys.shape[2])
            size = max(1, min(CHUNK, size))
            for start in range(max(0, first - offset), end, size):
                rows = slice(start, min(start + size, end))
                asked = part.positions[rows]
                visible = (key_positions <= asked.max()).nonzero()
                columns = int(visible[-1]) + 1 if len(visible) else 1
                mean = keys.new_zeros((len(asked), columns), dtype=torch.float32)
                for layer in range(num_layers):
                    queries = part.layer(layer)[:, rows]
                    limits = self._limits[layer]
                    seen = _seen(asked, key_positions[:columns], limits)
                    weights = weigh(queries, keys[layer, :, :columns], seen, limits)
                    mean.add_(weights.sum(0), alpha=1 / (num_layers * len(queries)))
                yield offset + start, mean
            offset += count


class _Block:
    """Queries one after another; appending costs amortised O(1) each, and rows handed out are never
    written again.
    """

    def __init__(self) -> None:
        self.kept: Kept | None = None
        self._positions = GrowingRows()
        self._rows = GrowingRows()

    def __len__(self) -> int:
        return 0 if self.kept is None else len(self.kept.rows)

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return self._positions.num_bytes + self._rows.num_bytes

    def append(self, more: Kept | None) -> None:
        """Add queries; nothing if there are none."""
        if more is None:
            return
        self._positions.append(more.positions[:, None])
        self._rows.append(more.rows)
        self.kept = Kept(self._positions.rows[:, 0], self._rows.rows, more.shapes)

    def last(self, count: int) -> "_Block":
        """Return a copy of the last ones."""
        other = _Block()
        assert self.kept is not None
        other.append(Kept(self.kept.positions[-count:], self.kept.rows[-count:], self.kept.shapes))
        return other

    def fork(self) -> "_Block":
        """Return a copy that can go on by itself; it moves to blocks of its own when it appends."""
        other = _Block()
        other.kept = self.kept
        other._positions = self._positions.fork()
        other._rows = self._rows.fork()
        return other


def _joined(positions: Tensor, layers: dict[int, Tensor]) -> Kept:
    """Return queries [H_q, N, D] of every layer as rows of one block."""
    shapes = {}
    begin = 0
    for layer, queries in layers.items():
        shapes[layer] = (begin, queries.shape[0], queries.shape[2])
        begin += queries.shape[0] * queries.shape[2]
    return Kept(
        positions,
        torch.cat([queries.transpose(0, 1).flatten(1) for queries in layers.values()], 1),
        shapes,
    )


def _seen(asked: Tensor, key_positions: Tensor, limits: Limits) -> Tensor:
    """Return which keys [T] queries at positions [N] can see, bool [N, T]."""
    distance = asked[:, None] - key_positions
    return (
        (distance >= 0) if limits.window is None else (distance >= 0) & (distance < limits.window)
    )


def weigh(query: Tensor, keys: Tensor, seen: Tensor, limits: Limits) -> Tensor:
    """Return attention weights [H_q, N, T], float32: scaled queries [H_q, N, D] over keys [H_kv, T,
    D].

    seen: bool [N, T]. A query that sees nothing has weights of zero.
    """
    grouped = query.float().reshape(keys.shape[0], -1, query.shape[-1])  # [H_kv, G * N, D]
    scores = grouped @ keys.float().transpose(-1, -2)
    if limits.softcap is not None:
        scores = limits.softcap * torch.tanh(scores / limits.softcap)
    scores = scores.view(query.shape[0], *seen.shape).masked_fill_(~seen, float("-inf"))
    return scores.softmax(-1).nan_to_num_(0.0)
