"""Texts as ids: what may be read as a text, what comes before it, and which ids a model has."""

from collections.abc import Mapping
from os import PathLike
from typing import Any

from torch import Tensor

SAMPLE = "a"  # what a tokenizer puts around it, it puts around any text


def encode(tokenizer: Any, text: str, *, start: bool) -> list[int]:
    """Return the ids of `text`; with `start`, what the tokenizer puts before a text comes first.

    A text that begins with a special token, as a rendered chat template does, gets nothing before
    it. Nothing is put behind a text: it goes on.

    Raises:
        TypeError: `text` is no text; the message says what would do.
        ValueError: the text is empty, or the tokenizer makes no token of it.
    """
    refuse_no_text(text)
    if not text:
        msg = "the text is empty; give at least one character"
        raise ValueError(msg)
    # a lone surrogate would break the tokenizer
    clean = text.encode("utf-8", "replace").decode("utf-8")
    ids = _ids(tokenizer, clean, special=False)
    if not ids:
        msg = f"the tokenizer makes no token of {text[:40]!r}; give a text it knows"
        raise ValueError(msg)
    return [*_beginning(tokenizer, ids), *ids] if start else ids


def refuse_no_text(given: object) -> None:
    """Raise a TypeError for anything but a text, with what would do."""
    if isinstance(given, str):
        return
    if isinstance(given, bytes | bytearray):
        hint = "bytes.decode() makes one of bytes"
    elif isinstance(given, PathLike):
        hint = "Path.read_text() reads a file"
    elif isinstance(given, list | tuple) and given and isinstance(given[0], Mapping):
        hint = (
            "cortex.run(messages) takes a chat, and tokenizer.apply_chat_template(messages, "
            "tokenize=False) makes a text of it"
        )
    elif isinstance(given, Mapping | Tensor | list | tuple):
        hint = "Context(prism).read(ids) reads a list of ids"
    else:
        hint = "give a str"
    msg = f"a text is wanted, got {type(given).__name__}; {hint}"
    raise TypeError(msg)


def refuse_unknown_ids(tokenizer: Any, ids: list[int], num_rows: int) -> None:
    """Raise a ValueError for ids that the model's embedding of `num_rows` rows does not have."""
    if not ids or (max(ids) < num_rows and min(ids) >= 0):
        return
    wrong = next(i for i in ids if not 0 <= i < num_rows)
    name = ""
    if 0 <= wrong < len(tokenizer):
        name = f" ({tokenizer.convert_ids_to_tokens(wrong)!r:.40})"
    msg = (
        f"token {wrong}{name} is none of the model's: its embedding has {num_rows} rows; the "
        "tokenizer is another model's, or has tokens that were added to it alone"
    )
    raise ValueError(msg)


def _beginning(tokenizer: Any, ids: list[int]) -> list[int]:
    """Return the ids that the tokenizer puts before a text of these ids."""
    special = {*tokenizer.all_special_ids} - {tokenizer.unk_token_id}
    if ids[0] in special:
        return []
    bare = _ids(tokenizer, SAMPLE, special=False)
    whole = _ids(tokenizer, SAMPLE, special=True)
    places = range(len(whole) - len(bare) + 1)
    before = next((whole[:at] for at in places if whole[at : at + len(bare)] == bare), [])
    return [] if before and ids[0] == before[-1] else before


def _ids(tokenizer: Any, text: str, *, special: bool) -> list[int]:
    return list(tokenizer(text, add_special_tokens=special)["input_ids"])
