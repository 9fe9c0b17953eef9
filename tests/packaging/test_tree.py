"""The script that writes the README's tree."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, looking at a small repository of its own."""
    spec = importlib.util.spec_from_file_location("tree_script", ROOT / "scripts" / "tree.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "README", tmp_path / "README.md")
    files = {
        "engine/warp_cortex/kv.py": '"""The cache.\n\nMore."""\n',
        "engine/warp_cortex/notes.txt": "not a source file",
        "warpviz/bare.py": "x = 1\n",
        "warpviz/static/store.js": "// A view's state.\n\nconst a = 1;\n",
        "warpviz/static/plain.css": ".a { color: red; }\n",
        "warpviz/static/theme.css": "/* Colours of both themes. */\n.a {}\n",
        "README.md": f"# Title\n{module.BEGIN}\nold\n{module.END}\nAfter.\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return module


def test_a_line_per_file_in_its_own_words(tree: ModuleType) -> None:
    """Docstrings and leading comments are taken; a file that says nothing has only its name; others
    are left out.
    """
    lines = tree.tree().splitlines()
    assert lines == [
        "engine/warp_cortex/",
        "  kv.py                  The cache.",
        "warpviz/",
        "  bare.py",
        "warpviz/static/",
        "  plain.css",
        "  store.js               A view's state.",
        "  theme.css              Colours of both themes.",
    ]


def test_only_the_tree_is_replaced(tree: ModuleType) -> None:
    """What stands before and after stays, and a second writing changes nothing."""
    once = tree.written(tree.README.read_text(encoding="utf-8"))
    assert once.startswith("# Title\n")
    assert once.endswith("\nAfter.\n")
    assert "old" not in once
    assert tree.written(once) == once


def test_checking_writes_nothing(tree: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """--check tells by its exit code whether the tree is current; without it the README is brought
    up to date.
    """
    before = tree.README.read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["tree.py", "--check"])
    assert tree.main() == 1
    assert tree.README.read_text(encoding="utf-8") == before
    monkeypatch.setattr("sys.argv", ["tree.py"])
    assert tree.main() == 0
    monkeypatch.setattr("sys.argv", ["tree.py", "--check"])
    assert tree.main() == 0
