"""Characters that are drawn as nothing, or that steer or turn the text around them, made visible.

A model reads them and its reader would not see them. The browser has the same table, in
`static/base/text.js`; a test compares the two.
"""

import re
from html import escape
from typing import Any

# First and last code point of each range. From the Unicode Character Database: general categories
# Cc, Cf, Cs, Zl, Zp and property Default_Ignorable_Code_Point. Left out is what text needs: the
# joiners U+200C and U+200D (Persian, Hindi, emoji), the variation selectors of emoji and of
# Mongolian letters, and the number signs of Arabic, Syriac and Kaithi, which are drawn.
HIDDEN = (
    (0x0000, 0x001F),  # C0 controls
    (0x007F, 0x009F),  # delete, C1 controls
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner, which joins nothing
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer vowels that are not drawn
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # zero-width space
    (0x200E, 0x200F),  # direction marks
    (0x2028, 0x202E),  # line and paragraph separators, direction embeddings and overrides
    (0x2060, 0x206F),  # word joiner, invisible operators, direction isolates
    (0x3164, 0x3164),  # Hangul filler
    (0xD800, 0xDFFF),  # surrogates
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # Hangul filler
    (0xFFF0, 0xFFFB),  # interlinear annotation
    (0xFFFE, 0xFFFF),  # noncharacters, which XML forbids
    (0x13430, 0x1343F),  # Egyptian hieroglyph controls
    (0x1BCA0, 0x1BCA3),  # shorthand controls
    (0x1D173, 0x1D17A),  # musical controls
    (0xE0000, 0xE0FFF),  # tags, supplementary variation selectors
)
_HIDDEN = re.compile(f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in HIDDEN)}]")
_DELETE = 0x7F
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def visible(text: str, *, keep: str = "") -> str:
    """Return text that shows each hidden character except those in `keep`.

    A C0 control or a delete becomes its Unicode picture, any other its code point, as in <U+202E>.
    """
    return _HIDDEN.sub(lambda found: found[0] if found[0] in keep else _shown(found[0]), text)


def _shown(character: str) -> str:
    code = ord(character)
    if code < ord(" "):
        return chr(0x2400 + code)
    return "\u2421" if code == _DELETE else f"<U+{code:04X}>"


def for_terminal(text: str) -> str:
    """Return text that steers no terminal; line breaks and tabs stay."""
    return visible(text, keep="\n\t")


def one_line(text: str) -> str:
    """Return text for one line of a terminal; every run of spaces becomes one space."""
    return " ".join(for_terminal(text).split())


def for_csv(value: Any) -> Any:
    """Return a cell of a CSV file: a spreadsheet would run text that begins like a formula.

    Such text gets an apostrophe in front; numbers stay. Source: OWASP, "CSV Injection".
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def for_markup(text: str) -> str:
    """Return text to be written into HTML or SVG, in an element or in a quoted attribute."""
    return escape(visible(text), quote=True)


def for_plotly(text: str) -> str:
    """Return text for a plotly title or label: plotly reads tags, and decodes only &, < and >."""
    return escape(visible(text), quote=False)
