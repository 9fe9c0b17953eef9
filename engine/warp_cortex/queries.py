"""The queries a context remembers, so that attention to its entries can be computed without the model.

Fused attention returns no weights. A few queries per layer are kept instead: the last `window` ones, and up to
`samples` evenly spaced ones of what was read, from which attention received (H2O, arXiv 2306.14048) is estimated;
when the text is no longer than `samples` the estimate is exact.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from warp_cortex.attention import Limits

CHUNK = 64  # queries whose weights are held at once, at most: [H_q, CHUNK, T] floats
CHUNK_ELEMENTS = 1 << 21  # of those floats, so that they stay near the core; a GPU takes `CUDA_FACTOR` times as many
CUDA_FACTOR = 64


class _Kept(NamedTuple):
    """What is remembered, replaced in one assignment so that a viewer's thread never sees half of a step."""

    positions: Tensor  # int64 [N]
    layers: dict[int, Tensor]  # [H_q, N, D] each, rotated and scaled


class QueryLog:
    """Rotated and scaled queries [L, H_q, N, D] with the position each was asked from."""

    def __init__(self, *, window: int = 32, samples: int = 512) -> None:
        self.window, self.samples = window, samples
        self._kept: _Kept | None = None
        self._limits: dict[int, Limits] = {}
        self._fresh: dict[int, Tensor] = {}
        self._keep: Tensor | None = None
        self._num_sampled = 0

    @property
    def positions(self) -> Tensor:
        """Positions of the queries kept, int64 [N]."""
        return self._held().positions

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        kept = self._kept
        return 0 if kept is None else sum(t.numel() * t.element_size() for t in kept.layers.values())

    def plan(self, offset: int, num_tokens: int, total: int) -> None:
        """Choose which of the next `num_tokens` queries to keep, of a text of `total` being read from `offset` on."""
        stride = max(1, -(-total // self.samples))
        keep = [i for i in range(num_tokens) if (offset + i) % stride == 0 or offset + i >= total - self.window]
        self._keep, self._fresh = torch.tensor(keep, dtype=torch.long), {}

    def tap(self, layer: int, query: Tensor, limits: Limits) -> None:
        """Collect one layer's queries [1, H_q, T, D] of the running pass."""
        keep = self._keep
        assert keep is not None  # noqa: S101 - plan() comes first
        rows = query[0] if keep.numel() == query.shape[2] else query[0].index_select(1, keep.to(query.device))
        self._fresh[layer], self._limits[layer] = rows.clone(), limits

    def commit(self, positions: Tensor, *, reading: bool) -> None:
        """Keep what the pass collected; while writing (not `reading`) only the last `window` written stay."""
        assert self._keep is not None  # noqa: S101 - plan() comes first
        where = positions[self._keep.to(positions.device)]
        old, layers = self._kept, self._fresh
        if old is not None:
            where = torch.cat((old.positions, where))
            layers = {layer: torch.cat((old.layers[layer], rows), 1) for layer, rows in self._fresh.items()}
        self._kept, self._fresh = _Kept(where, layers), {}
        if reading:
            self._num_sampled = where.numel()
        elif where.numel() > self._num_sampled + 2 * self.window:
            self._prune()

    def attention(self, keys: Tensor, key_positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention [W, T] of the last W queries, and received [T], the mean mass from all that can see a key.

        keys: [L, H_kv, T, D] as cached. Means are over layers and query heads, which for grouped queries is the mean
        inside each group first. Both float32 on the keys' device. Queries see positions up to their own, and under a
        layer's sliding window no further back than it.
        """
        kept = self._held()
        window = min(self.window, kept.positions.numel())
        recent = keys.new_zeros((window, keys.shape[2]), dtype=torch.float32)
        total = keys.new_zeros(keys.shape[2], dtype=torch.float32)
        for layer in range(keys.shape[0]):
            block, share = keys[layer].float(), 1 / (keys.shape[0] * kept.layers[layer].shape[0])
            for rows, weights in self._weights(kept, block, key_positions, layer):
                columns = weights.shape[-1]
                total[:columns] += weights.sum((0, 1)) * share
                first = rows.start - (kept.positions.numel() - window)
                if first + weights.shape[1] > 0:
                    skip = max(0, -first)
                    recent[first + skip : first + weights.shape[1], :columns] += weights[:, skip:].sum(0) * share
        return recent, total / _seen_by(kept.positions, key_positions)

    def fork(self) -> "QueryLog":
        """Return an independent copy; the tensors are never written in place and are shared."""
        other = QueryLog(window=self.window, samples=self.samples)
        other._kept, other._limits, other._num_sampled = self._kept, dict(self._limits), self._num_sampled
        return other

    def _prune(self) -> None:
        kept = self._held()
        rows = [slice(0, self._num_sampled), slice(-self.window, None)]
        layers = {layer: torch.cat([q[:, r] for r in rows], 1) for layer, q in kept.layers.items()}
        self._kept = _Kept(torch.cat([kept.positions[r] for r in rows]), layers)

    def _held(self) -> _Kept:
        if self._kept is None:
            msg = "no token has been read yet"
            raise ValueError(msg)
        return self._kept

    def _weights(
        self, kept: _Kept, keys: Tensor, key_positions: Tensor, layer: int
    ) -> Iterator[tuple[slice, Tensor]]:  # fmt: skip
        """Yield some queries after others with one layer's weights [H_q, N, T'], T' the last key that any can see."""
        queries, limits = kept.layers[layer], self._limits[layer]
        size = CHUNK_ELEMENTS * (CUDA_FACTOR if keys.is_cuda else 1) // (queries.shape[0] * keys.shape[1])
        size = max(1, min(CHUNK, size))
        for start in range(0, kept.positions.numel(), size):
            rows = slice(start, min(start + size, kept.positions.numel()))
            visible = (key_positions <= kept.positions[rows].max()).nonzero()
            columns = int(visible[-1]) + 1 if len(visible) else 1
            distance = kept.positions[rows, None] - key_positions[None, :columns]
            seen = (distance >= 0) if limits.window is None else (distance >= 0) & (distance < limits.window)
            yield rows, weigh(queries[:, rows], keys[:, :columns], seen, limits)


def _seen_by(queries: Tensor, keys: Tensor) -> Tensor:
    """Return how many of the query positions [N] are not before each key position [T], at least 1."""
    before = torch.searchsorted(queries.sort().values, keys.contiguous())
    return (queries.numel() - before).clamp_min(1)


def weigh(query: Tensor, keys: Tensor, seen: Tensor, limits: Limits) -> Tensor:
    """Return attention weights [H_q, N, T], float32: scaled queries [H_q, N, D] over keys [H_kv, T, D].

    seen: bool [N, T]. A query that sees nothing has weights of zero.
    """
    grouped = query.float().reshape(keys.shape[0], -1, query.shape[-1])  # [H_kv, G * N, D]
    scores = grouped @ keys.float().transpose(-1, -2)
    if limits.softcap is not None:
        scores = limits.softcap * torch.tanh(scores / limits.softcap)
    scores = scores.view(query.shape[0], *seen.shape).masked_fill_(~seen, float("-inf"))
    return scores.softmax(-1).nan_to_num_(0.0)
