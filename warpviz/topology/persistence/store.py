"""A cache of diagrams on disk: the same points and settings are computed once per machine."""

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import ArrayLike, NDArray
from warp_cortex import cache_folder, parse_json, read_arrays, read_field, write_files

from warpviz.topology.persistence.diagrams import COMPLEXES, ESSENTIAL, Diagrams
from warpviz.topology.points import cloud

FORMAT = 2
ENGINES = ("gudhi", "scipy")  # SciPy's Delaunay decides the ties of an alpha complex
MAX_BYTES = 256 * 2**20
SETTINGS = (
    "complex",
    "threshold",
    "essential",
    "num_points",
    "num_duplicates",
    "num_merged",
    "sample_radius",
)
PAIR = 2  # birth and death


def default_root() -> Path | None:
    """Return where diagrams are kept; None on a machine that offers no folder for caches."""
    folder = cache_folder()
    return None if folder is None else folder / "diagrams"


def key_of(points: ArrayLike, settings: Mapping[str, Any]) -> str:
    """Return the hex SHA-256 of points, their shape, the settings and the versions in use."""
    array = cloud(points)
    plain = {
        name: np.asarray(value).tolist() if name == "landmarks" else value
        for name, value in settings.items()
    }
    engines = {name: version(name) for name in ENGINES}
    about = {"format": FORMAT, **engines, "shape": array.shape, "settings": plain}
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


def to_arrays(diagrams: Diagrams) -> dict[str, NDArray[Any]]:
    """Return diagrams as named arrays without objects, for an npz."""
    about = {name: getattr(diagrams, name) for name in SETTINGS}
    about["num_essential"] = {str(dim): count for dim, count in diagrams.num_essential.items()}
    bars = {f"h{dim}": array for dim, array in diagrams.bars.items()}
    return {"about": np.array(json.dumps(about)), "used": diagrams.used, **bars}


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Diagrams:
    """Return the diagrams that `to_arrays` described.

    Raises:
        ValueError: something is missing or of another shape.
    """
    try:
        about = parse_json(str(arrays["about"]), "the settings")
        bars = {
            int(name[1:]): np.asarray(arrays[name], dtype=np.float64)
            for name in arrays
            if name.startswith("h")
        }
        essential = read_field(dict[str, int], about.pop("num_essential"))
        types = get_type_hints(Diagrams)
        settings = {name: read_field(types[name], value) for name, value in about.items()}
        settings["num_essential"] = {int(dim): count for dim, count in essential.items()}
        used = np.asarray(arrays["used"], dtype=np.int64)
        found = Diagrams(bars=dict(sorted(bars.items())), used=used, **settings)
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"not stored diagrams: {error}"
        raise ValueError(msg) from error
    if any(array.ndim != PAIR or array.shape[1] != PAIR for array in bars.values()):
        msg = "not stored diagrams: bars are not pairs"
        raise ValueError(msg)
    if used.ndim != 1 or not all(np.isfinite(array).all() for array in bars.values()):
        msg = "not stored diagrams: a bar is not finite, or the rows in use are no list"
        raise ValueError(msg)
    if found.complex not in COMPLEXES or found.essential not in ESSENTIAL:
        msg = (
            f"not stored diagrams: complex {found.complex!r:.40}, essential {found.essential!r:.40}"
        )
        raise ValueError(msg)
    if not bars or bars.keys() != found.num_essential.keys():
        known = sorted(found.num_essential)
        msg = f"not stored diagrams: bars of dimensions {sorted(bars)} of {known}"
        raise ValueError(msg)
    return found


@dataclass(frozen=True, slots=True)
class DiagramStore:
    """Diagrams under `root`, one npz per key; above `max_bytes` the least recently used go.

    A store without a root keeps nothing.
    """

    root: Path | None = field(default_factory=default_root)
    max_bytes: int = MAX_BYTES

    def path(self, key: str) -> Path | None:
        """Return the file of a key, or None without a root."""
        return None if self.root is None else self.root / key[:2] / f"{key}.npz"

    def get(self, key: str) -> Diagrams | None:
        """Return the stored diagrams; None when there are none or the file is damaged."""
        if (path := self.path(key)) is None:
            return None
        try:
            found = from_arrays(read_arrays(path, kinds="fiuU", most_bytes=self.max_bytes))
            os.utime(path)
        except (OSError, ValueError):
            return None
        return found

    def put(self, key: str, diagrams: Diagrams) -> Path | None:
        """Store diagrams whole or not at all; None when the disk refuses, which only costs time."""
        if (path := self.path(key)) is None:
            return None
        out = io.BytesIO()
        np.savez(out, allow_pickle=False, **to_arrays(diagrams))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_files({path: out.getvalue()})
            self._trim(path.parent.parent, keep=path)
        except OSError:
            return None
        return path

    def _trim(self, root: Path, *, keep: Path) -> None:
        files = sorted(
            (entry.stat().st_mtime_ns, entry) for entry in root.glob("*/*.npz") if entry != keep
        )
        sizes = [entry.stat().st_size for _, entry in files]
        excess = sum(sizes) + keep.stat().st_size - self.max_bytes
        for (_, entry), size in zip(files, sizes, strict=True):
            if excess <= 0:
                return
            entry.unlink(missing_ok=True)
            excess -= size
