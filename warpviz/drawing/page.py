"""The writer of HTML pages: one file with its style, script and data, which loads nothing."""

from warpviz.characters import for_markup
from warpviz.drawing.markup import tag

DATA_ID = "warpviz-data"
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)


def html_page(
    *, title: str, style: str, body: str, data: str, script: str, body_class: str | None = None
) -> str:
    """Return one HTML page whose content security policy forbids it to load anything.

    `style` and `script` are written as they are, `body` is markup. `data` is JSON, which the script
    finds as the text of the element with the id `warpviz-data`.
    """
    head = [
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        tag("title", for_markup(title)),
        tag("style", style),
    ]
    # Without "<" in the data and "</script" in the script, neither can end its element.
    harmless_data = data.replace("<", "\\u003c")
    harmless_script = script.replace("</script", "<\\/script")
    content = [
        body,
        tag("script", harmless_data, type="application/json", id=DATA_ID),
        tag("script", f"\n{harmless_script}\n", type="module"),
    ]
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        tag("head", "\n", "\n".join(head), "\n"),
        tag("body", "\n", "\n".join(content), "\n", class_=body_class),
        "</html>\n",
    ]
    return "\n".join(lines)
