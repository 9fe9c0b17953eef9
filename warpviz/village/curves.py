"""The learning curve: accuracy on fixed held-out rows while training goes on."""

from __future__ import annotations

import torch

from warpviz.village.batches import Batch, make_batch, to_device
from warpviz.village.learner import Learner
from warpviz.village.rows import Shape
from warpviz.village.strip import Mark
from warpviz.village.tokens import Encoder

LENGTHS = (256, 512, 1024)


def held_out_batches(encoder: Encoder, lengths: tuple[int, ...] = LENGTHS, rows: int = 12) -> dict[str, Batch]:
    """Fixed held-out batches: streams that see everything, and a mix of subsets with River continuations."""
    out = {}
    for length in lengths:
        seeds = list(range(length * 1000, length * 1000 + rows))
        full = Shape(length, 20, 0, full=True, split="heldout", windowed=0.0)
        mixed = Shape(length, 16, 10, split="heldout")
        out[f"full{length}"] = make_batch(seeds, full, encoder)
        out[f"mixed{length}"] = make_batch(seeds, mixed, encoder)
    return out


@torch.no_grad()
def measure(learner: Learner, batches: dict[str, Batch]) -> dict[str, dict[str, float]]:
    """Accuracy of marked tokens by batch name and mark."""
    from warpviz.village.learner import scores

    learner.model.eval()
    out = {}
    for name, batch in batches.items():
        moved = to_device(batch, learner.device)
        chosen = (moved.weights > 0) & (moved.marks > 0)
        found = scores(learner.predictions(moved, chosen), moved.ids[chosen], moved.marks[chosen])
        right, total = found.right.tolist(), found.total.tolist()
        out[name] = {mark.name.lower(): round(right[mark] / total[mark], 4) for mark in Mark if total[mark] > 0}
    learner.model.train()
    return out
