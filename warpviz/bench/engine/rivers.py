"""How long the River waits for a token while streams think: one after the other, beside each other,
or in one batch.
"""

from dataclasses import dataclass
from typing import Any

from warp_cortex.agents.stepper import Room, Stepper

from warpviz.bench.engine import shape, variants
from warpviz.bench.engine.capacity import TASK
from warpviz.bench.engine.variants import BenchSetting, Runs
from warpviz.bench.harness.timing import TimeSpread, tidy


def lane_rows(
    rows: list[dict[str, Any]], scene: BenchSetting, *, streams: list[int], tokens: int, seed: int
) -> None:
    """Fill one row per number of streams and way of sharing the device; `tokens` tokens each."""
    device = scene.prism.device
    high = variants.lane(device, high=True)
    low = variants.lane(device)
    main = variants.river(scene, tokens=tokens, stream=high)
    variants.latencies(main, 3, high)
    alone = TimeSpread(tuple(variants.latencies(main, tokens, high)))
    rows.append(row("alone", 0, alone, alone))
    for count in streams:
        if (reason := variants.lacking(scene, variants.LANDMARKS, count)) is not None:
            rows.append({"streams": count, "skipped": reason})
            continue
        stepper = variants.seat(
            scene,
            variants.LANDMARKS,
            shape.random_tasks(count, TASK, scene.prism.spec.vocab_size, seed=seed),
        )
        if device.type == "cuda":
            stepper.capture(low)
        in_turn = TimeSpread(tuple(variants.latencies(Both(main, stepper), tokens, high)))
        rows.append(row("one after the other", count, in_turn, alone) | rate(count, in_turn))
        with variants.busy(stepper, low) as ends:
            beside = TimeSpread(tuple(variants.latencies(main, tokens, high)))
            steps = len(ends)
        pace = {"stream_tokens_per_s": count * steps / sum(beside.seconds)}
        rows.append(row("two lanes, River first", count, beside, alone) | pace)
        del stepper
        tidy(device)
        joint = one_batch(scene, count, seed=seed)
        if device.type == "cuda":
            joint.capture(high)
        variants.latencies(joint, 3, high)
        together = TimeSpread(tuple(variants.latencies(joint, tokens, high)))
        rows.append(row("one batch", count, together, alone) | rate(count, together))
        del joint
        tidy(device)
    again = TimeSpread(tuple(variants.latencies(main, tokens, high)))
    rows.append(row("alone, again", 0, again, alone))


def one_batch(scene: BenchSetting, streams: int, *, seed: int) -> Stepper:
    """Return a batch whose agent 0 is the River, over its whole cache, and whose others are streams
    over landmarks.
    """
    room = Room(agents=streams + 1, capacity=scene.own)
    whole = scene.context.store.share()
    stepper = Stepper(scene.prism, room, shared=scene.snapshot.kv, base=scene.base, lead=whole)
    tasks = shape.random_tasks(streams + 1, TASK, scene.prism.spec.vocab_size, seed=seed)
    stepper.seat(tasks.to(scene.prism.device))
    return stepper


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
    """Return the streams' tokens per second when each of the River's tokens comes with one of each
    of theirs.
    """
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
