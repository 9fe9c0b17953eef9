"""Choose the gate's default threshold: `python -m warpviz.village.evaluate.gating --json`.

The River reads held-out documents and asks its own tasks; streams think over the default landmarks.
Every thought is right, says that nothing is known, or is wrong; every right one is also compared
with the other triggers of its run, as a thought about another subject. Nothing is injected, so that
all thoughts see the same River.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from warp_cortex import (
    Cortex,
    CortexConfig,
    GateConfig,
    GateDecision,
    InjectionConfig,
    Prism,
    RiverConfig,
    Spawn,
    Thought,
    area,
    best_theta,
    confusion,
    roc,
)

from warpviz.village.evaluate.report import finish, interval
from warpviz.village.world import protocol
from warpviz.village.world.scene import Kind, Scene, scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from warp_cortex import Trace

LENGTHS = (256, 512, 1024)
KINDS: tuple[Kind, ...] = ("any", "two", "any", "unknown")
PAPER_THETA = 0.5
WRITTEN = 160  # tokens per run: room for three or four tasks


@dataclass(frozen=True, slots=True)
class LabelledThought:
    """One thought against one trigger: its label, and its similarities by scorer."""

    label: str
    is_two_hop: bool
    similarities: dict[str, float]


def finished_run(prism: Prism, where: Scene) -> Cortex:
    """Run over a scene and return the finished Cortex.

    Every thought is judged and accepted, and none is injected.
    """
    config = CortexConfig(
        river=RiverConfig(max_tokens=WRITTEN, temperature=0.0),
        gate=GateConfig(theta=-1.0),
        injection=InjectionConfig(enabled=False),
    )
    cortex = Cortex(prism, config)
    for _ in cortex.run(where.prompt):
        pass
    return cortex


def labelled(trace: Trace, where: Scene) -> Iterator[tuple[GateDecision, str, bool]]:
    """Yield the decision on every thought of a run, its label and whether it takes two hops.

    Labels: "right", "nothing" (it says that nothing is known), "wrong".
    """
    right = {
        found.task.removeprefix(" [TASK: ").removesuffix("]"): found
        for found in (where.asked, *where.others)
    }
    thoughts = {event.stream: event.text for event in trace.of(Thought)}
    tasks = {event.stream: event.task for event in trace.of(Spawn)}
    for decision in trace.of(GateDecision):
        text = thoughts[decision.stream]
        item = right.get(tasks[decision.stream])
        label = "wrong"
        if text == protocol.NOTHING.strip():
            label = "nothing"
        elif item is not None and item.evidence and text == item.thought.strip():
            label = "right"
        yield decision, label, item is not None and item.question.two_hop


def judged(prism: Prism, where: Scene) -> Iterator[LabelledThought]:
    """Yield every thought of one run, and its right thoughts against other subjects' triggers."""
    cortex = finished_run(prism, where)
    thoughts = {event.stream: event for event in cortex.trace.of(Thought)}
    spawns = {event.stream: event for event in cortex.trace.of(Spawn)}
    good = []
    for decision, label, two_hop in labelled(cortex.trace, where):
        if label == "right":
            good.append(decision.stream)
        yield LabelledThought(label, two_hop, dict(decision.similarities))
    for stream in good:
        for other in good:
            if spawns[stream].task != spawns[other].task:
                score = _centred(cortex, thoughts[stream], spawns[other])
                yield LabelledThought(
                    "other subject", is_two_hop=False, similarities={"centred": score}
                )


def scenes(prism: Prism, worlds: int, seed: int) -> Iterator[Scene]:
    """Yield the held-out worlds, of three lengths and three kinds of question in turn."""
    for index in range(worlds):
        size = LENGTHS[index % len(LENGTHS)]
        kind = KINDS[index % len(KINDS)]
        yield scene(seed + index, size, lambda text: len(prism.encode(text)), kind=kind)


