"""What we promise about every file: its size, its functions, its silence. A file that breaks a rule
is named.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
MIN_TEST_RATIO = 0.8
MIN_REASON = 12
VAGUE_NAMES = {"utils", "common", "helpers", "base", "types"}
# Modules whose purpose is to speak to a person at a terminal.
SPEAKING = ("warpviz/cli/", "warpviz/bench/", "warpviz/village/")


def sources() -> list[Path]:
    """Return the source files of both packages."""
    return sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "warpviz").rglob("*.py")])


def checks() -> list[Path]:
    """Return the test files, fixtures included."""
    return sorted((ROOT / "tests").rglob("*.py"))


def scripts() -> list[Path]:
    """Return what the browser runs, and the style sheets."""
    return sorted(
        path for pattern in ("*.js", "*.css") for path in (ROOT / "warpviz").rglob(pattern)
    )


def num_lines(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def nodes(path: Path) -> Iterator[ast.AST]:
    """Yield every node of a module's syntax tree."""
    yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def name_of(path: Path) -> str:
    """Return a path as the messages name it."""
    return path.relative_to(ROOT).as_posix()


def test_there_is_something_to_check() -> None:
    """The rules below look at real files: an empty list would pass them all."""
    assert len(sources()) > 50
    assert len(checks()) > 20


def test_no_file_is_long() -> None:
    """No file has more than 300 lines."""
    long = {
        name_of(p): n
        for p in [*sources(), *checks(), *scripts()]
        if (n := num_lines(p)) > MAX_FILE_LINES
    }
    assert not long


def test_no_function_is_long() -> None:
    """No function has more than 60 lines, its docstring included and its arguments apart."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}: {node.end_lineno - node.body[0].lineno + 2}"
        for path in [*sources(), *checks()]
        for node in nodes(path)
        if isinstance(node, kinds)
        and node.end_lineno - node.body[0].lineno + 1 >= MAX_FUNCTION_LINES
    ]
    assert not long


def test_broad_excepts_give_a_reason() -> None:
    """Catching everything is allowed at a boundary, with the reason on the line."""
    silent = []
    for path in sources():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in nodes(path):
            if isinstance(node, ast.ExceptHandler) and catches_all(node):
                reason = lines[node.lineno - 1].rpartition("#")[2].rpartition(" - ")[2].strip()
                if len(reason) < MIN_REASON:
                    silent.append(f"{name_of(path)}:{node.lineno}")
    assert not silent


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Tell whether an `except` clause names nothing, Exception or BaseException."""
    if handler.type is None:
        return True
    return any(
        isinstance(n, ast.Name) and n.id in {"Exception", "BaseException"}
        for n in ast.walk(handler.type)
    )


def test_library_code_does_not_print() -> None:
    """Only the command line speaks; a library returns."""
    loud = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        if not name_of(path).startswith(SPEAKING)
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    ]
    assert not loud


def test_what_strangers_wrote_is_data() -> None:
    """No pickle, no eval or exec, no torch.load, no allow_pickle, no remote code."""
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in sources()
        for node in nodes(path)
        if runs_data(node)
    ]
    assert not found


def runs_data(node: ast.AST) -> bool:
    """Tell whether a node of a syntax tree could run what it reads."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
        return bool(names & {"pickle", "dill", "cloudpickle", "marshal", "shelve"})
    if isinstance(node, ast.keyword) and node.arg in {"allow_pickle", "trust_remote_code"}:
        return not (isinstance(node.value, ast.Constant) and node.value.value is False)
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {"eval", "exec", "torch.load"}


@pytest.mark.parametrize(
    ("code", "caught"),
    [
        ("import pickle", True),
        ("from pickle import loads", True),
        ("eval(x)", True),
        ("model.eval()", False),
        ("np.load(f, allow_pickle=False)", False),
        ("np.load(f, allow_pickle=flag)", True),
        ("torch.load(f)", True),
    ],
)
def test_the_rule_about_data_can_fail(code: str, caught: bool) -> None:
    """The check above catches what it names and nothing else."""
    assert any(runs_data(node) for node in ast.walk(ast.parse(code))) == caught


def test_names_say_what_is_inside() -> None:
    """No module is called utils, common, helpers, base or types."""
    assert not [name_of(path) for path in sources() if path.stem in VAGUE_NAMES]


def test_every_module_says_what_it_is_for() -> None:
    """Each source file begins with a docstring."""
    assert not [
        name_of(path)
        for path in sources()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]


def test_tests_weigh_enough() -> None:
    """Tests keep up with the source: four lines of them for every five."""
    source, test = (sum(map(num_lines, files)) for files in (sources(), checks()))
    assert test >= MIN_TEST_RATIO * source, (
        f"{test} lines of tests for {source} of source: {test / source:.2f}"
    )


@pytest.mark.parametrize("phrase", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(phrase: str) -> None:
    """No reminder and no stub is in the source."""
    assert not [
        name_of(path)
        for path in [*sources(), *scripts()]
        if phrase in path.read_text(encoding="utf-8")
    ]
