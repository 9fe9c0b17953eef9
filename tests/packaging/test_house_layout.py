"""What we promise about the layout: width of lines, size of folders, assignments, and no import
circle. What breaks a rule is named.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

import grimp
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).parents[2]
MAX_WIDTH = 100
MAX_FOLDER_FILES = 14
MAX_ROOT_FILES = 6
SUFFIXES = {".py", ".js", ".css"}
# what a tool is told at the end of a line, with its reason, is not counted, as ruff does not
PRAGMA = re.compile(r"  # (?:noqa|type:).*")


def files(*folders: str) -> list[Path]:
    """Return the Python, JavaScript and CSS files below some folders."""
    return sorted(
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES
    )


def name_of(path: Path) -> str:
    """Return a path as the messages name it."""
    return path.relative_to(ROOT).as_posix()


def test_no_line_is_wide() -> None:
    """No line of source or tests has more than 100 columns."""
    wide = [
        f"{name_of(path)}:{number}: {len(line)}"
        for path in files("engine", "warpviz", "tests")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if len(PRAGMA.sub("", line)) > MAX_WIDTH
    ]
    assert not wide


def test_no_folder_is_crowded() -> None:
    """No folder holds more than 14 source files, and the engine's root at most 6."""
    held: dict[Path, int] = defaultdict(int)
    for path in files("engine", "warpviz"):
        held[path.parent] += 1
    assert len(held) > 20
    root = ROOT / "engine" / "warp_cortex"
    most = defaultdict(lambda: MAX_FOLDER_FILES, {root: MAX_ROOT_FILES})
    assert not {name_of(folder): num for folder, num in held.items() if num > most[folder]}


def crams(node: ast.AST) -> bool:
    """Whether a node assigns several written-out values to several targets in one statement.

    A swap needs it: allowed is what reads one of its own targets on the right.
    """
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)):
        return False
    targets = [target for target in node.targets if isinstance(target, ast.Tuple)]
    written = {ast.unparse(place) for target in targets for place in target.elts}
    read = {ast.unparse(part) for part in ast.walk(node.value) if isinstance(part, ast.expr)}
    return bool(targets) and not written & read


def test_one_assignment_a_statement() -> None:
    """No `a, b = 1, 2`: two assignments are two lines, swaps aside."""
    crammed = [
        f"{name_of(path)}:{node.lineno}: {ast.unparse(node)[:60]}"
        for path in files("engine", "warpviz")
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if crams(node)
    ]
    assert not crammed


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("a, b = 1, 2", True),
        ("self.a, self.b = a, b", True),
        ("a = b, c = 1, 2", True),
        ("a, b = b, a", False),
        ("low, high = high, low + high", False),
        ("row[i], row[j] = row[j], row[i]", False),
        ("a, b = pair", False),
        ("pair = 1, 2", False),
    ],
)
def test_the_rule_about_assignments_can_fail(code: str, caught: bool) -> None:
    """The check above catches what it names and nothing else."""
    assert any(crams(node) for node in ast.walk(ast.parse(code))) == caught


def circles(edges: list[tuple[str, str]]) -> list[list[str]]:
    """Return every set of modules that import one another in a circle, directly or by others."""
    modules = sorted({module for edge in edges for module in edge})
    place = {module: index for index, module in enumerate(modules)}
    rows = [place[importer] for importer, _ in edges]
    columns = [place[imported] for _, imported in edges]
    shape = (len(modules), len(modules))
    graph = csr_matrix((np.ones(len(edges)), (rows, columns)), shape=shape)
    _, labels = connected_components(graph, directed=True, connection="strong")
    groups: dict[int, list[str]] = defaultdict(list)
    for module, label in zip(modules, labels, strict=True):
        groups[label].append(module)
    return [group for group in groups.values() if len(group) > 1]


def test_no_import_circle() -> None:
    """No module imports itself by way of others; late imports and imports for types count."""
    graph = grimp.build_graph(
        "warp_cortex", "warpviz", exclude_type_checking_imports=False, cache_dir=None
    )
    edges = [
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    ]
    assert len(edges) > 300
    assert not circles(edges)


def test_a_circle_is_found() -> None:
    """Three modules in a circle are named, those that only hang on it are not."""
    assert circles([("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e")]) == [
        ["a", "b", "c"]
    ]
