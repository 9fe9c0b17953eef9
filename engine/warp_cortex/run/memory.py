"""Bytes actually held, by owner: sizes of tensors that exist, never estimates."""

from collections.abc import Iterable

from warp_cortex.context.context import Context
from warp_cortex.synapse.synapse import Snapshot, Synapse


def river_bytes(context: Context) -> int:
    """Return the bytes of the River's cache, spare capacity included."""
    return context.store.num_bytes


def evidence_bytes(context: Context, synapse: Synapse | None = None) -> int:
    """Return the bytes kept to choose landmarks: remembered queries, middle states, what was
    gleaned, coresets.
    """
    states = context.middle.untyped_storage().nbytes() if context.num_tokens else 0
    return context.queries.num_bytes + states + (0 if synapse is None else synapse.num_bytes)


def shared_bytes(snapshots: Iterable[Snapshot], context: Context | None) -> int:
    """Return the bytes of all snapshots, each storage once; entries shared with the River by
    reference cost nothing.
    """
    seen = set() if context is None else {context.store.data.untyped_storage().data_ptr()}
    total = 0
    for snapshot in snapshots:
        bias = [] if snapshot.kv.bias is None else [snapshot.kv.bias]
        for tensor in (snapshot.kv.keys, snapshot.kv.values, *bias):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in seen:
                seen.add(storage.data_ptr())
                total += storage.nbytes()
    return total
