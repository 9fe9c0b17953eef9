"""The README: its tree is current, its links lead somewhere, its code runs on today's names."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import warp_cortex

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tree_is_current() -> None:
    """Every source file is there with its own first line; `python scripts/tree.py` brings it up to
    date.
    """
    command = [sys.executable, str(ROOT / "scripts" / "tree.py"), "--check"]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_links_lead_somewhere() -> None:
    """Every relative link and picture is a file of the repository."""
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]
    assert len(targets) >= 4
    assert not [target for target in targets if not (ROOT / target).exists()]


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
