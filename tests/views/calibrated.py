"""A made-up run as a gate that calibrates itself would have recorded it."""

import random
from dataclasses import replace

from warp_cortex import Calibration, Event, Finish, GateDecision, Inject, RunStart, Spawn, Trace


def measured(trace: Trace, *, theta: float = 0.05) -> Trace:
    """Return the run as a gate that calibrates itself would have recorded it.

    The scorer is a likelihood, a tenth of the similarity above 0. Stream 1 repeats its task, which
    nothing judged.
    """
    rng = random.Random(0)
    null = {
        "likelihood": sorted(round(rng.random() * 0.06, 6) for _ in range(40)),
        "centred": sorted(round(rng.random() * 0.4, 6) for _ in range(40)),
    }
    skipped = (GateDecision, Inject)
    kept = [e for e in trace.events if not (isinstance(e, skipped) and e.stream == 1)]
    start, *rest = [_measured(event, theta) for event in kept]
    calibration = Calibration(
        step=start.step, scorer="likelihood", theta=theta, share=0.05, similarities=null
    )
    return Trace(events=[start, calibration, *rest], arrays=trace.arrays)


def _measured(event: Event, theta: float) -> Event:
    match event:
        case RunStart():
            config = {**event.config, "gate": {"theta": "auto"}, "voice": {"name": "chat"}}
            return replace(event, config=config)
        case Finish(stream=1):
            return replace(event, reason="repeats its task")
        case Spawn():
            return replace(event, kind="uncertain", why="entropy 4.03 nats")
        case GateDecision():
            value = max(0.0, event.similarity / 10)
            return replace(
                event,
                accepted=value >= theta,
                similarity=value,
                threshold=theta,
                scorer="likelihood",
                similarities={**event.similarities, "likelihood": value},
            )
        case _:
            return event
