"""The Prism: the one loaded model that all agents share; it loads the model and reads texts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, Self

import torch
from transformers import PreTrainedModel

from warp_cortex.context import budget
from warp_cortex.context.context import Context
from warp_cortex.model import loading
from warp_cortex.model.location import folder_of, locate
from warp_cortex.model.shared import SharedModel
from warp_cortex.precision import in_own_precision
from warp_cortex.sources.gguf_files import Progress
from warp_cortex.voice.files import voice_in


class Prism(SharedModel):
    """A shared model that is loaded by name and reads texts.

    One set of parameters serves any number of agents; `SharedModel` says what changes in the model.
    """

    @classmethod
    def load(
        cls,
        name: str | PathLike[str] = "village",
        *,
        device: str = "cpu",
        dtype: torch.dtype | None = None,
        progress: Progress | None = None,
    ) -> Self:
        """Load a bundled model, one of the catalogue, a GGUF file, a folder or a hub id.

        The first load of a model of the catalogue fetches it, the first load of a GGUF file
        converts it. progress: called with a stage in words, what is done and the total, meanwhile.
        See `location.locate` and `loading.load` for dtypes and errors.
        """
        source = locate(name, progress=progress)
        model, tokenizer = loading.load(source, name=str(name), device=device, dtype=dtype)
        folder = folder_of(source)
        voice = None if folder is None else voice_in(folder)
        return cls(model, tokenizer, name=str(name), source=source, voice=voice)

    @in_own_precision
    def read(
        self,
        text: str,
        *,
        query_window: int = 32,
        chunk: int = 2048,
        progress: Callable[[int, int], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> Context:
        """Read a text from its beginning and return its context.

        query_window: how many last queries are kept to weigh tokens. chunk: tokens per pass.
        progress: called with tokens read and tokens in all. should_stop: asked before each chunk;
        if it returns True the context holds the text so far.

        Raises:
            ValueError: the text is empty, longer than the model's positions, or larger than the
                memory left.
        """
        ids = self.encode(text, start=True)
        budget.check_fits(self, len(ids), chunk=chunk)
        context = Context(self, query_window=query_window, capacity=len(ids) + 1)
        context.read(ids, chunk=chunk, progress=progress, should_stop=should_stop, is_whole=True)
        return context


@contextmanager
def attached(model: PreTrainedModel, tokenizer: Any, *, name: str = "model") -> Iterator[Prism]:
    """Let the engine use the user's model inside a `with` block; restore the model after it."""
    with Prism(model, tokenizer, name=name) as prism:
        yield prism
