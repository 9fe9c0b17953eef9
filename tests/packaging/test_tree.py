"""The script that writes docs/tree.md."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, looking at a small repository of its own."""
    spec = importlib.util.spec_from_file_location("tree_script", ROOT / "scripts" / "tree.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    files = {
        "engine/warp_cortex/kv.py": '"""The cache,\nin one sentence.\n\nMore."""\n',
        "engine/warp_cortex/notes.txt": "not a source file",
        "warpviz/bare.py": "x = 1\n",
        "warpviz/static/store.js": "// A view's state.\n\nconst a = 1;\n",
        "warpviz/static/plain.css": ".a { color: red; }\n",
        "warpviz/static/theme.css": "/* Colours of both themes. */\n.a {}\n",
        "docs/other.md": "stays",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return module


def test_a_line_per_file_in_its_own_words(script: ModuleType) -> None:
    """First sentences and leading comments are taken; a file that says nothing has only its name;
    files that are no source are left out.
    """
    assert script.tree().splitlines() == [
        "engine/warp_cortex/",
        "  kv.py                  The cache, in one sentence.",
        "warpviz/",
        "  bare.py",
        "warpviz/static/",
        "  plain.css",
        "  store.js               A view's state.",
        "  theme.css              Colours of both themes.",
    ]


def test_checking_writes_nothing(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--check answers by its exit code; without it the page is written, and only the page."""
    written = tmp_path / "docs" / "tree.md"
    monkeypatch.setattr("sys.argv", ["tree.py", "--check"])
    assert script.main() == 1
    assert not written.exists()
    monkeypatch.setattr("sys.argv", ["tree.py"])
    assert script.main() == 0
    assert script.tree() in written.read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["tree.py", "--check"])
    assert script.main() == 0
    (tmp_path / "warpviz" / "new.py").write_text('"""New."""\n', encoding="utf-8")
    assert script.main() == 1
    assert (tmp_path / "docs" / "other.md").read_text(encoding="utf-8") == "stays"
