"""A compressed context on disk: a snapshot as safetensors with its description beside it in JSON.

A file of another model is refused, because its entries would be read as noise.
"""

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from warp_cortex.kv import SharedKV
from warp_cortex.prism import ModelSpec, Prism
from warp_cortex.synapse import Snapshot

FORMAT = 1


def save_snapshot(snapshot: Snapshot, folder: Path | str) -> Path:
    """Write `snapshot.safetensors` and `snapshot.json` into `folder`; return the folder."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {
        "keys": snapshot.kv.keys.contiguous(), "values": snapshot.kv.values.contiguous(),
        "positions": snapshot.kv.positions.contiguous(), "landmarks": snapshot.landmarks, "ranking": snapshot.ranking,
    }  # fmt: skip
    if snapshot.kv.bias is not None:
        tensors["bias"] = snapshot.kv.bias.contiguous()
    save_file(tensors, path / "snapshot.safetensors")
    record = {
        "format": FORMAT, "model": snapshot.model, "checksum": snapshot.checksum, "version": snapshot.version,
        "step": snapshot.step, "radius": snapshot.radius, "policy": snapshot.policy,
        "sha256": _sha256(path / "snapshot.safetensors"),
    }  # fmt: skip
    (path / "snapshot.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def load_snapshot(prism: Prism, folder: Path | str) -> Snapshot:
    """Read what `save_snapshot` wrote, onto the model's device.

    Raises:
        FileNotFoundError: there is no snapshot in `folder`.
        ValueError: another format, another model, or a file that was changed.
    """
    path = Path(folder)
    for name in ("snapshot.json", "snapshot.safetensors"):
        if not (path / name).is_file():
            msg = f"{path} holds no saved context: {name} is missing"
            raise FileNotFoundError(msg)
    record = json.loads((path / "snapshot.json").read_text(encoding="utf-8"))
    _check(record, prism.spec, path)
    tensors = load_file(path / "snapshot.safetensors")
    keys, values = (tensors[name].to(prism.device, prism.dtype) for name in ("keys", "values"))
    bias = tensors.get("bias")
    kv = SharedKV(keys, values, tensors["positions"].to(prism.device), None if bias is None else bias.to(prism.device))
    return Snapshot(
        version=record["version"], step=record["step"], kv=kv, landmarks=tensors["landmarks"].to(torch.long),
        ranking=tensors["ranking"].to(torch.long), radius=record["radius"], policy=record["policy"],
        model=record["model"], checksum=record["checksum"],
    )  # fmt: skip


def _check(record: dict[str, object], spec: ModelSpec, path: Path) -> None:
    if record.get("format") != FORMAT:
        msg = f"{path} is of format {record.get('format')!r}; this version reads format {FORMAT}"
        raise ValueError(msg)
    if record.get("checksum") != spec.checksum:
        msg = (
            f"{path} was made with model {record.get('model')!r} (checksum {record.get('checksum')}), "
            f"not with {spec.name!r} (checksum {spec.checksum})"
        )
        raise ValueError(msg)
    if record.get("sha256") != _sha256(path / "snapshot.safetensors"):
        msg = f"{path / 'snapshot.safetensors'} does not match its checksum: it was changed or cut short"
        raise ValueError(msg)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
