"""Write the tree of the repository, a line per file, into README.md; with --check, only say whether
it is current.
"""

import argparse
import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN = "<!-- tree: written by scripts/tree.py -->"
END = "<!-- end of tree -->"
PACKAGES = ("engine/warp_cortex", "warpviz")


def line_of(path: Path) -> str:
    """Return what a file says about itself in its first line: a docstring, or a leading comment."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    first = text.strip().partition("\n")[0]
    return first.strip("/* ").strip() if first.startswith(("//", "/*")) else ""


def tree() -> str:
    """Return every source file under its folder, with its own first line."""
    lines: list[str] = []
    for package in PACKAGES:
        for folder in [
            ROOT / package,
            *sorted(p for p in (ROOT / package).rglob("*") if p.is_dir()),
        ]:
            files = sorted(p for p in folder.iterdir() if p.suffix in {".py", ".js", ".css"})
            if files:
                lines.append(f"{folder.relative_to(ROOT).as_posix()}/")
                lines += [f"  {path.name:<22} {line_of(path)}".rstrip() for path in files]
    return "\n".join(lines)


def written(readme: str) -> str:
    """Return the README with its tree replaced by the current one."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n```\n{tree()}\n```\n{END}{after}"


def main() -> int:
    """Write, or check; return 1 when a check finds the tree out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    readme = README.read_text(encoding="utf-8")
    if args.check:
        return int(readme != written(readme))
    README.write_text(written(readme), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
