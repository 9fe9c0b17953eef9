"""See what agents that share one model and one context hold, think and keep.

Every public name below is loaded from its module on first use, so that `import warpviz` costs next
to nothing: UMAP, GUDHI, plotly and torch are imported by the first call that needs them.
"""

import importlib
from typing import Any

_HOMES = {
    "explore": "warpviz.views.explore",
    "watch": "warpviz.views.watch",
    "KVCloud": "warpviz.views.cloud.view",
    "TokenText": "warpviz.views.text.view",
    "LiveRun": "warpviz.views.run.view",
    "compose": "warpviz.views.compose",
    "link": "warpviz.views.compose",
    "compare": "warpviz.topology",
    "diagrams": "warpviz.topology",
    "Comparison": "warpviz.topology",
    "GateTuner": "warpviz.views.gate.view",
    "CouncilMonitor": "warpviz.views.council.view",
    "PersistenceCompare": "warpviz.views.persistence.view",
    "load": "warpviz.saved",
    "sample": "warpviz.texts",
    "samples": "warpviz.texts",
}

__all__ = [
    "Comparison",
    "CouncilMonitor",
    "GateTuner",
    "KVCloud",
    "LiveRun",
    "PersistenceCompare",
    "TokenText",
    "compare",
    "compose",
    "diagrams",
    "explore",
    "link",
    "load",
    "sample",
    "samples",
    "watch",
]


def __getattr__(name: str) -> Any:
    """Return a public name from its module, importing that module now."""
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'warpviz' has no attribute {name!r}; it has: {', '.join(__all__)}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
