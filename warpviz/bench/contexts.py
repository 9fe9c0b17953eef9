"""Long contexts: reading them in chunks, and choosing landmarks of them, beside the time of one River token."""

from typing import Any

import torch
from warp_cortex import Context, Prism, Synapse, SynapseConfig, rank

from warpviz.bench import arms, shape
from warpviz.bench.arms import Scene
from warpviz.bench.gauge import PeakBytes, Spread, tidy, time_of, wait


def long_rows(
    rows: list[dict[str, Any]], prism: Prism, *, contexts: list[int], chunk: int, k: int, seed: int
) -> None:  # fmt: skip
    """Fill one row per context: seconds to read it, to publish k landmarks of it, and of one River token."""
    device = prism.device
    for tokens in contexts:
        ids = shape.random_ids(tokens, prism.spec.vocab_size, seed=seed)
        peak = PeakBytes(device)
        context = Context(prism, capacity=tokens + 64)
        reading = time_of(lambda: context.read(ids, chunk=chunk), device, repeats=1, warm=0)  # noqa: B023 - called at once
        row: dict[str, Any] = {
            "context": tokens, "chunk": chunk, "read_s": reading.median, "read_tokens_per_s": tokens / reading.median,
            "read_peak_bytes": peak.read(), "cache_bytes": context.store.num_bytes,
        }  # fmt: skip
        rows.append(row)
        config = SynapseConfig(k=min(k, tokens))
        peak = PeakBytes(device)
        publish = time_of(lambda: Synapse(config, seed=seed).publish(context), device, repeats=1, warm=1)  # noqa: B023
        row |= {"publish_ms": 1e3 * publish.median, "publish_peak_bytes": peak.read()}
        evidence = context.evidence(config.space)
        gathering = time_of(lambda: context.evidence(config.space), device, repeats=1, warm=0)  # noqa: B023
        choosing = time_of(lambda: rank(evidence, k=config.k), device, repeats=2, warm=0)  # noqa: B023
        row |= {"evidence_ms": 1e3 * gathering.median, "choose_ms": 1e3 * choosing.median}
        del evidence
        scene = Scene(prism, context, Synapse(config, seed=seed).publish(context), 32)
        main = arms.river(scene, tokens=32)
        token = Spread(tuple(_river_seconds(main, 24)))
        row |= {"river_token_ms": 1e3 * token.median, "publish_in_river_tokens": publish.median / token.median}
        del main, scene, context
        tidy(device)


def _river_seconds(main: Any, count: int) -> list[float]:
    device: torch.device = main.prism.device
    found = []
    for _ in range(count):
        found.append(time_of(lambda: main.run(1), device, repeats=1, warm=0).median)
        wait(device)
    return found
