"""Indices: a trait that holds token indices, whatever they were given as."""

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray


class Indices(traitlets.TraitType[Any, Any]):  # type: ignore[misc]  # traitlets is skipped by mypy
    """Token indices: takes an iterable of whole numbers or a mask, holds them sorted and unique.

    The value is a read-only int64 array.
    """

    info_text = "an iterable of non-negative whole numbers"

    def __init__(self) -> None:
        super().__init__(default_value=())
        self.tag(sync=True, to_json=lambda value, _: np.asarray(value).tolist())

    def validate(self, obj: Any, value: Any) -> NDArray[np.int64]:
        """Return the indices sorted, unique and read-only."""
        array = np.asarray(list(value) if not isinstance(value, np.ndarray) else value)
        if array.size and (
            array.dtype.kind not in "iub" or (array.dtype.kind == "i" and array.min() < 0)
        ):
            self.error(obj, value)
        array = (
            np.flatnonzero(array) if array.dtype.kind == "b" else np.unique(array.astype(np.int64))
        )
        array.flags.writeable = False
        return array

    def set(self, obj: Any, value: Any) -> None:
        """Store the indices; an equal selection is not a change."""
        new = self.validate(obj, value)
        if not np.array_equal(new, getattr(obj, self.name or "")):
            super().set(obj, new)

    def default(self, obj: Any = None) -> NDArray[np.int64]:
        """Return the empty selection."""
        return self.validate(obj, ())
