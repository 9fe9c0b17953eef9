"""Turning ids into text one at a time, so that the pieces put together are the text."""

from collections.abc import Callable, Iterable

REPLACEMENT = "�"  # what a decoder writes for a character whose bytes are not all there yet


class Detokenizer:
    """Gives each id the text it adds; an id that ends inside a character adds nothing until the character is whole.

    Only a short tail is decoded at each step, so the cost does not grow with the text.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._tail: list[int] = []
        self._shown = ""

    def push(self, token: int) -> str:
        """Return the text that `token` adds."""
        self._tail.append(token)
        text = self._decode(self._tail)
        if text.endswith(REPLACEMENT) and len(self._tail) < 12:  # noqa: PLR2004 - longer is not an unfinished character
            return ""
        piece = text[len(self._shown) :]
        # keep one id as left context: some tokenizers drop the leading space of a lone token
        self._tail = self._tail[-1:]
        self._shown = self._decode(self._tail)
        return piece

    def push_all(self, tokens: Iterable[int]) -> list[str]:
        """Return one piece per token."""
        return [self.push(token) for token in tokens]

    def fork(self) -> "Detokenizer":
        """Return an independent copy."""
        other = Detokenizer(self._decode)
        other._tail, other._shown = list(self._tail), self._shown
        return other
