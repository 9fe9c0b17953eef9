"""A compressed context on disk: a snapshot as safetensors, and its description in JSON.

A file of another model is refused, because its entries would be read as noise.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from warp_cortex.cache.store import SharedKV
from warp_cortex.files.atomic import write_files
from warp_cortex.files.reading import UnreadableFileError, read_object, unreadable
from warp_cortex.model.shared import SharedModel
from warp_cortex.model.spec import ModelSpec
from warp_cortex.synapse.synapse import Snapshot

FORMAT = 1
FIELDS: dict[str, tuple[type, ...]] = {
    "model": (str,),
    "checksum": (str,),
    "sha256": (str,),
    "policy": (str,),
    "version": (int,),
    "step": (int,),
    "radius": (float, int),
    "slack": (float, int),
}
ENTRIES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)
POSITIONS = (torch.int64,)
DTYPES = {
    "keys": ENTRIES,
    "values": ENTRIES,
    "bias": (torch.float32,),
    "positions": POSITIONS,
    "landmarks": POSITIONS,
    "ranking": POSITIONS,
}


def save_snapshot(snapshot: Snapshot, folder: Path | str) -> Path:
    """Write `snapshot.safetensors` and `snapshot.json` into `folder`; return the folder.

    An interruption or a full disk leaves an older context as it was (see `write_files`). The JSON
    holds the digest of the safetensors file, so files of two contexts are never read as one.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    tensors = {
        "keys": snapshot.kv.keys.contiguous(),
        "values": snapshot.kv.values.contiguous(),
        "positions": snapshot.kv.positions.contiguous(),
        "landmarks": snapshot.landmarks.clone(),
        "ranking": snapshot.ranking.clone(),
    }
    if snapshot.kv.bias is not None:
        tensors["bias"] = snapshot.kv.bias.contiguous()
    record = {
        "format": FORMAT,
        "model": snapshot.model,
        "checksum": snapshot.checksum,
        "version": snapshot.version,
        "step": snapshot.step,
        "radius": snapshot.radius,
        "slack": snapshot.slack,
        "policy": snapshot.policy,
    }

    def write_tensors(partial: Path) -> None:
        save_file(tensors, partial)
        record["sha256"] = _sha256(partial)

    def write_record(partial: Path) -> None:
        partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")

    write_files(
        {path / "snapshot.safetensors": write_tensors, path / "snapshot.json": write_record}
    )
    return path


def load_snapshot(prism: SharedModel, folder: Path | str) -> Snapshot:
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
    record = _record(path)
    _check(record, prism.spec, prism.checksum(thorough=True), path)
    try:
        tensors = load_file(path / "snapshot.safetensors")
    except SafetensorError as error:
        msg = f"{path / 'snapshot.safetensors'} is no safetensors file: {error}"
        raise ValueError(msg) from error
    _check_tensors(tensors, record["step"], prism.spec, path)
    keys, values = (tensors[name].to(prism.device, prism.dtype) for name in ("keys", "values"))
    bias = tensors.get("bias")
    kv = SharedKV(
        keys,
        values,
        tensors["positions"].to(prism.device),
        None if bias is None else bias.to(prism.device),
    )
    return Snapshot(
        version=record["version"],
        step=record["step"],
        kv=kv,
        landmarks=tensors["landmarks"].to(torch.long),
        ranking=tensors["ranking"].to(torch.long),
        radius=record["radius"],
        policy=record["policy"],
        model=record["model"],
        checksum=record["checksum"],
        slack=record["slack"],
    )


def _record(path: Path) -> dict[str, Any]:
    file = path / "snapshot.json"
    try:
        record = read_object(file)
    except UnreadableFileError as error:
        why = "does not describe a saved context: it is no JSON object"
        raise unreadable(file, why) from error
    return {"slack": 0, **record}  # files of version 0.1.0 have none: every token was considered


def _check(record: dict[str, Any], spec: ModelSpec, checksum: str, path: Path) -> None:
    if record.get("format") != FORMAT:
        msg = f"{path} is of format {record.get('format')!r}; this version reads format {FORMAT}"
        raise ValueError(msg)
    for name, kinds in FIELDS.items():
        if type(record.get(name)) not in kinds:
            msg = (
                f"{path / 'snapshot.json'}: {name} must be {kinds[0].__name__}, "
                f"got {record.get(name)!r:.80}"
            )
            raise ValueError(msg)
    if record["checksum"] != checksum:
        msg = (
            f"{path} was made with model {record['model']!r:.80} "
            f"(checksum {record['checksum']:.16}), "
            f"not with {spec.name!r} (checksum {checksum})"
        )
        raise ValueError(msg)
    if record["sha256"] != _sha256(path / "snapshot.safetensors"):
        msg = (
            f"{path / 'snapshot.safetensors'} does not match its checksum: "
            "it was changed or cut short"
        )
        raise ValueError(msg)


def _check_tensors(tensors: dict[str, Tensor], step: int, spec: ModelSpec, path: Path) -> None:
    """Raise a ValueError unless the tensors are entries of this model at positions below `step`."""
    file = path / "snapshot.safetensors"
    if missing := sorted({"keys", "values", "positions", "landmarks", "ranking"} - set(tensors)):
        msg = f"{file} lacks {', '.join(missing)}"
        raise ValueError(msg)
    count = tensors["positions"].numel()
    block = (spec.num_layers, spec.num_kv_heads, count)
    wanted = {
        "keys": (*block, spec.head_dim),
        "values": (*block, spec.head_dim),
        "bias": block,
        "positions": (count,),
    }
    for name, shape in wanted.items():
        if name in tensors and tuple(tensors[name].shape) != shape:
            found = tuple(tensors[name].shape)
            msg = f"{file}: {name} must have shape {shape}, got {found}"
            raise ValueError(msg)
    for name, kinds in DTYPES.items():
        if name in tensors and tensors[name].dtype not in kinds:
            accepted = " or ".join(str(kind).removeprefix("torch.") for kind in kinds)
            kind = str(tensors[name].dtype).removeprefix("torch.")
            msg = f"{file}: {name} must be {accepted}, got {kind}"
            raise ValueError(msg)
    low, high = (int(bound) for bound in tensors["positions"].aminmax()) if count else (0, -1)
    if low < 0 or not high < step <= spec.max_positions:
        msg = (
            f"{path} holds entries at positions {low} to {high}, "
            f"but a stream's first token would take {step}"
        )
        raise ValueError(msg)
    for name in ("landmarks", "ranking"):
        places = tensors[name]
        if places.dim() != 1 or not bool(((places >= 0) & (places < step)).all()):
            msg = f"{file}: {name} must be one row of positions from 0 to {step - 1}"
            raise ValueError(msg)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