def _centred(cortex: Cortex, thought: Thought, spawn: Spawn) -> float:
    """Return the centred similarity of a thought with another stream's trigger.

    Computed as the gate does it.
    """
    assert cortex.context is not None
    hidden = cortex.trace.arrays["hidden"].astype(np.float64)
    ends = np.cumsum([len(token) for token in cortex.context.tokens])
    first = int(np.searchsorted(ends, spawn.trigger[0], side="right"))
    stop = int(np.searchsorted(ends, spawn.trigger[1], side="left")) + 1
    mean = hidden[: thought.step].mean(0)
    one = hidden[first:stop].mean(0) - mean
    two = cortex.trace.arrays["thoughts"][thought.vector] - mean
    return float(one @ two / np.linalg.norm(one) / np.linalg.norm(two))


def table(found: list[LabelledThought]) -> dict[str, object]:
    """Return the spread by label, the area under each scorer's ROC curve, and some thresholds."""
    centred = {
        label: _values(found, label) for label in ("right", "nothing", "wrong", "other subject")
    }
    bad = np.concatenate([centred["nothing"], centred["other subject"]])
    values = np.concatenate([centred["right"], bad])
    labels = np.arange(len(values)) < len(centred["right"])
    theta = best_theta(values, labels)
    thresholds = [_at(values, labels, at) for at in (theta, 0.3, 0.35, 0.4, 0.45, PAPER_THETA)]
    areas = {}
    for scorer in found[0].similarities:
        pair = [
            [one.similarities[scorer] for one in found if one.label == label]
            for label in ("right", "nothing")
        ]
        areas[scorer] = round(
            area(roc(pair[0] + pair[1], [True] * len(pair[0]) + [False] * len(pair[1]))), 4
        )
    return {
        "theta_youden": round(theta, 4),
        "thresholds": thresholds,
        "right_accepted_two_hop": {f"{at:.4f}": _two_hop(found, at) for at in (theta, PAPER_THETA)},
        "wrong_accepted": {
            f"{at:.4f}": _share(centred["wrong"], at) for at in (theta, PAPER_THETA)
        },
        "nothing_accepted": {
            f"{at:.4f}": _share(centred["nothing"], at) for at in (theta, PAPER_THETA)
        },
        "other_subject_accepted": {
            f"{at:.4f}": _share(centred["other subject"], at) for at in (theta, PAPER_THETA)
        },
        "area_right_against_nothing": areas,
        "area_centred_right_against_all_bad": round(area(roc(values, labels)), 4),
        "centred": {label: _spread(these) for label, these in centred.items()},
    }


def _values(found: list[LabelledThought], label: str) -> NDArray[np.float64]:
    return np.array(
        [one.similarities["centred"] for one in found if one.label == label], dtype=np.float64
    )


def _at(values: NDArray[np.float64], labels: NDArray[np.bool_], theta: float) -> dict[str, float]:
    counts = confusion(values, labels, theta=theta)
    return {
        "theta": round(theta, 4),
        "recall": round(counts.recall, 4),
        "precision": round(counts.precision, 4),
        "youden": round(counts.youden, 4),
    }


def _two_hop(found: list[LabelledThought], theta: float) -> dict[str, object]:
    these = [
        one.similarities["centred"] >= theta
        for one in found
        if one.label == "right" and one.is_two_hop
    ]
    return interval(sum(these), len(these))


def _share(values: NDArray[np.float64], theta: float) -> dict[str, object]:
    return interval(int((values >= theta).sum()), len(values))


def _spread(values: NDArray[np.float64]) -> dict[str, object]:
    if not len(values):
        return {"n": 0}
    quantiles = np.quantile(values, [0.05, 0.5, 0.95]).round(4).tolist()
    return {"n": len(values), "p05": quantiles[0], "median": quantiles[1], "p95": quantiles[2]}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m warpviz.village.evaluate.gating", description=__doc__
    )
    parser.add_argument("--model", default="village")
    parser.add_argument("--worlds", type=int, default=120, help="runs, of up to 160 tokens each")
    parser.add_argument("--seed", type=int, default=0, help="first world")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    got = parser.parse_args(arguments)
    prism = Prism.load(got.model)

    found = [one for where in scenes(prism, got.worlds, got.seed) for one in judged(prism, where)]
    finish(
        {"worlds": got.worlds, "seed": got.seed, "theta_paper": PAPER_THETA, **table(found)},
        prism,
        as_json=got.json,
    )


if __name__ == "__main__":
    main()
