"""The learning curve: accuracy on fixed held-out rows while training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warpviz.village.train.batches import TrainingBatch, make_batch, to_device
from warpviz.village.train.learner import Learner, scores
from warpviz.village.train.rows import Shape
from warpviz.village.train.token_sequence import Mark

if TYPE_CHECKING:
    from warpviz.village.world.tokens import Encoder

LENGTHS = (256, 512, 1024)
ROWS = 16


def held_out_batches(
    encoder: Encoder, lengths: tuple[int, ...] = LENGTHS, groups: int = 3, rows: int = ROWS
) -> dict[str, list[TrainingBatch]]:
    """Fixed held-out batches by name.

    `full`: streams that see everything; `mixed`: subsets of the context and continuations of the
    River; `templates`: as `full`, in sentence shapes that training never shows.
    """
    out = {}
    for length in lengths:
        shapes = {
            "full": Shape(length, 20, 0, full=True, split="heldout", windowed=0.0, inline=0.0),
            "mixed": Shape(length, 12, 16, split="heldout"),
            "templates": Shape(
                length, 20, 0, full=True, split="templates", windowed=0.0, inline=0.0
            ),
        }
        for name, shape in shapes.items():
            count = 2 * groups if name == "mixed" else groups  # its marks are many
            first = [length * 1000 + rows * group for group in range(count)]
            out[f"{name}{length}"] = [
                make_batch(list(range(seed, seed + rows)), shape, encoder) for seed in first
            ]
    return out


@torch.no_grad()
def measure(
    learner: Learner, batches: dict[str, list[TrainingBatch]]
) -> dict[str, dict[str, tuple[float, int]]]:
    """Share of right marked tokens and their number, by batch name and mark."""
    learner.model.eval()
    out = {}
    for name, group in batches.items():
        right = torch.zeros(len(Mark) + 1)
        total = torch.zeros(len(Mark) + 1)
        for batch in group:
            found = _count(learner, batch)
            right = right + found[0]
            total = total + found[1]
        out[name] = {
            mark.name.lower(): (round(float(right[mark] / total[mark]), 4), int(total[mark]))
            for mark in Mark
            if total[mark] > 0
        }
    learner.model.train()
    return out


def _count(learner: Learner, batch: TrainingBatch) -> tuple[Tensor, Tensor]:
    moved = to_device(batch, learner.device)
    chosen = (moved.weights > 0) & (moved.marks > 0)
    found = scores(learner.predictions(moved, chosen), moved.ids[chosen], moved.marks[chosen])
    return found.right.cpu(), found.total.cpu()
