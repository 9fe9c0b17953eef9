"""How many facts streams recall over sparse landmarks, by policy and k: a recorded result.

`warpviz.village.evaluate.evaluate` measured it.
"""

import json
from pathlib import Path
from typing import Any

from warp_cortex import bundled

RECORD = "recorded/benchmarks/village.json"


def recorded(path: Path | None = None) -> Any:
    """Return a DataFrame with one row per context length, policy and k.

    Columns: tokens, policy, k, share (of facts answered word for word), its 95 % interval low and
    high, and n.

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
