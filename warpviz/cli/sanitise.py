"""A model's words made harmless for a terminal; nothing but the standard library is imported
here.
"""

import unicodedata

_ALLOWED = {"\n", "\t"}
_DELETE = 0x7F


def printable(text: str) -> str:
    """Return `text` with everything that could steer a terminal shown instead of sent.

    Control characters become their Unicode pictures; direction marks, lone surrogates and other
    invisible characters become escapes. Joiners (U+200D) stay: emoji and several scripts need them.
    """
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    code = ord(character)
    if character in _ALLOWED or character == "\u200d":
        return character
    if code < ord(" "):
        return chr(0x2400 + code)
    if code == _DELETE:
        return "\u2421"
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def one_line(text: str) -> str:
    """Return `text` printable and on one line."""
    return " ".join(printable(text).split())
