"""Judges a run's thoughts at another theta, from the trace alone, and compares with labels."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import warp_cortex
from numpy.typing import NDArray
from warp_cortex import Calibration, Event, GateDecision, RunStart, Spawn, Thought, Trace

UNJUDGED = -1.0
Floats = NDArray[np.float64]
Labels = Mapping[int, bool] | Sequence[Mapping[int, bool]] | Callable[[str, str], bool | None]
"""Which thoughts are good: {stream: label}, one such mapping per run, or f(task, thought)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejudged:
    """A thought that a gate judged: every scorer's similarity, the verdict, a label or None."""

    run: int
    seed: int
    stream: int
    step: int
    task: str
    thought: str
    similarities: dict[str, float]
    scorer: str
    threshold: float
    accepted: bool
    label: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOutcome:
    """What a threshold does: counts, and rates over labelled thoughts, None where undefined."""

    theta: float
    num_accepted: int
    num_rejected: int
    num_labelled: int
    precision: float | None
    recall: float | None
    false_positive_rate: float | None


def judged_thoughts(traces: Iterable[Trace], labels: Labels | None = None) -> list[Rejudged]:
    """Return every judged thought of the runs, in order; `labels` say which are good.

    Raises:
        ValueError: `labels` is a list of another length than the runs.
    """
    runs = list(traces)
    if isinstance(labels, Sequence) and len(labels) != len(runs):
        msg = f"labels has {len(labels)} mappings for {len(runs)} runs; one per run is needed"
        raise ValueError(msg)
    return [
        judged
        for number, trace in enumerate(runs)
        for judged in Judge(number, labels).read(trace.replay())
    ]


class Judge:
    """Collects the judged thoughts of one run as its events come."""

    def __init__(self, run: int = 0, labels: Labels | None = None) -> None:
        self.run = run
        self.seed = 0
        self.measured: Calibration | None = None  # the latest threshold that the gate measured
        self._labels = labels
        self._tasks: dict[int, str] = {}
        self._thoughts: dict[int, str] = {}

    def read(self, events: Iterable[Event]) -> list[Rejudged]:
        """Return the thoughts that these further events judged."""
        judged = []
        for event in events:
            match event:
                case RunStart():
                    self.seed = event.seed
                case Calibration():
                    self.measured = event
                case Spawn():
                    self._tasks[event.stream] = event.task
                case Thought():
                    self._thoughts[event.stream] = event.text
                case GateDecision():
                    judged.append(self._judged(event))
        return judged

    def _judged(self, event: GateDecision) -> Rejudged:
        task = self._tasks.get(event.stream, "")
        thought = self._thoughts.get(event.stream, "")
        return Rejudged(
            run=self.run,
            seed=self.seed,
            stream=event.stream,
            step=event.step,
            task=task,
            thought=thought,
            similarities={**event.similarities, event.scorer: event.similarity},
            scorer=event.scorer,
            threshold=event.threshold,
            accepted=event.accepted,
            label=_label(self._labels, self.run, event.stream, task, thought),
        )


def _label(labels: Labels | None, run: int, stream: int, task: str, thought: str) -> bool | None:
    if labels is None:
        return None
    if callable(labels):
        return labels(task, thought)
    mapping = labels[run] if isinstance(labels, Sequence) else labels
    return mapping.get(stream)


def similarities(thoughts: Sequence[Rejudged], scorer: str) -> Floats:
    """Return similarities under one scorer, float64 [F]; NaN where a thought has none."""
    return np.array(
        [thought.similarities.get(scorer, np.nan) for thought in thoughts], dtype=np.float64
    )


def scorers(thoughts: Sequence[Rejudged]) -> list[str]:
    """Return the scorers that judged a thought, the one that decided most often first."""
    used = [thought.scorer for thought in thoughts]
    known = {name for thought in thoughts for name in thought.similarities}
    return sorted(known, key=lambda name: (-used.count(name), name))


def decide(values: Floats, theta: float) -> NDArray[np.bool_]:
    """Return which similarities [F] the engine's gate accepts, bool [F].

    One of at least theta is accepted, but never NaN or UNJUDGED.
    """
    return np.asarray((values >= theta) & (values > UNJUDGED))


def outcome(values: Floats, labels: Sequence[bool | None], theta: float) -> GateOutcome:
    """Return what `theta` does to thoughts with these similarities [F] and labels [F]."""
    passed = decide(values, theta)
    known = np.array([label is not None for label in labels], dtype=bool)
    good = np.array([label is True for label in labels], dtype=bool)
    hits = int((passed & good).sum())
    return GateOutcome(
        theta=theta,
        num_accepted=int(passed.sum()),
        num_rejected=int((~passed).sum()),
        num_labelled=int(known.sum()),
        precision=_ratio(hits, int((passed & known).sum())),
        recall=_ratio(hits, int(good.sum())),
        false_positive_rate=_ratio(int((passed & known & ~good).sum()), int((known & ~good).sum())),
    )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def roc(values: Floats, labels: Sequence[bool | None]) -> warp_cortex.Roc | None:
    """Return the curve over labelled thoughts with a similarity; None if all are good, or none.

    Equal similarities share a point: a scorer that gives each thought the same value has area 1/2.
    """
    kept = [
        (v, label)
        for v, label in zip(values, labels, strict=True)
        if label is not None and np.isfinite(v)
    ]
    truth = [label for _, label in kept]
    if all(truth) or not any(truth):
        return None
    return warp_cortex.roc([value for value, _ in kept], truth)
