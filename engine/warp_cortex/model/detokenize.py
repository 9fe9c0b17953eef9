"""Turning ids into text one at a time, so that the joined pieces are the text."""

from collections.abc import Callable, Iterable
from typing import Any

REPLACEMENT = "�"  # what a decoder writes for a character whose bytes are incomplete
MAX_UNFINISHED = 12  # ids; a longer sequence is not an unfinished character


class Detokenizer:
    """Returns the text that each id adds.

    An id that ends inside a character adds nothing; the id that completes the character adds it.
    Each step decodes a short tail only, so the cost does not grow with the text. The tail is the
    ids of the last piece, because some decoders drop a leading space or decode several bytes as
    one, and the ids since that added nothing.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._tail: list[int] = []
        self._num_shown = 0  # ids of the tail whose text was returned already
        self._shown = ""

    def push(self, token: int) -> str:
        """Return the text that `token` adds."""
        self._tail.append(token)
        text = self._decode(self._tail)
        if text.endswith(REPLACEMENT) and len(self._tail) - self._num_shown < MAX_UNFINISHED:
            return ""
        piece = self._show(text)
        if not piece and len(self._tail) - self._num_shown >= MAX_UNFINISHED:
            self._tail.pop()
        return piece

    def flush(self) -> str:
        """Return the text that still waits for the rest of a character: the text ends here.

        It may really be the character that stands for lost bytes.
        """
        return self._show(self._decode(self._tail)) if self._tail else ""

    def _show(self, text: str) -> str:
        """Return what `text`, the tail's, adds to what was shown of it."""
        piece = text[len(self._shown) :]
        if piece:
            self._tail = self._tail[self._num_shown :]
            self._num_shown = len(self._tail)
            self._shown = self._decode(self._tail)
        return piece

    def push_all(self, tokens: Iterable[int]) -> list[str]:
        """Return one piece per token."""
        return [self.push(token) for token in tokens]

    def fork(self) -> "Detokenizer":
        """Return an independent copy."""
        other = Detokenizer(self._decode)
        other._tail = list(self._tail)
        other._num_shown = self._num_shown
        other._shown = self._shown
        return other


def special_names(tokenizer: Any) -> dict[int, str]:
    """Return a tokenizer's special tokens, as they are spelled, by id."""
    listed = zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True)
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return {**dict(listed), **{id_: str(token) for id_, token in added.items() if token.special}}
