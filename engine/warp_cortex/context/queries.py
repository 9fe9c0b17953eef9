"""Queries that a context keeps, so that attention to its entries needs no pass of the model.

Fused attention returns no weights. A few queries per layer are kept instead: the last `window`
ones, and up to `samples` evenly spaced ones of the text that was read, from which attention
received (H2O, arXiv 2306.14048) is estimated. For a text no longer than `samples` it is exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from warp_cortex.attention.shared import Limits
from warp_cortex.cache.growing import GrowingRows

SAMPLES = 512  # evenly spaced queries kept per layer while reading
WINDOW = 32  # last queries kept per layer
CHUNK = 64  # most queries whose weights, float32 [H_q, CHUNK, T], are held at once
CHUNK_ELEMENTS = 1 << 21  # most weights held at once on a CPU: they stay in its cache
CUDA_FACTOR = 64  # how many times as many a GPU holds


class Kept(NamedTuple):
    """N queries of every layer at one moment; queries that come later do not change it."""

    positions: Tensor  # int64 [N]
    rows: Tensor  # [N, sum of H_q * D over layers], rotated and scaled
    shapes: dict[int, tuple[int, int, int]]  # by layer: where it begins in a row, H_q and D

    def layer(self, number: int) -> Tensor:
        """Return one layer's queries, [H_q, N, D]."""
        begin, heads, dim = self.shapes[number]
        return self.rows[:, begin : begin + heads * dim].view(-1, heads, dim).transpose(0, 1)


class QueryLog:
    """Rotated and scaled queries [L, H_q, N, D], each with its token's position.

    Queries of the text that was read and of what was written since lie in two growing blocks, so
    that a token costs the same however much was read. A view of both is replaced in one assignment:
    another thread never sees half of a step.

    window: how many last queries are kept. samples: how many evenly spaced ones of a text read.
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
        """How many of them, the first ones, are kept to the end."""
        return self._kept[0].positions.numel() if self._kept else 0

    @property
    def num_bytes(self) -> int:
        """Bytes held, spare capacity included."""
        return sum(part.num_bytes for part in self._parts)

    def plan(self, offset: int, num_tokens: int, total: int) -> None:
        """Choose which of the next pass's `num_tokens` queries to keep.

        offset: how many tokens of the text were read before. total: how many it has.
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
            keep = keep.to(query.device)
            self._keep = keep  # moved once for all layers: each move waits for a GPU
            rows = query[0].index_select(1, keep)
        self._fresh[layer] = rows.clone()
        self._limits[layer] = limits

    def commit(self, positions: Tensor, *, reading: bool) -> None:
        """Keep what the pass collected.

        positions: of the pass's tokens, int64 [T]. reading: whether they were read; of those
        written only the last `window` are kept.
        """
        keep = self._keep
        assert keep is not None
        # a written token is kept in any case: to index it would only wait for a GPU
        if keep.numel() < positions.numel():
            positions = positions[keep.to(positions.device)]
        fresh = _joined(positions, self._fresh)
        read, written = self._parts
        if reading:  # what was written until now precedes it, and is kept
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
        """Return the attention of the last W queries, and the attention each key received.

        The first is float32 [W, T]. The second is float32 [T]: the mean over all kept queries that
        can see the key. Both are means over layers and query heads, on the keys' device. A query
        sees positions up to its own, and no further back than a layer's sliding window.

        keys: [L, H_kv, T, D] as cached. key_positions: int64 [T].
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
        """Return the attention [T] that queries number `first` to `last` pay to keys, summed.

        A query's weights never change once its text has been read. Masses of several calls
        therefore add up, also those of earlier calls over a shorter text. See `attention`.
        """
        total = keys.new_zeros(keys.shape[2], dtype=torch.float32)
        for _, weights in self._weights(keys, key_positions, first=first, last=last):
            total[: weights.shape[-1]] += weights.sum(0)
        return total

    def seen_by(self, key_positions: Tensor) -> Tensor:
        """Return how many kept queries stand at or after each key position [T], at least 1."""
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
        """Yield a query's number, and the weights [N, T'] of it and the N - 1 queries after it.

        Weights are means over layers and heads. T' ends with the last key that any of them can see.
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
    """A growing block of queries.

    Appending costs amortised O(1) a query, and rows that were handed out are never written again.
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
        """Return an independent copy; it moves to buffers of its own when it appends."""
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
    """Return attention weights, float32 [H_q, N, T].

    query: scaled, [H_q, N, D]. keys: [H_kv, T, D]. seen: bool [N, T], which keys each query can
    see; one that sees nothing has weights of zero.
    """
    grouped = query.float().reshape(keys.shape[0], -1, query.shape[-1])  # [H_kv, G * N, D]
    scores = grouped @ keys.float().transpose(-1, -2)
    if limits.softcap is not None:
        scores = limits.softcap * torch.tanh(scores / limits.softcap)
    scores = scores.view(query.shape[0], *seen.shape).masked_fill_(~seen, float("-inf"))
    return scores.softmax(-1).nan_to_num_(0.0)
