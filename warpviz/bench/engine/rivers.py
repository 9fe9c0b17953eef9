"""How long the River waits for a token while streams think: in turns, concurrently, in a batch."""

from dataclasses import dataclass
from typing import Any

from warp_cortex import StreamBatch

from warpviz.bench.engine import shape, variants
from warpviz.bench.engine.capacity import TASK, river_times
from warpviz.bench.engine.variants import BenchRiver, BenchSetting, BenchStreams, Runs
from warpviz.bench.harness.timing import TimeSpread, tidy

WARM = 3  # tokens before those that are timed: the second one is recorded on CUDA


def lane_rows(
    rows: list[dict[str, Any]], scene: BenchSetting, *, streams: list[int], tokens: int, seed: int
) -> None:
    """Fill one row per number of streams and way of sharing the device; `tokens` tokens each."""
    device = scene.prism.device
    high = variants.lane(device, high=True)
    low = variants.lane(device)
    alone = river_times(scene, tokens, high)
    rows.append(row("alone", 0, alone, alone))
    for count in streams:
        if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
            rows.append({"streams": count, "skipped": reason})
            continue
        # measured again for every row: the machine is not the same all the time
        alone = river_times(scene, tokens, high)
        batch = opened(scene, count, seed=seed)
        both = Both(BenchRiver(scene.context.fork()), batch)
        variants.latencies(both, WARM, high)
        in_turn = TimeSpread(tuple(variants.latencies(both, tokens, high)))
        rows.append(row("cooperative", count, in_turn, alone) | rate(count, in_turn))
        # a new batch: what was recorded in turns with the River keeps the River's priority
        batch = opened(scene, count, seed=seed)
        with variants.busy(batch, low) as ends:
            first = len(ends)
            meanwhile = river_times(scene, tokens, high)
            steps = len(ends) - first
        pace = {"stream_tokens_per_s": count * steps / sum(meanwhile.seconds)}
        rows.append(row("concurrent", count, meanwhile, alone) | pace)
        if scene.prism.decoder is not None:
            joint = one_batch(scene, count, seed=seed)
            variants.latencies(joint, WARM, high)
            together = TimeSpread(tuple(variants.latencies(joint, tokens, high)))
            rows.append(row("one batch", count, together, alone) | rate(count, together))
            del joint
        del batch, both
        tidy(device)
    again = river_times(scene, tokens, high)
    rows.append(row("alone, again", 0, again, alone))


def opened(scene: BenchSetting, count: int, *, seed: int) -> BenchStreams:
    """Return so many streams over the landmarks, each with a random task."""
    tasks = shape.random_tasks(count, TASK, scene.prism.spec.vocab_size, seed=seed)
    return variants.seat(scene, variants.LANDMARKS, tasks)


def one_batch(scene: BenchSetting, streams: int, *, seed: int) -> BenchStreams:
    """Return a batch whose agent 0 is a River over its whole cache; the others see landmarks."""
    batch = StreamBatch(
        scene.prism,
        scene.snapshot,
        slots=streams + 1,
        capacity=scene.own,
        lead=scene.context.store.share(),
    )
    tasks = shape.random_tasks(streams + 1, TASK, scene.prism.spec.vocab_size, seed=seed)
    return BenchStreams(batch, tasks.tolist(), own=scene.own)


@dataclass(frozen=True, slots=True)
class Both:
    """The River's step and the streams', one after the other."""

    main: Runs
    batch: Runs

    def run(self, steps: int) -> None:
        """Let the River go first."""
        self.main.run(steps)
        self.batch.run(steps)


def rate(streams: int, found: TimeSpread) -> dict[str, Any]:
    """Return the streams' tokens per second when each takes one token per River token."""
    return {"stream_tokens_per_s": streams * len(found.seconds) / sum(found.seconds)}


def row(name: str, streams: int, found: TimeSpread, alone: TimeSpread) -> dict[str, Any]:
    """Return one line of a table: the River's token times, and how much longer than alone."""
    return {
        "lanes": name,
        "streams": streams,
        "p50_ms": 1e3 * found.median,
        "p95_ms": 1e3 * found.quantile(0.95),
        "p50_times_alone": found.median / alone.median,
        "p95_times_alone": found.quantile(0.95) / alone.quantile(0.95),
        "spread": found.relative,
        "tokens": len(found.seconds),
    }


NOTE = (
    "Seconds from asking for a River token to having it. The River writes with Context.write over "
    "its whole cache, streams see 64 landmarks and take StreamBatch's steps: what a run takes. "
    "cooperative: one step of the streams after each River token. concurrent: the streams in a "
    "thread of their own, as fast as they can. Streams that have used up their room read new "
    "tasks, which p95 shows. one batch: the River as a row of the streams' batch, which no run "
    "does. spread: (90 % - 10 % quantile) / median over the tokens."
)
