"""The page writer: one file that may load nothing, and that no text can break out of."""

import base64
import hashlib
import json
from html.parser import HTMLParser

from warpviz.drawing.page import DATA_ID, html_page


class Reader(HTMLParser):
    """Collects elements, and the first text in each kind of element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep the first text after an element began."""
        tag, attrs = self.elements[-1] if self.elements else ("", {})
        self.texts.setdefault(attrs.get("id") or tag, data)


def read(**changes: str) -> Reader:
    """Return a page, parsed."""
    given = {"title": "t", "style": "p{}", "body": "<p>x</p>", "data": "[]", "script": "go()"}
    reader = Reader()
    reader.feed(html_page(**(given | changes)))
    return reader


def test_the_page_forbids_itself_to_load_anything() -> None:
    """The policy allows no source and one script, by its digest; there is no link to one."""
    reader = read(script="go('caf\u00e9')\r\nstop()")
    elements = reader.elements
    metas = [attrs for tag, attrs in elements if tag == "meta" and "http-equiv" in attrs]
    assert [meta["http-equiv"] for meta in metas] == ["Content-Security-Policy"]
    rules = dict(rule.split(" ", 1) for rule in (metas[0]["content"] or "").split("; "))
    digest = hashlib.sha256(reader.texts["script"].encode("utf-8")).digest()
    assert rules["script-src"] == f"'sha256-{base64.b64encode(digest).decode()}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert not [attrs for _, attrs in elements if attrs.keys() & {"src", "href"}]


def test_the_script_finds_its_data() -> None:
    """JSON in, the same JSON out, whatever it says; no element comes of it."""
    value = {"text": "</script><script>alert(1)</script><!--", "n": [1, None]}
    reader = read(data=json.dumps(value))
    assert json.loads(reader.texts[DATA_ID]) == value
    assert [tag for tag, _ in reader.elements].count("script") == 2


def test_a_script_cannot_end_its_own_element() -> None:
    """A string in the script that names the end tag stays in the script."""
    reader = read(script='const end = "</script>";')
    assert reader.texts["script"].strip() == 'const end = "<\\/script>";'


def test_a_hostile_title_is_text() -> None:
    """A title is escaped and its hidden characters are visible."""
    reader = read(title="</title><img src=x>\u202e")
    assert reader.texts["title"] == "</title><img src=x><U+202E>"
    assert "img" not in [tag for tag, _ in reader.elements]
