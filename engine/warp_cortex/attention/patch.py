"""Models lent to the engine: whose attention is replaced, what it was before, and how many Prisms
still need it.
"""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from transformers import PreTrainedModel

from warp_cortex.attention import shared


@dataclass(slots=True)
class _Loan:
    original: str
    training: bool
    borrowers: int = 0


_LOANS: "WeakKeyDictionary[PreTrainedModel, _Loan]" = WeakKeyDictionary()


def is_lent(model: PreTrainedModel) -> bool:
    """Whether some Prism holds the model."""
    return model in _LOANS


def num_borrowers(model: PreTrainedModel) -> int:
    """Return how many Prisms hold the model; each has attached its hooks."""
    return _LOANS[model].borrowers if model in _LOANS else 0


def lend(model: PreTrainedModel, *, training: bool) -> None:
    """Replace a model's attention; a model that is lent already gets one borrower more.

    training: the mode it is to be given back in.
    """
    if model not in _LOANS:
        shared.register()
        _LOANS[model] = _Loan(model.config._attn_implementation, training)  # noqa: SLF001 - transformers has no public reader
        model.set_attn_implementation(shared.NAME)
    _LOANS[model].borrowers += 1


def give_back(model: PreTrainedModel) -> None:
    """Take one borrower off; the last one gives the model its own attention back."""
    loan = _LOANS[model]
    loan.borrowers -= 1
    if not loan.borrowers:
        del _LOANS[model]
        model.set_attn_implementation(loan.original)
        model.train(loan.training)
