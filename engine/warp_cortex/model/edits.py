"""Whether a model's weights are still those that it was loaded with."""

import hashlib

import torch
from torch import Tensor
from transformers import PreTrainedModel

WORD = 8  # bytes that are added up as one whole number

Sums = dict[str, tuple[int, ...]]


class WeightSums:
    """Sums of a model's weights, to notice later that somebody has changed them.

    Every weight's bytes are added up twice as whole numbers, weighted by row and by column: exact,
    in any order of adding, and moved rows or columns are noticed. Adding up costs about as much as
    a decode step; whether torch has counted a change since the last time costs next to nothing, but
    changes through `.data` are not counted.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._first = self._now = _sums(model)
        self._counts = _counts(model)

    def changed(self, *, thorough: bool) -> str | None:
        """Return the name of a weight that was changed, added or removed since; None if none was.

        A weight that was changed and set back is not changed. thorough: add up in any case.
        """
        counts = _counts(self._model)
        if thorough or counts != self._counts:
            self._now = _sums(self._model)
            self._counts = counts
        names = self._first | self._now
        return next((name for name in names if self._first.get(name) != self._now.get(name)), None)

    def digest(self) -> str:
        """Return 16 hex digits that stand for the weights as they were added up last."""
        return hashlib.sha256(repr(sorted(self._now.items())).encode()).hexdigest()[:16]


def _counts(model: PreTrainedModel) -> list[tuple[int, int, int]]:
    """Return which tensor every weight is, where its values lie and how often they changed."""
    return [
        (id(weight), weight.data_ptr(), 0 if weight.is_inference() else weight._version)  # noqa: SLF001 - torch's own count has no public name
        for weight in model.parameters()
    ]


def _sums(model: PreTrainedModel) -> Sums:
    return {name: _sum_of(weight.detach()) for name, weight in model.named_parameters()}


@torch.inference_mode()
def _sum_of(weight: Tensor) -> tuple[int, ...]:
    """Return the shape of a weight and two sums of its bytes, modulo 2^64."""
    if type(weight) is not Tensor or not weight.numel():
        return tuple(weight.shape)  # a quantiser's own kind of tensor has no plain bytes
    flat = weight.reshape(-1).view(torch.uint8)
    if flat.storage_offset() % WORD or len(flat) % WORD:
        flat = torch.nn.functional.pad(flat, (0, -len(flat) % WORD))
    words = flat.view(torch.int64)
    num_rows = len(weight) if weight.dim() > 1 and len(words) % len(weight) == 0 else 1
    table = words.view(num_rows, -1)
    return (*weight.shape, _weighted(table.sum(1)), _weighted(table.sum(0)))


def _weighted(sums: Tensor) -> int:
    """Return the sum of whole numbers, each times another odd number."""
    factors = torch.arange(1, 2 * len(sums), 2, device=sums.device)
    return int((sums * factors).sum())
