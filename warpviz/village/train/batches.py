"""Rows padded into arrays that processes can exchange, and their masks on the device."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from warpviz.village.train.context import SINKS
from warpviz.village.train.rows import Shape, TrainingRow, make_row
from warpviz.village.train.token_sequence import Mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from warpviz.village.world.tokens import Encoder

PADDING = 255
MULTIPLE = 64


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """B rows of T tokens, at most S segments, contexts of at most N tokens.

    All arrays are [B, T] except `visibility`, bit-packed masks [B, S, ceil(N / 8)], and `windows`,
    [B, S] in tokens.
    """

    ids: NDArray[np.int32]
    weights: NDArray[np.float32]
    positions: NDArray[np.int32]
    marks: NDArray[np.uint8]
    segments: NDArray[np.uint8]
    sources: NDArray[np.int32]
    visibility: NDArray[np.uint8]
    windows: NDArray[np.int32]
    num_context: int


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """A batch on a device; mask: bool [B, 1, T, T], True where attention is allowed."""

    ids: Tensor
    weights: Tensor
    positions: Tensor
    marks: Tensor
    sources: Tensor
    mask: Tensor


def make_batch(seeds: list[int], shape: Shape, encoder: Encoder) -> TrainingBatch:
    """Build the rows of the seeds, all of one shape."""
    return collate([make_row(seed, shape, encoder) for seed in seeds])


def collate(rows: list[TrainingRow]) -> TrainingBatch:
    """Pad rows to one length."""
    size = -(-max(len(row.ids) for row in rows) // MULTIPLE) * MULTIPLE
    count = max(len(row.visibility) for row in rows)
    num_context = max(len(row.context.sequence) for row in rows)
    shape = (len(rows), size)
    ids = np.zeros(shape, np.int32)
    weights = np.zeros(shape, np.float32)
    positions = np.zeros(shape, np.int32)
    marks = np.zeros(shape, np.uint8)
    segments = np.full(shape, PADDING, np.uint8)
    sources = np.zeros(shape, np.int32)
    visibility = np.ones((len(rows), count, num_context), bool)
    windows = np.full((len(rows), count), 1 << 14, np.int32)
    for index, row in enumerate(rows):
        end = len(row.ids)
        ids[index, :end] = row.ids
        weights[index, :end] = row.weights
        positions[index, :end] = row.positions
        marks[index, :end] = row.marks
        segments[index, :end] = row.segments
        sources[index, :end] = row.sources
        windows[index, : len(row.windows)] = row.windows
        for segment, mask in enumerate(row.visibility):
            if mask is not None:
                visibility[index, segment, : len(mask)] = mask
    return TrainingBatch(
        ids,
        weights,
        positions,
        marks,
        segments,
        sources,
        np.packbits(visibility, axis=2),
        windows,
        num_context,
    )


def _bits(packed: Tensor, count: int) -> Tensor:
    shifts = torch.arange(7, -1, -1, device=packed.device, dtype=torch.uint8)
    return ((packed[..., None] >> shifts) & 1).flatten(-2)[..., :count].bool()


def build_mask(
    segments: Tensor, positions: Tensor, marks: Tensor, visibility: Tensor, windows: Tensor
) -> Tensor:
    """Return the attention mask: which tokens each token sees.

    A token sees itself, the earlier tokens of its segment, and the visible context in its window.
    segments, positions, marks: [B, T]. visibility: bool [B, S, N]. windows: [B, S]. Returns bool
    [B, 1, T, T].
    """
    batch, size = segments.shape
    own = segments[:, :, None] == segments[:, None, :]
    query = segments.long().clamp(max=visibility.shape[1] - 1)
    kept = torch.gather(visibility, 1, query[:, :, None].expand(batch, size, visibility.shape[2]))
    shared = torch.zeros(batch, size, size, dtype=torch.bool, device=segments.device)
    shared[:, :, : visibility.shape[2]] = kept
    shared &= (segments == 0)[:, None, :]
    reach = torch.gather(windows, 1, query)
    near = (positions[:, :, None] - positions[:, None, :]) < reach[:, :, None]
    fixed = (positions < SINKS) | (marks == int(Mark.REF)) | (segments != 0)
    mask = (own | shared) & (near | fixed[:, None, :])
    mask &= torch.ones(size, size, dtype=torch.bool, device=segments.device).tril()
    mask &= (segments != PADDING)[:, None, :]
    mask |= torch.eye(size, dtype=torch.bool, device=segments.device)
    return mask[:, None]


def to_device(batch: TrainingBatch, device: torch.device) -> DeviceBatch:
    """Move the arrays and build the mask there."""

    def move(array: NDArray[np.generic]) -> Tensor:
        """Return an array on the device."""
        return torch.from_numpy(array).to(device, non_blocking=True)

    positions = move(batch.positions)
    marks = move(batch.marks)
    segments = move(batch.segments)
    visibility = _bits(move(batch.visibility), batch.num_context)
    mask = build_mask(segments, positions, marks, visibility, move(batch.windows))
    return DeviceBatch(
        move(batch.ids).long(),
        move(batch.weights),
        positions.long(),
        marks,
        move(batch.sources).long(),
        mask,
    )
