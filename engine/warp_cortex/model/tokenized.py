"""A model with its tokenizer: texts to ids and back, and how one speaks to it."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from transformers import PreTrainedModel

from warp_cortex.model import texts
from warp_cortex.model.detokenize import Detokenizer
from warp_cortex.voice.chat import Messages, chat_voice, has_template, render
from warp_cortex.voice.shipped import PLAIN
from warp_cortex.voice.voice import Voice


class TokenizedModel:
    """A model and its tokenizer; `SharedModel` runs it.

    num_rows: ids that the model's embedding has.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Any, *, voice: Voice | None) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.num_rows = int(model.get_input_embeddings().weight.shape[0])
        self._voice = voice

    @cached_property
    def voice(self) -> Voice:
        """How one speaks to this model: what it was given, else by its tokenizer's template.

        Raises:
            ValueError: the chat template cannot be read; give a voice.
        """
        if self._voice is not None:
            return self._voice
        return chat_voice(self.tokenizer) if has_template(self.tokenizer) else PLAIN

    def encode(self, text: str, *, start: bool = False) -> list[int]:
        """Return the ids of `text`; with `start`, the begin token comes first if the model has one.

        A text that begins with a special token, as a rendered chat does, gets none before it.

        Raises:
            TypeError: `text` is no text.
            ValueError: the text is empty, or has tokens that the model does not have.
        """
        ids = texts.encode(self.tokenizer, text, start=start)
        self.check_ids(ids)
        return ids

    def check_ids(self, ids: list[int]) -> None:
        """Raise a ValueError for ids that are none of the model's."""
        texts.refuse_unknown_ids(self.tokenizer, ids, self.num_rows)

    def opened(self, prompt: "str | Messages", voice: Voice) -> tuple[str, list[int]]:
        """Return the text that a run begins with, and its ids.

        prompt: a text, which the voice opens, or chat messages. A text that holds a special token
        of the tokenizer, a rendered template say, is taken as it is.

        Raises:
            ValueError: the text is empty, or the messages are not what the model's template takes.
            TypeError: neither a text nor messages.
        """
        is_chat = isinstance(prompt, list | tuple)
        if not is_chat or (prompt and not isinstance(prompt[0], Mapping)):
            texts.refuse_no_text(prompt)
        if not isinstance(prompt, str):
            text = render(self.tokenizer, prompt)
        elif not prompt.strip() or self._is_rendered(prompt):
            text = prompt
        elif voice.before_task and has_template(self.tokenizer) and voice.name == "chat":
            text = render(self.tokenizer, [{"role": "user", "content": voice.open(prompt)}])
        else:
            text = voice.open(prompt)
        return text, self.encode(text, start=not self._is_rendered(text))

    def without_special_tokens(self, text: str) -> str:
        """Return a text in which no special token of the tokenizer is spelled out.

        What the River or a user wrote must not open or close a turn in a stream's prompt.
        """
        for token in self.tokenizer.all_special_tokens:
            text = text.replace(token, " ")
        return text

    def _is_rendered(self, text: str) -> bool:
        return any(token in text for token in self.tokenizer.all_special_tokens if len(token) > 1)

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, without special tokens."""
        text: str = self.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text

    def pieces(self, ids: list[int]) -> list[str]:
        """Return the text that each id adds; joined, they are the whole text."""
        detokenizer = Detokenizer(self.decode)
        found = detokenizer.push_all(ids)
        if found:
            found[-1] += detokenizer.flush()
        return found

    @property
    def stop_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        found = {self.tokenizer.eos_token_id}
        listed = getattr(self.model.generation_config, "eos_token_id", None)
        found.update(listed if isinstance(listed, list) else [listed])
        return frozenset(i for i in found if i is not None)
