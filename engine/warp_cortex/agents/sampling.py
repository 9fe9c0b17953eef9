"""Choosing the next token from logits; greedy unless a temperature is given."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import torch
from torch import Generator, Tensor

from warp_cortex.decode.decoder import SMALLEST_TILE, parts_for
from warp_cortex.kernels.decode_torch import BROKEN

__all__ = ["BROKEN", "COLDEST", "PENALTY_WINDOW", "choose", "choose_all", "likeliest", "penalise"]

# a temperature that float32 may take for 0 divides 0 by 0
COLDEST = torch.finfo(torch.float32).tiny
PENALTY_WINDOW = 64  # tokens back; a longer memory would forbid ordinary words in long texts


def choose(logits: Tensor, *, temperature: float, generator: Generator | None = None) -> int:
    """Return the next token's id from logits [V]; the lowest id wins a tie."""
    if temperature < COLDEST:
        return int(logits.argmax())
    scores = logits.float()
    weights = ((scores - scores.max()) / temperature).softmax(-1).cpu()  # no overflow, however cold
    return int(torch.multinomial(weights, 1, generator=generator))


def choose_all(
    blocks: Iterable[Tensor], *, temperature: float, generators: Sequence[Generator | None]
) -> list[int]:
    """Return the next token of every sequence, or BROKEN where logits are infinite or not a number.

    blocks: logits [B, V] of some sequences after the other; only one block exists at a time.
    generators: one for each sequence, so that its draws do not depend on its neighbours.
    """
    if temperature == 0:
        # one answer from the device per step
        return torch.cat([likeliest(logits) for logits in blocks]).tolist()
    tokens: list[int] = []
    for logits in blocks:
        for row, token in zip(logits, likeliest(logits).tolist(), strict=True):
            generator = generators[len(tokens)]
            is_broken = token == BROKEN
            tokens.append(
                BROKEN if is_broken else choose(row, temperature=temperature, generator=generator)
            )
    return tokens


def likeliest(logits: Tensor) -> Tensor:
    """Return the token of each row's highest logit, int64 [B], or BROKEN; logits: [B, V]."""
    return _best(logits.device, logits.dtype)(logits)


def penalise(logits: Tensor, previous: list[int], *, penalty: float) -> Tensor:
    """Return logits [V] with recently written tokens made less likely.

    Source: CTRL (arXiv 1909.05858), equation 4.
    """
    if penalty == 1.0 or not previous:
        return logits
    ids = torch.tensor(sorted(set(previous[-PENALTY_WINDOW:])), device=logits.device)
    seen = logits[ids]
    return logits.index_copy(0, ids, torch.where(seen > 0, seen / penalty, seen * penalty))


@cache
def _best(device: torch.device, dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    """Return the function that finds the most likely tokens on a device in a precision."""
    found: Callable[[Tensor], Tensor] = parts_for(device, dtype, SMALLEST_TILE).best
    return found
