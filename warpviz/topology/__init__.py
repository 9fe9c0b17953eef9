"""Topology of a cache: persistence, distances with bounds, null models, comparisons, projections.

Nothing heavy is imported here: GUDHI, UMAP and plotly load when a function that needs them is
called.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from warpviz.topology.comparison.comparison import Comparison as Comparison
    from warpviz.topology.comparison.comparison import load_comparison as load_comparison
    from warpviz.topology.comparison.measure import compare as compare
    from warpviz.topology.persistence.diagrams import Diagrams as Diagrams
    from warpviz.topology.persistence.diagrams import diagrams as diagrams

_HOMES = {
    "Comparison": "comparison.comparison",
    "load_comparison": "comparison.comparison",
    "compare": "comparison.measure",
    "Diagrams": "persistence.diagrams",
    "diagrams": "persistence.diagrams",
}

__all__ = ["Comparison", "Diagrams", "compare", "diagrams", "load_comparison"]


def __getattr__(name: str) -> Any:
    """Return a public name from its module, importing that module now."""
    if name not in _HOMES:
        msg = f"module 'warpviz.topology' has no attribute {name!r}; it has: {', '.join(__all__)}"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(f"warpviz.topology.{_HOMES[name]}"), name)
