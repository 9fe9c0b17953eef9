"""The Prism: the one loaded model all agents share, and what reads a text with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch
from transformers import PreTrainedModel

from warp_cortex.context import budget
from warp_cortex.context.context import Context
from warp_cortex.model import loading
from warp_cortex.model.shared import SharedModel


class Prism(SharedModel):
    """A shared model that is loaded by name and reads texts.

    One set of parameters serves any number of agents; see `SharedModel` for what it does to the
    model it holds.
    """

    @classmethod
    def load(
        cls, name: str = "village", *, device: str = "cpu", dtype: torch.dtype | None = None
    ) -> Self:
        """Load a bundled model, a folder or a hub id; see `loading.load` for the errors."""
        model, tokenizer = loading.load(name, device=device, dtype=dtype)
        return cls(model, tokenizer, name=name, source=name)

    def read(
        self,
        text: str,
        *,
        query_window: int = 32,
        chunk: int = 2048,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Context:
        """Read a text from its beginning and return its context; `should_stop` ends it early with
        what was read.

        Raises:
            ValueError: the text is empty, longer than the model's positions, or larger than the
            memory left.
        """
        ids = self.encode(text, start=True)
        budget.check_fits(self, len(ids), chunk=chunk)
        context = Context(self, query_window=query_window, capacity=len(ids) + 1)
        context.read(ids, chunk=chunk, progress=progress, should_stop=should_stop)
        return context


@contextmanager
def attached(model: PreTrainedModel, tokenizer: Any, *, name: str = "model") -> Iterator[Prism]:
    """Lend somebody else's model to the engine and give it back as it was."""
    with Prism(model, tokenizer, name=name) as prism:
        yield prism
