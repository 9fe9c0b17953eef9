"""Snapshots as plain numbers and arrays, for transports that carry only those."""

from typing import Any

import numpy as np
import torch

from warp_cortex.cache.store import SharedKV
from warp_cortex.prism import Prism
from warp_cortex.remote.messages import Arrays
from warp_cortex.synapse.synapse import Snapshot


def pack(snapshot: Snapshot) -> dict[str, Any]:
    """Return a snapshot as plain numbers and arrays; bfloat16 is sent as its bits."""
    arrays = to_arrays(snapshot.kv)
    return {
        **arrays,
        "landmarks": snapshot.landmarks.numpy(),
        "ranking": snapshot.ranking.numpy(),
        "version": snapshot.version,
        "step": snapshot.step,
        "radius": snapshot.radius,
        "policy": snapshot.policy,
        "model": snapshot.model,
        "checksum": snapshot.checksum,
    }


def split(packed: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Return the JSON-ready values of a packed snapshot, and its arrays; without values of None."""
    arrays = {name: value for name, value in packed.items() if isinstance(value, np.ndarray)}
    return {
        name: value for name, value in packed.items() if name not in arrays and value is not None
    }, arrays


def unpack(packed: dict[str, Any], prism: Prism) -> Snapshot:
    """Return the snapshot on a worker's device.

    Raises:
        ValueError: the worker's model is not the one the snapshot was made with.
    """
    if packed["checksum"] != prism.spec.checksum:
        msg = (
            f"this worker's model has checksum {prism.spec.checksum}, "
            f"the snapshot's has {packed['checksum']}"
        )
        raise ValueError(msg)
    return Snapshot(
        version=packed["version"],
        step=packed["step"],
        kv=from_arrays(packed, prism),
        policy=packed["policy"],
        landmarks=torch.from_numpy(packed["landmarks"].copy()),
        ranking=torch.from_numpy(packed["ranking"].copy()),
        radius=packed["radius"],
        model=packed["model"],
        checksum=packed["checksum"],
    )


def to_arrays(kv: SharedKV) -> dict[str, Any]:
    """Return a block of entries as numpy arrays; bfloat16 is sent as its bits."""

    def bits(tensor: torch.Tensor) -> Any:
        plain = tensor.contiguous().cpu()
        return plain.view(torch.int16).numpy() if plain.dtype == torch.bfloat16 else plain.numpy()

    bias = None if kv.bias is None else kv.bias.cpu().numpy()
    return {
        "keys": bits(kv.keys),
        "values": bits(kv.values),
        "positions": kv.positions.cpu().numpy(),
        "bias": bias,
    }


def from_arrays(arrays: dict[str, Any], prism: Prism) -> SharedKV:
    """Return a block of entries on a model's device; received memory is read-only, so copied."""

    def tensor(array: Any) -> torch.Tensor:
        plain = torch.from_numpy(array.copy())
        plain = plain.view(torch.bfloat16) if plain.dtype == torch.int16 else plain
        return plain.to(prism.device, prism.dtype)

    bias = (
        None if arrays["bias"] is None else torch.from_numpy(arrays["bias"].copy()).to(prism.device)
    )
    positions = torch.from_numpy(arrays["positions"].copy()).to(prism.device)
    return SharedKV(tensor(arrays["keys"]), tensor(arrays["values"]), positions, bias)
