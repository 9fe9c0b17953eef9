"""How many facts streams recall over sparse landmarks, by policy and k: the record of
`warpviz.village.evaluate.evaluate`.
"""

import json
from pathlib import Path
from typing import Any

from warp_cortex import bundled

RECORD = "recorded/benchmarks/village.json"


def recorded(path: Path | None = None) -> Any:
    """Return a DataFrame: tokens of the context, policy, k, the share answered word for word, its
    interval, and n.

    Raises:
        FileNotFoundError: this installation has no record.
    """
    import pandas as pd

    found = json.loads((path or bundled(RECORD)).read_text(encoding="utf-8"))
    rows = []
    for name, cell in found["sparse"]["cells"].items():
        tokens, policy, k = name.split()
        row = {"tokens": int(tokens), "policy": policy, "k": int(k)}
        rows.append(row | {column: cell[column] for column in ("share", "low", "high", "n")})
    return pd.DataFrame(rows)
