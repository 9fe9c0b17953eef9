"""Whether a model still computes what was written out of it: no part replaced, moved or hooked."""

from itertools import repeat
from operator import contains, is_, itemgetter
from typing import Any, Generic, TypeVar

from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.attention import patch

HOOKS = 2  # that every Prism attaches to the model it holds
Value = TypeVar("Value", nn.Module, nn.Parameter)
_HOOK_TABLES = (itemgetter("_forward_hooks"), itemgetter("_forward_pre_hooks"))


class Fingerprint:
    """A model's modules, its parameters and their memory, as they were when this was made.

    It is compared before every decode step, so each comparison is one call over a whole column.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        modules = list(model.modules())
        children = [
            (parent._modules, name, child)  # noqa: SLF001 - the table itself is compared
            for parent in modules
            for name, child in parent.named_children()
        ]
        weights = [
            (module._parameters, name, part)  # noqa: SLF001 - the table itself is compared
            for module in modules
            for name, part in module.named_parameters(recurse=False)
        ]
        self._model = model
        self._children = _Column(children)
        self._weights = _Column(weights)
        self._starts = [part.data_ptr() for _, _, part in weights]
        self._attributes = [module.__dict__ for module in modules]
        self._inner = [child.__dict__ for _, _, child in children]

    @property
    def is_current(self) -> bool:
        """Whether nothing was replaced, moved, wrapped or hooked since; values may be new."""
        return (
            self._children.is_unchanged
            and self._weights.is_unchanged
            and not any(map(contains, self._inner, repeat("forward")))
            and list(map(Tensor.data_ptr, self._weights.values)) == self._starts
            and self._num_hooks() == HOOKS * patch.num_holders(self._model)
        )

    def _num_hooks(self) -> int:
        return sum(sum(map(len, map(table, self._attributes))) for table in _HOOK_TABLES)


class _Column(Generic[Value]):
    """Entries of many dictionaries: (dictionary, name, value that stood there)."""

    def __init__(self, entries: list[tuple[dict[str, Any], str, Value]]) -> None:
        self._tables = [table for table, _, _ in entries]
        self._names = [name for _, name, _ in entries]
        self.values: list[Value] = [value for _, _, value in entries]

    @property
    def is_unchanged(self) -> bool:
        """Whether every dictionary still holds that very value under its name."""
        return all(map(is_, map(dict.get, self._tables, self._names), self.values))
