"""Models lent to the engine: whose attention is replaced, what it was before, and how many Prisms
still need it.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from transformers import PreTrainedModel

from warp_cortex.attention import shared


@dataclass(slots=True)
class _Patch:
    original: str
    training: bool
    holders: int = 0


_PATCHED: "WeakKeyDictionary[PreTrainedModel, _Patch]" = WeakKeyDictionary()


def is_attached(model: PreTrainedModel) -> bool:
    """Whether some Prism holds the model."""
    return model in _PATCHED


def num_holders(model: PreTrainedModel) -> int:
    """Return how many Prisms hold the model; each has attached its hooks."""
    return _PATCHED[model].holders if model in _PATCHED else 0


def attach(model: PreTrainedModel, *, training: bool) -> None:
    """Replace a model's attention; a model that is lent already gets one borrower more.

    training: the mode it is to be given back in.
    """
    if model not in _PATCHED:
        shared.register()
        _PATCHED[model] = _Patch(model.config._attn_implementation, training)
        model.set_attn_implementation(shared.NAME)
    _PATCHED[model].holders += 1


def detach(model: PreTrainedModel) -> None:
    """Take one borrower off; the last one gives the model its own attention back."""
    loan = _PATCHED[model]
    loan.holders -= 1
    if not loan.holders:
        del _PATCHED[model]
        model.set_attn_implementation(loan.original)
        model.train(loan.training)
