"""The queries a context remembers, so that attention to its entries can be computed without the model.

Fused attention returns no weights. A few queries per layer are kept instead: the last `window` ones, and up to
`samples` evenly spaced ones of what was read, from which attention received (H2O, arXiv 2306.14048) is estimated;
when the text is no longer than `samples` the estimate is exact.
"""

import torch
from torch import Tensor

CHUNK = 64  # queries whose weights are held at once: [H_q, CHUNK, T] floats


class QueryLog:
    """Rotated and scaled queries [L, H_q, N, D] with the position each was asked from."""

    def __init__(self, *, window: int = 32, samples: int = 512) -> None:
        self.window, self.samples = window, samples
        self.positions: Tensor | None = None
        self._layers: dict[int, Tensor] = {}
        self._fresh: dict[int, Tensor] = {}
        self._keep: Tensor | None = None
        self._num_sampled = 0

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(t.numel() * t.element_size() for t in self._layers.values())

    def plan(self, offset: int, num_tokens: int, total: int) -> None:
        """Choose which of the next `num_tokens` queries to keep, of a text of `total` being read from `offset` on."""
        stride = max(1, -(-total // self.samples))
        keep = [i for i in range(num_tokens) if (offset + i) % stride == 0 or offset + i >= total - self.window]
        self._keep = torch.tensor(keep, dtype=torch.long)

    def tap(self, layer: int, query: Tensor) -> None:
        """Collect one layer's queries [1, H_q, T, D] of the running pass."""
        keep = self._keep
        assert keep is not None  # noqa: S101 - plan() comes first
        rows = query[0] if keep.numel() == query.shape[2] else query[0].index_select(1, keep.to(query.device))
        self._fresh[layer] = rows.clone()

    def commit(self, positions: Tensor, *, reading: bool) -> None:
        """Keep what the pass collected; while writing (not `reading`) only the last `window` written stay."""
        assert self._keep is not None  # noqa: S101 - plan() comes first
        kept = positions[self._keep.to(positions.device)]
        old = self.positions
        self.positions = kept if old is None else torch.cat((old, kept))
        for layer, rows in self._fresh.items():
            self._layers[layer] = torch.cat((self._layers[layer], rows), 1) if layer in self._layers else rows
        self._fresh = {}
        if reading:
            self._num_sampled = self.positions.numel()
        elif self.positions.numel() > self._num_sampled + 2 * self.window:
            self._prune()

    def _prune(self) -> None:
        assert self.positions is not None  # noqa: S101 - there was something to prune
        rows = [slice(0, self._num_sampled), slice(-self.window, None)]
        self.positions = torch.cat([self.positions[r] for r in rows])
        self._layers = {layer: torch.cat([q[:, r] for r in rows], 1) for layer, q in self._layers.items()}

    def attention(self, keys: Tensor, key_positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention [W, T] of the last W queries, and received [T], the mean mass from all that can see a key.

        keys: [L, H_kv, T, D] as cached. Means are over layers and query heads, which for grouped queries is the mean
        inside each group first. Both float32 on the keys' device. Queries see positions up to their own.
        """
        assert self.positions is not None  # noqa: S101 - something was read
        num_queries = self.positions.numel()
        window = min(self.window, num_queries)
        recent = keys.new_zeros((window, keys.shape[2]), dtype=torch.float32)
        total = keys.new_zeros(keys.shape[2], dtype=torch.float32)
        for start in range(0, num_queries, CHUNK):
            rows = slice(start, min(start + CHUNK, num_queries))
            weights = self._weights(keys, key_positions, rows)
            total += weights.sum(0)
            first = start - (num_queries - window)
            if first + weights.shape[0] > 0:
                skip = max(0, -first)
                recent[first + skip : first + weights.shape[0]] = weights[skip:]
        seen_by = (self.positions[:, None] >= key_positions[None]).sum(0).clamp_min(1)
        return recent, total / seen_by

    def _weights(self, keys: Tensor, key_positions: Tensor, rows: slice) -> Tensor:
        """Return attention [N, T] of some queries, averaged over layers and heads."""
        assert self.positions is not None  # noqa: S101 - something was read
        hidden = self.positions[rows, None] < key_positions[None]
        mean = keys.new_zeros(hidden.shape, dtype=torch.float32)
        for layer in range(keys.shape[0]):
            query = self._layers[layer][:, rows].float()
            grouped = query.reshape(keys.shape[1], -1, query.shape[-1])  # [H_kv, G * N, D]
            scores = grouped @ keys[layer].float().transpose(-1, -2)
            scores = scores.view(scores.shape[0], -1, *hidden.shape).masked_fill(hidden, float("-inf"))
            mean += scores.softmax(-1).nan_to_num(0.0).mean((0, 1))
        return mean / keys.shape[0]

    def fork(self) -> "QueryLog":
        """Return an independent copy; the tensors are never written in place and are shared."""
        other = QueryLog(window=self.window, samples=self.samples)
        other.positions, other._layers = self.positions, dict(self._layers)
        other._num_sampled = self._num_sampled
        return other
