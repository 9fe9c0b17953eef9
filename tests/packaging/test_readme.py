"""The README and docs: short, current, links lead somewhere, and code runs on today's names."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import warp_cortex

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(p.name for p in (ROOT / "docs").glob("*.md")))
MOST_BYTES = 10_000
FOLDERS = r"(?:engine|warpviz|tests|scripts|docs|data|notebooks|\.ci)/"
PATH = re.compile(rf"(?<![\w/.-])((?:{FOLDERS})[\w./*-]*[\w/*])")


def text_of(name: str) -> str:
    """Return a page: of the repository's root, or of docs/."""
    folder = ROOT if (ROOT / name).is_file() else ROOT / "docs"
    return (folder / name).read_text(encoding="utf-8")


def test_it_is_short() -> None:
    """Under 10 KB; what the project is in under 60 words, and why in under 150."""
    assert len(TEXT.encode()) < MOST_BYTES
    for head, most in (("What it is", 60), ("Why", 150)):
        found = re.search(rf"\*\*{head}\.\*\*(.*?)\n\n", TEXT, flags=re.DOTALL)
        assert found is not None, head
        assert 20 < len(found[1].split()) < most, head


def test_the_tree_is_current() -> None:
    """docs/tree.md has every source file with its own first sentence; `python scripts/tree.py`
    brings it up to date.
    """
    command = [sys.executable, str(ROOT / "scripts" / "tree.py"), "--check"]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """Every relative link and picture is a file of the repository."""
    folder = ROOT if (ROOT / name).is_file() else ROOT / "docs"
    targets = [link for link in re.findall(r"\]\(([^)#]+)\)", text_of(name)) if "://" not in link]
    assert targets
    assert not [target for target in targets if not (folder / target).exists()]


@pytest.mark.parametrize("name", PAGES)
def test_every_path_in_it_exists(name: str) -> None:
    """Each path of this repository that a page names is there; a star stands for at least one."""
    named = {found.rstrip("/") for found in PATH.findall(text_of(name))}
    assert not sorted(path for path in named if not list(ROOT.glob(path)))


def test_named_functions_are_in_their_files() -> None:
    """Where a page says `file` (`name`, `name`), the file defines each name."""
    text = text_of("architecture.md")
    found = re.findall(r"`([\w/]+\.(?:py|js))` \((`[^)]+`)\)", text)
    assert len(found) > 20
    assert not [
        f"{path}: {name}"
        for path, names in found
        for name in re.findall(r"`(\w+)`", names)
        if not defines((ROOT / path).read_text(encoding="utf-8"), name)
    ]


def defines(source: str, name: str) -> bool:
    """Whether Python or JavaScript text defines a class, a function, a method or a constant."""
    kinds = (
        rf"(?:async )?(?:def|class) {name}\b",
        rf"{name}(?::[^=\n]+)? = ",
        rf"(?:export )?(?:class|function|const) {name}\b",
        rf"{name}\([^()]*\) {{",
    )
    return re.search(rf"^\s*(?:{'|'.join(kinds)})", source, flags=re.MULTILINE) is not None


def test_the_layers_are_those_of_the_contracts() -> None:
    """docs/architecture.md lists the layers of pyproject.toml, top to bottom."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    block = text_of("architecture.md").partition("## Layers")[2].split("```")[1]
    engine, toolkit = re.split(r"\n\s*\n", block.strip())
    found = [
        [
            line.partition(":")[2].strip() if ":" in line else line.strip()
            for line in part.split("\n")
        ]
        for part in (engine, toolkit)
    ]
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert found == [[layer.replace(" | ", ", ") for layer in part] for part in layers]


def test_one_version() -> None:
    """pyproject.toml, CITATION.cff and the newest section of CHANGELOG.md name the same version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    cited = re.findall(r"^version: (\S+)$", text_of("CITATION.cff"), flags=re.MULTILINE)
    newest = re.findall(r"^## (\d\S*)", text_of("CHANGELOG.md"), flags=re.MULTILINE)[0]
    assert cited == [project["version"]]
    assert newest == project["version"]


def test_the_paths_are_found() -> None:
    """The check above sees paths in prose, code and tables, and nothing inside other words."""
    text = "see `engine/warp_cortex/cortex.py`, docs/*.md. Not a/docs/b, nor https://x/docs/y"
    assert PATH.findall(text) == ["engine/warp_cortex/cortex.py", "docs/*.md"]


def test_its_python_names_exist() -> None:
    """The examples are valid Python and import only what the engine has."""
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(blocks) >= 2
    for node in (node for block in blocks for node in ast.walk(ast.parse(block))):
        if isinstance(node, ast.ImportFrom):
            assert all(hasattr(warp_cortex, alias.name) for alias in node.names)


def test_commands_in_it_parse() -> None:
    """Each `warpviz ...` line is a command line that today's parser accepts."""
    from warpviz.cli import build_parser

    lines = re.findall(r"^    (warpviz [^#\n]+)", TEXT, flags=re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        build_parser().parse_args(line.split()[1:])
