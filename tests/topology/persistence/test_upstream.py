"""What we rely on in the libraries below, so that a new version fails here first."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import warpviz.topology

SOURCES = sorted(Path(warpviz.topology.__file__).parent.rglob("*.py"))
GPL = (
    "bottleneck_distance",
    "gudhi.bottleneck",
    "EuclideanWitness",
    "EuclideanStrongWitness",
    "AlphaComplex",
    "DelaunayComplex",
    "subsampling",
    "CoverComplex",
    "TangentialComplex",
    "CechPersistence",
)


def parameters(function):
    """Return the names of a function's parameters."""
    return set(inspect.signature(function).parameters)


def test_gudhi_has_the_rips_engine_we_call():
    """The constructor takes our settings; a fit gives float64 arrays per dimension."""
    from gudhi.sklearn import RipsPersistence

    wanted = {"homology_dimensions", "threshold", "input_type", "homology_coeff_field"}
    assert wanted <= parameters(RipsPersistence.__init__)
    engine = RipsPersistence([0, 1], input_type="full distance matrix", homology_coeff_field=2)
    bars = engine.fit_transform([np.array([[0.0, 1 / 3], [1 / 3, 0.0]])])[0]
    assert np.asarray(bars[0])[0, 1] == 1 / 3  # not rounded to single precision
    assert len(bars) == 2


def test_gudhis_tree_takes_batches_and_gives_intervals():
    """Columns are simplices; intervals come back as pairs."""
    import gudhi

    tree = gudhi.SimplexTree()
    tree.insert_batch(np.array([[0], [1]]).T, np.zeros(2))
    tree.insert_batch(np.array([[0, 1]]).T, np.array([2.5]))
    tree.compute_persistence(homology_coeff_field=2, min_persistence=-1, persistence_dim_max=True)
    assert tree.persistence_intervals_in_dimension(0).tolist() == [[0, 2.5], [0, np.inf]]


def test_the_licences_we_rely_on_are_the_ones_stated():
    """The modules we call call themselves MIT; those we avoid call themselves GPL."""
    from gudhi import (
        bottleneck,
        delaunay_complex,
        euclidean_witness_complex,
        simplex_tree,
        witness_complex,
    )
    from gudhi.sklearn import rips_persistence

    assert {module.__license__ for module in (rips_persistence, witness_complex)} == {"MIT"}
    assert getattr(simplex_tree, "__license__", "MIT") == "MIT"
    for module in (bottleneck, delaunay_complex, euclidean_witness_complex):
        assert module.__license__.startswith("GPL")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_file_calls_a_gpl_module(path):
    """Outside comments and docstrings no source names one of GUDHI's GPL modules."""
    code = re.sub(r'"""[\s\S]*?"""|#.*', "", path.read_text(encoding="utf-8"))
    assert [name for name in GPL if name in code] == []


@pytest.mark.slow
# on UMAP's first import in a process
@pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")
def test_umap_takes_what_we_pass():
    """The seed, the start, one job and the exact neighbour search are settings it still has."""
    from umap import UMAP

    wanted = {"n_components", "metric", "n_neighbors", "min_dist", "random_state", "n_jobs"}
    wanted |= {"init"}
    assert wanted | {"force_approximation_algorithm"} <= parameters(UMAP.__init__)


def test_importing_the_package_loads_nothing_heavy():
    """`import warpviz.topology` loads neither an engine nor a library of numbers or figures."""
    heavy = {"gudhi", "umap", "plotly", "sklearn", "scipy", "torch", "numpy"}
    code = f"import sys, warpviz.topology; print(sorted({heavy!r} & set(sys.modules)))"
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=here, check=True
    )
    assert found.stdout.strip() == "[]"


def test_every_public_name_exists_and_others_are_answered():
    """The lazy table is right; a name it does not hold lists those it does."""
    importlib.import_module("warpviz.topology.comparison.measure")  # imports every subpackage
    assert set(warpviz.topology.__all__) == set(warpviz.topology._HOMES)
    for name in warpviz.topology.__all__:
        assert getattr(warpviz.topology, name).__name__ == name
        hidden = importlib.util.find_spec(f"warpviz.topology.{name}")  # by a module of that name
        assert hidden is None
    with pytest.raises(
        AttributeError, match="it has: Comparison, Diagrams, compare, diagrams, load_comparison"
    ):
        _ = warpviz.topology.persistance
