"""Elements of HTML and SVG from strings: text escaped, numbers short, hidden characters visible."""

from collections.abc import Mapping
from typing import Any

from warpviz.characters import for_markup


def number(value: float) -> str:
    """Return a coordinate with at most two decimals."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short


def attributes(values: Mapping[str, Any]) -> str:
    """Return ` name="value"` for each value that is not None.

    Numbers are shortened. `_` in a name becomes `-`; a last `_` is dropped, as in `class_`.
    """
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for name, value in values.items()
        if value is not None
    )


def _value(value: Any) -> str:
    return number(value) if isinstance(value, (int, float)) else for_markup(str(value))


def tag(name: str, *children: str, **values: Any) -> str:
    """Return one element; children are markup already."""
    return f"<{name}{attributes(values)}>{''.join(children)}</{name}>"
