"""Long contexts: the time to read them, to choose landmarks of them, and of one River token."""

from typing import Any

from warp_cortex import Context, Prism, Synapse, SynapseConfig, rank

from warpviz.bench.engine import shape
from warpviz.bench.engine.variants import BenchRiver
from warpviz.bench.harness.timing import PeakBytes, tidy, time_of

RIVER_TOKENS = 24


def long_rows(
    rows: list[dict[str, Any]], prism: Prism, *, contexts: list[int], chunk: int, k: int, seed: int
) -> None:
    """Fill one row per context: the times to read it, to publish k landmarks, of a River token."""
    for tokens in contexts:
        row: dict[str, Any] = {"context": tokens, "chunk": chunk}
        rows.append(row)
        context = Context(prism, capacity=tokens + 2 * RIVER_TOKENS)
        synapse = Synapse(SynapseConfig(k=min(k, tokens), incremental=False), seed=seed)
        _read(
            row,
            context,
            synapse,
            shape.random_ids(tokens, prism.spec.vocab_size, seed=seed),
            chunk=chunk,
        )
        _publish(row, context, synapse)
        del context, synapse
        tidy(prism.device)


def _read(
    row: dict[str, Any], context: Context, synapse: Synapse, ids: list[int], *, chunk: int
) -> None:
    """Read as a run does: the synapse collects evidence for the first snapshot after each chunk."""
    device = context.prism.device
    peak = PeakBytes(device)

    def follow(*_: int) -> None:
        synapse.follow(context)

    seconds = time_of(
        lambda: context.read(ids, chunk=chunk, progress=follow), device, repeats=1, warm=0
    ).median
    row["read_s"] = seconds
    row["read_tokens_per_s"] = len(ids) / seconds
    row["read_peak_bytes"] = peak.read()
    row["cache_bytes"] = context.store.num_bytes


def _publish(row: dict[str, Any], context: Context, synapse: Synapse) -> None:
    device = context.prism.device
    config = synapse.config
    peak = PeakBytes(device)
    # the context does not grow in between, so that each is a first snapshot
    publish = time_of(lambda: synapse.publish(context), device, repeats=3).median
    row["publish_ms"] = 1e3 * publish
    row["publish_peak_bytes"] = peak.read()
    row["evidence_ms"] = (
        1e3 * time_of(lambda: context.evidence(config.space), device, repeats=1, warm=0).median
    )
    evidence = context.evidence(config.space)
    row["choose_ms"] = (
        1e3 * time_of(lambda: rank(evidence, k=config.chosen_k), device, repeats=2, warm=0).median
    )
    main = BenchRiver(context)
    seconds = time_of(lambda: main.run(1), device, repeats=RIVER_TOKENS, warm=3)
    token = seconds.median
    row["river_token_ms"] = 1e3 * token
    row["publish_in_river_tokens"] = publish / token
