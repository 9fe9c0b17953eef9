"""The writer of HTML pages: one file with its style, script and data, which loads nothing."""

import base64
import hashlib

from warpviz.characters import for_markup
from warpviz.drawing.markup import tag

DATA_ID = "warpviz-data"


def policy(script: str) -> str:
    """Return the content security policy of a page: it runs one script, and loads nothing.

    script: the text of the element as a browser reads it. Its SHA-256 alone may run, so that markup
    which slipped into a page runs nothing. Source: https://www.w3.org/TR/CSP3/.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def html_page(
    *, title: str, style: str, body: str, data: str, script: str, body_class: str | None = None
) -> str:
    """Return one HTML page whose content security policy forbids it to load anything.

    `style` and `script` are written as they are, `body` is markup. `data` is JSON, which the script
    finds as the text of the element with the id `warpviz-data`.
    """
    # Without "<" in the data and "</script" in the script, neither can end its element.
    harmless_data = data.replace("<", "\\u003c")
    code = script.replace("</script", "<\\/script").replace("\r\n", "\n").replace("\r", "\n")
    code = f"\n{code.encode('utf-8', 'replace').decode('utf-8')}\n"
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy(code)}">',
        tag("title", for_markup(title)),
        tag("style", style),
    ]
    content = [
        body,
        tag("script", harmless_data, type="application/json", id=DATA_ID),
        tag("script", code, type="module"),
    ]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        tag("head", "\n", "\n".join(head), "\n"),
        tag("body", "\n", "\n".join(content), "\n", class_=body_class),
        "</html>\n",
    ]
    return "\n".join(lines)
