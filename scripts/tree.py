"""Write docs/tree.md: every source file with its own first line. `--check` only compares."""

import argparse
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = Path("docs", "tree.md")
PACKAGES = ("engine/warp_cortex", "warpviz")
SUFFIXES = {".py", ".js", ".css"}
HEAD = """# Every source file, in its own words

Written by `python scripts/tree.py` from each file's docstring or first comment: edit those, not
this page. [architecture.md](architecture.md) says how the folders work together.
"""


def line_of(path: Path) -> str:
    """Return a file's first sentence: of its docstring, or of the comment it begins with."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        docstring = ast.get_docstring(ast.parse(text)) or ""
        return " ".join(docstring.partition("\n\n")[0].split())
    first = text.strip().partition("\n")[0]
    return first.strip("/* ").strip() if first.startswith(("//", "/*")) else ""


def tree() -> str:
    """Return every source file under its folder, with its first sentence."""
    lines: list[str] = []
    for package in PACKAGES:
        below = sorted(path for path in (ROOT / package).rglob("*") if path.is_dir())
        for folder in [ROOT / package, *below]:
            files = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
            if files:
                lines.append(f"{folder.relative_to(ROOT).as_posix()}/")
                lines += [f"  {path.name:<22} {line_of(path)}".rstrip() for path in files]
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    return f"{HEAD}\n```\n{tree()}\n```\n"


def main() -> int:
    """Write, or check; return 1 when a check finds the page missing or out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when outdated")
    args = parser.parse_args()
    path = ROOT / PAGE
    if args.check:
        return int(not path.is_file() or path.read_text(encoding="utf-8") != page())
    path.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
