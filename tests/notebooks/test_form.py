"""The form of the notebooks: short, without logic, without outputs, each a story that ends with a
question.
"""

import ast
import re
from pathlib import Path

import nbformat
import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
# What belongs into a module with a test, not into a cell.
LOGIC = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.For,
    ast.While,
    ast.If,
    ast.Try,
    ast.Lambda,
    ast.Match,
)
MAX_CELL_LINES = 12
MAX_PROSE_WORDS = 90


@pytest.fixture(params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def book(request: pytest.FixtureRequest):
    """Each notebook in turn."""
    return nbformat.read(request.param, as_version=4)


def test_the_first_one_is_there() -> None:
    """`make lab` opens 00_start_here; every other has a number of its own, so that they sort as
    they are read.
    """
    assert NOTEBOOKS[0].name == "00_start_here.ipynb"
    numbers = [int(path.name[:2]) for path in NOTEBOOKS]
    assert numbers == sorted(set(numbers))


def test_committed_without_outputs(book) -> None:
    """No output, no execution count, no widget state; a small file that diffs well."""
    nbformat.validate(book)
    assert "widgets" not in book.metadata
    assert all(not cell.outputs and cell.execution_count is None for cell in code_cells(book))
    assert len(nbformat.writes(book)) < 20_000


def code_cells(book) -> list:
    """Return the code cells of a notebook."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def test_cells_are_short_and_hold_no_logic(book) -> None:
    """A cell has at most a dozen lines and defines, loops and decides nothing."""
    for cell in code_cells(book):
        assert len(cell.source.splitlines()) <= MAX_CELL_LINES, cell.source
        statements = ast.walk(ast.parse(cell.source))
        assert not [node for node in statements if isinstance(node, LOGIC)], cell.source


def test_prose_is_short_and_ends_with_a_question(book) -> None:
    """A title first, no long paragraph, and a question for the reader last."""
    prose = [cell.source for cell in book.cells if cell.cell_type == "markdown"]
    assert prose[0].startswith("# ")
    assert book.cells[-1].cell_type == "markdown"
    assert "?" in prose[-1]
    assert max(len(re.findall(r"\w+", text)) for text in prose) <= MAX_PROSE_WORDS
