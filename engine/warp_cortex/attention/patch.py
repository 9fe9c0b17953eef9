"""Which models have the engine's attention in place of their own, and how many Prisms need it."""

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
    """Replace a model's attention; a model that has been patched already gets one more holder.

    training: the mode that the last `detach` restores.
    """
    if model not in _PATCHED:
        shared.register()
        own = model.config._attn_implementation  # noqa: SLF001 - there is no public reader
        _PATCHED[model] = _Patch(own, training)
        model.set_attn_implementation(shared.NAME)
    _PATCHED[model].holders += 1


def detach(model: PreTrainedModel) -> None:
    """Take one holder off; the last one gives the model its own attention back."""
    loan = _PATCHED[model]
    loan.holders -= 1
    if not loan.holders:
        del _PATCHED[model]
        model.set_attn_implementation(loan.original)
        model.train(loan.training)
