"""The dependencies: what is imported is declared, and nothing is declared without a use."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# Import names that are not their distribution's name in lower case with hyphens.
DISTRIBUTIONS = {
    "IPython": "ipython",
    "PIL": "pillow",
    "huggingface_hub": "huggingface-hub",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
}
# Imported only where a user asked for them; the code says what is missing when they are.
OPTIONAL = {"gguf": "gguf", "ray": "ray", "triton": "dev", "playwright": "dev"}
NOT_IMPORTED = {
    "accelerate": "transformers needs it to read GGUF files",
    "build": "run by the wheel's tests: python -m build",
    "hatchling": "builds the wheel",
    "import-linter": "run by make lint",
    "jupyterlab": "started as a command by warpviz lab",
    "mypy": "run by make lint",
    "pytest-timeout": "a plugin of pytest",
    "pytest-xdist": "a plugin of pytest",
    "ruff": "run by make lint",
}
OURS = {"warp_cortex", "warpviz", "tests"}


def normalised(name: str) -> str:
    """Return a distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    """Return the distributions a list of requirements names."""
    return {normalised(re.split(r"[<>=!\[; ]", text)[0]) for text in requirements}


REQUIRED = names(PROJECT["dependencies"])
EXTRAS = {extra: names(texts) for extra, texts in PROJECT["optional-dependencies"].items()}


def imported(path: Path) -> Iterator[str]:
    """Yield the top-level name of every absolute import of a file, late and type imports too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def distributions(*folders: str) -> dict[str, str]:
    """Return the third-party distributions the files of some folders import, each with one file."""
    files = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    own = {path.stem for path in files} | OURS
    return {
        normalised(DISTRIBUTIONS.get(name, name)): path.relative_to(ROOT).as_posix()
        for path in files
        for name in imported(path)
        if name not in sys.stdlib_module_names and name not in own
    }


def test_what_the_packages_import_is_required() -> None:
    """Every distribution that engine/ and warpviz/ import is a dependency, or optional by name."""
    found = distributions("engine", "warpviz")
    assert len(found) > 15
    assert not {
        name: path for name, path in found.items() if name not in REQUIRED | OPTIONAL.keys()
    }


@pytest.mark.parametrize(("name", "extra"), OPTIONAL.items())
def test_what_is_optional_is_in_an_extra(name: str, extra: str) -> None:
    """An optional import is still used, and its extra brings it."""
    assert name in distributions("engine", "warpviz")
    assert name in EXTRAS[extra]


def test_what_the_tests_import_is_in_dev() -> None:
    """Tests and scripts import the dependencies and the extra `dev`, nothing by accident."""
    found = distributions("tests", "scripts", "engine", "warpviz")
    assert not {name: path for name, path in found.items() if name not in REQUIRED | EXTRAS["dev"]}


def test_nothing_is_declared_for_nothing() -> None:
    """A declared distribution is imported somewhere, or is listed with what runs it."""
    declared = REQUIRED.union(*EXTRAS.values())
    found = distributions("engine", "warpviz", "tests", "scripts")
    assert not declared - found.keys() - NOT_IMPORTED.keys()
    assert NOT_IMPORTED.keys() <= declared - found.keys()
