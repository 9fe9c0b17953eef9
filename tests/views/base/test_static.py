"""Modules joined without a bundler: in the order of their imports, each once, or not at all."""

import re
from pathlib import Path

import pytest

from warpviz.views.base import static

STATIC = Path(static.__file__).parents[2] / "static"
ENTRIES = ("cloud", "council", "gate", "persistence", "run", "text")
PARTS = {
    "base/number.js": """// Numbers.

const HALF = 0.5;

export function half(x) {
  return x * HALF;
}
""",
    "base/words.js": """// Words.

import { half } from "./number.js";

export const word = (x) => `${half(x)}`;
""",
    "one/view.js": """// One.

import { half } from "../base/number.js";
import {
  word,
} from "../base/words.js";

export default word(half(8));
""",
    "two/view.js": """// Two.

import { word } from "../base/words.js";

export default word(3);
""",
    "frame/page.js": """// A page.

export function startPage(given) {
  show(given);
}
""",
}


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch):
    """A folder of five small modules that a test may change; nothing of it stays behind."""
    files = dict(PARTS)
    monkeypatch.setattr(static, "source", files.__getitem__)
    static.joined.cache_clear()
    yield files
    static.joined.cache_clear()


def test_a_module_stands_once_and_after_its_imports(parts: dict[str, str]) -> None:
    """No import or export is left but the last line, which exports the entry's default."""
    text = static.module("one/view.js")
    places = [text.index(f"// warpviz/static/{name}\n") for name in list(parts)[:3]]
    assert places == sorted(places)
    assert text.count("function half(") == 1
    assert not re.search("^import", text, re.MULTILINE)
    assert re.findall("^export.*", text, re.MULTILINE) == [
        'export default DEFAULTS["one/view.js"];'
    ]
    assert 'DEFAULTS["one/view.js"] = word(half(8));' in text


def test_a_page_holds_what_its_views_share_once(parts: dict[str, str]) -> None:
    """One graph for all views; the page is started with a widget per kind of view."""
    text = static.page({"First": "one/view.js", "Second": "two/view.js"})
    assert all(text.count(f"// warpviz/static/{name}\n") == 1 for name in parts)
    last = 'startPage({ "First": DEFAULTS["one/view.js"], "Second": DEFAULTS["two/view.js"] });\n'
    assert text.endswith(last)
    assert not re.search("^(import|export)", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("base/number.js", 'import { word } from "./words.js";\n', "import each other: .*words.js"),
        ("one/view.js", "const HALF = 2;\n", '"HALF" is declared in .* too; rename'),
        ("two/view.js", "let DEFAULTS = 2;\n", '"DEFAULTS" is declared in static.py too'),
        ("one/view.js", 'import { third } from "../base/number.js";\n', "does not export third"),
        ("two/view.js", 'import * as words from "../base/words.js";\n', "cannot read"),
        ("two/view.js", "export { word };\n", "cannot read"),
        ("two/view.js", "const [a, b] = [1, 2];\n", "declarations of one name"),
    ],
)
def test_what_cannot_be_joined_is_refused(
    parts: dict[str, str], name: str, text: str, message: str
) -> None:
    """Circles, a name declared twice, a name nobody exports, and other ways to write an import."""
    parts["one/number.js"] = "// Nothing.\n"
    parts[name] = text + parts[name]
    with pytest.raises(ValueError, match=message):
        static.joined("one/view.js", "two/view.js")


@pytest.mark.parametrize("view", ENTRIES)
def test_every_view_s_entry_can_be_joined(view: str) -> None:
    """Each is one ES module whose default export is the view's widget."""
    text = static.module(f"{view}/view.js")
    assert text.endswith(f'export default DEFAULTS["{view}/view.js"];\n')
    assert f'DEFAULTS["{view}/view.js"] = widget(' in text


def test_all_views_fit_on_one_page() -> None:
    """No name is declared twice among all modules."""
    text = static.page({view: f"{view}/view.js" for view in ENTRIES})
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names)) > 200


def test_every_module_is_used_and_fits_a_screen() -> None:
    """Each is part of a view or of a page; no line of a script or style sheet is over 100 wide."""
    text = static.page({view: f"{view}/view.js" for view in ENTRIES})
    for path in sorted(STATIC.rglob("*.*")):
        name = path.relative_to(STATIC).as_posix()
        if path.suffix == ".js":
            assert f"// warpviz/static/{name}\n" in text, name
        else:
            assert name in static.SHEETS
        lines = path.read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if len(line) > 100], name
