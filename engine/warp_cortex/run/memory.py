"""Bytes that a run holds, by owner: sizes of tensors that exist, never estimates."""

from collections.abc import Iterable

from warp_cortex.agents.backend import StreamRunner
from warp_cortex.context.context import Context
from warp_cortex.prism import Prism
from warp_cortex.synapse.synapse import Snapshot, Synapse
from warp_cortex.trace.trace import Memory


def report(prism: Prism, context: Context, synapse: Synapse, runner: StreamRunner) -> Memory:
    """Return the bytes held now, by owner."""
    current = [] if synapse.current is None else [synapse.current]
    snapshots = {snapshot.version: snapshot for snapshot in [*current, *runner.snapshots]}
    return Memory(
        step=context.num_tokens,
        weights=prism.weight_bytes,
        river_kv=river_bytes(context),
        shared_kv=shared_bytes(snapshots.values(), context),
        private_kv=runner.private_bytes,
        num_streams=runner.num_active,
        evidence=evidence_bytes(context, synapse),
    )


def river_bytes(context: Context) -> int:
    """Return the bytes of the River's cache, spare capacity included."""
    return context.store.num_bytes


def evidence_bytes(context: Context, synapse: Synapse | None = None) -> int:
    """Return the bytes that landmarks are chosen from: queries, middle states, and the Synapse's.

    The Synapse holds accumulated evidence and coresets.
    """
    states = context.middle.untyped_storage().nbytes() if context.num_tokens else 0
    return context.queries.num_bytes + states + (0 if synapse is None else synapse.num_bytes)


def shared_bytes(snapshots: Iterable[Snapshot], context: Context | None) -> int:
    """Return the bytes of all snapshots, each storage once.

    Entries that a snapshot shares with the River's cache by reference cost nothing.
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
