"""What an import costs: nothing heavy is loaded before it is used."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "umap",
    "gudhi",
    "ripser",
    "plotly",
    "ipywidgets",
    "anywidget",
    "sklearn",
    "pandas",
    "kaleido",
    "numba",
}


def modules_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after one statement."""
    names = "sorted({m.partition('.')[0] for m in sys.modules})"
    code = f"import sys, json; {statement}; print(json.dumps({names}))"
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "engine"), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | paths,
        capture_output=True,
        check=True,
        timeout=120,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_engine_loads_no_viewer() -> None:
    """`import warp_cortex` brings neither warpviz nor anything only a viewer needs."""
    assert not modules_after("import warp_cortex") & (HEAVY - {"sklearn"} | {"warpviz", "IPython"})


def test_reading_a_trace_loads_no_model_library(tmp_path: Path) -> None:
    """`import warp_cortex`, load_trace and summarise need neither torch nor transformers."""
    import numpy as np
    from warp_cortex import RunStart, Trace

    start = RunStart(
        step=0, model="m", checksum="c", prompt="", prompt_tokens=[], seed=0, config={}, versions={}
    )
    Trace(events=[start], arrays={"hidden": np.zeros((1, 2), np.float16)}).save(tmp_path)
    read = f"trace = warp_cortex.load_trace({str(tmp_path)!r})"
    used = "assert trace.arrays and warp_cortex.summarise(trace)"
    found = modules_after(f"import warp_cortex; {read}; {used}")
    assert "warp_cortex" in found
    assert not found & (HEAVY | {"torch", "transformers", "tokenizers", "scipy", "warpviz"})


def test_children_load_no_model_library() -> None:
    """What a child process of the toolkit needs of the engine costs no torch."""
    names = "ChildProcess, parent_pipes, write_files"
    found = modules_after(f"from warp_cortex import {names}")
    assert not found & (HEAVY | {"torch", "transformers", "numpy"})


def test_the_engines_names_are_listed_alike() -> None:
    """The lazy table, the imports for type checkers and `__all__` name the same things."""
    import warp_cortex

    tree = ast.parse((ROOT / "engine" / "warp_cortex" / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        (node.module, alias.name)
        for block in tree.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == {(home, name) for name, home in warp_cortex._HOME_OF.items()}
    assert sorted(warp_cortex.__all__) == sorted(warp_cortex._HOME_OF)
    for name in warp_cortex.__all__:
        assert getattr(warp_cortex, name) is not None
    assert set(warp_cortex.__all__) <= set(dir(warp_cortex))
    with pytest.raises(AttributeError, match=r"no attribute 'prism_of'; it has: .*Prism"):
        warp_cortex.prism_of  # noqa: B018 - reading the attribute is what is refused


def test_a_renamed_name_still_works_and_warns() -> None:
    """Code that imports `Beside` gets the class of its new name, and a warning that names it."""
    import warp_cortex

    with pytest.warns(DeprecationWarning, match=r"Beside is called EntryProjector now"):
        old = warp_cortex.Beside
    assert old is warp_cortex.EntryProjector
    assert "Beside" not in warp_cortex.__all__


@pytest.mark.parametrize(
    "statement", ["import warpviz", "import warpviz.topology", "import warpviz.cli"]
)
def test_the_toolkit_loads_nothing_heavy(statement: str) -> None:
    """`import warpviz` and the command line load neither torch nor a library of the viewers."""
    assert not modules_after(statement) & (HEAVY | {"torch", "transformers"})


def test_every_public_name_is_there() -> None:
    """Each name that warpviz lists can be had from it; a wrong one is refused with the list."""
    import warpviz

    assert {"explore", "watch", "compare"} <= set(warpviz.__all__) <= set(dir(warpviz))
    assert set(warpviz.__all__) == set(warpviz._HOMES)
    for name in warpviz.__all__:
        assert getattr(warpviz, name) is not None
    with pytest.raises(AttributeError, match="explore"):
        warpviz.explode  # noqa: B018 - reading the attribute is what is refused


def test_no_public_name_hides_a_module() -> None:
    """The first import of a module would change the meaning of a public name that is its name."""
    import warpviz

    modules = {path.stem for path in (ROOT / "warpviz").iterdir()}
    assert not modules & set(warpviz.__all__)
