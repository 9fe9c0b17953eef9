"""Choosing the next token from logits; greedy unless a temperature is given."""

import torch
from torch import Generator, Tensor

PENALTY_WINDOW = 64  # tokens back; a longer memory would forbid ordinary words in long texts


def choose(logits: Tensor, *, temperature: float, generator: Generator | None = None) -> int:
    """Return the next token's id from logits [V]; the lowest id wins a tie."""
    if temperature == 0:
        return int(logits.argmax())
    scores = logits.float()
    weights = ((scores - scores.max()) / temperature).softmax(-1).cpu()  # no overflow, however cold
    return int(torch.multinomial(weights, 1, generator=generator))


def penalise(logits: Tensor, previous: list[int], *, penalty: float) -> Tensor:
    """Return logits [V] with recently written tokens made less likely (CTRL, arXiv 1909.05858, equation 4)."""
    if penalty == 1.0 or not previous:
        return logits
    ids = torch.tensor(sorted(set(previous[-PENALTY_WINDOW:])), device=logits.device)
    seen = logits[ids]
    return logits.index_copy(0, ids, torch.where(seen > 0, seen / penalty, seen * penalty))
