"""Models whose attention the engine has replaced, and how they were before.

A model may be held by several Prisms; the last one to detach gives it back as it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn
from transformers import PreTrainedModel

from warp_cortex.attention import shared

ATTENTION = "_attn_implementation_internal"  # where transformers' configs keep it


class ModelState:
    """What the engine changes in a model: every part's training mode and attention."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._modes = [(module, module.training) for module in model.modules()]
        self._attention = [(config, getattr(config, ATTENTION)) for config in _configs(model)]

    def restore(self) -> None:
        """Give the model back as it was."""
        for module, mode in self._modes:
            module.training = mode  # of this part alone: some may have been frozen before
        for config, implementation in self._attention:
            setattr(config, ATTENTION, implementation)


def _configs(model: PreTrainedModel) -> list[Any]:
    """Return every config of a model and of the models inside it, each once."""
    found: dict[int, Any] = {}
    waiting = [part.config for part in model.modules() if _has_config(part)]
    while waiting:
        config = waiting.pop()
        if id(config) not in found:
            found[id(config)] = config
            inner = [getattr(config, name, None) for name in config.sub_configs]
            waiting += [part for part in inner if part is not None]
    return list(found.values())


def _has_config(part: nn.Module) -> bool:
    return hasattr(getattr(part, "config", None), ATTENTION)


def attention_of(model: PreTrainedModel) -> str | None:
    """Return the name of a model's attention."""
    name: str | None = getattr(model.config, ATTENTION)
    return name


@contextmanager
def kept_as_it_is(model: PreTrainedModel) -> Iterator[None]:
    """Restore a model at the end of a block, whatever happens in it."""
    state = ModelState(model)
    try:
        yield
    finally:
        state.restore()


@dataclass(slots=True)
class _Patch:
    before: ModelState
    holders: int = 0


_PATCHED: "WeakKeyDictionary[PreTrainedModel, _Patch]" = WeakKeyDictionary()


def is_attached(model: PreTrainedModel) -> bool:
    """Return whether some Prism holds the model."""
    return model in _PATCHED


def num_holders(model: PreTrainedModel) -> int:
    """Return how many Prisms hold the model; each has attached its hooks."""
    return _PATCHED[model].holders if model in _PATCHED else 0


def attach(model: PreTrainedModel) -> None:
    """Replace a model's attention and switch training off; a held model gets one more holder."""
    if model not in _PATCHED:
        shared.register()
        before = ModelState(model)
        try:
            model.eval()
            model.set_attn_implementation(shared.NAME)
        except BaseException:  # also Ctrl-C: the model goes back as it was
            before.restore()
            raise
        _PATCHED[model] = _Patch(before)
    _PATCHED[model].holders += 1


def detach(model: PreTrainedModel) -> None:
    """Take one holder off; the last one gives the model back as it was."""
    patch = _PATCHED[model]
    patch.holders -= 1
    if not patch.holders:
        del _PATCHED[model]
        patch.before.restore()
