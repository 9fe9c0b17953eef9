"""What an import costs: nothing heavy is loaded before it is used."""

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


@pytest.mark.parametrize(
    "statement", ["import warpviz", "import warpviz.topology", "import warpviz.cli"]
)
def test_the_toolkit_loads_nothing_heavy(statement: str) -> None:
    """`import warpviz` and the command line load neither torch nor any of the viewers'
    libraries.
    """
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
    """A public name that is a module's name too would change its meaning with the first import of
    that module.
    """
    import warpviz

    modules = {path.stem for path in (ROOT / "warpviz").iterdir()}
    assert not modules & set(warpviz.__all__)
