"""Inputs of the front end's benchmark: a text, a run of judged thoughts, a metronome engine.

The text and the runs are made up from a seed; the views cannot tell them from an engine's.
"""

import random
import threading
import time
from collections.abc import Iterator

from warp_cortex import (
    Event,
    Finish,
    GateDecision,
    Inject,
    Memory,
    Publish,
    RunStart,
    Spawn,
    StreamToken,
    Thought,
    Token,
    Trace,
)

PEOPLE = ("Alma", "Corin", "Hedda", "Ilse", "Joren", "Maren", "Odo", "Runa")
THINGS = (
    "brass key",
    "red box",
    "tithe book",
    "lantern",
    "silver spoon",
    "rope",
    "seed map",
    "church bell",
)
PLACES = ("cellar", "mill", "chapel", "barn", "ferry house", "orchard", "smithy", "granary")
SCORERS = ("centred", "raw", "standardised")
THETA = 0.45
SHARE_GOOD = 0.5
KV_BYTES = 4096  # of a token of the village model
LANDMARKS = 64
TOKENS_OF_A_THOUGHT = 40


def village_text(sentences: int, *, seed: int) -> str:
    """Return a logbook of `sentences` sentences, one a line."""
    r = random.Random(seed)  # noqa: S311 -- text, not secrets
    lines = (
        f"{r.choice(PEOPLE)} put the {r.choice(THINGS)} in the {r.choice(PLACES)}."
        for _ in range(sentences)
    )
    return "\n".join(lines)


def judged(thoughts: int, *, seed: int) -> tuple[Trace, dict[int, bool]]:
    """Return a finished run of `thoughts` judged thoughts, and by stream whether each is good."""
    r = random.Random(seed)  # noqa: S311 -- text, not secrets
    trace = Trace()
    labels = {}
    trace.append(_start(seed))
    for stream in range(thoughts):
        task = f"where is the {r.choice(THINGS)}"
        good = r.random() < SHARE_GOOD
        text = f" {r.choice(PEOPLE)} put it in the {r.choice(PLACES)}"
        trace.append(
            Spawn(step=1, stream=stream, task=task, kind="task", trigger=(0, 5), version=1)
        )
        for event in _verdict(stream, text, r.gauss(0.6 if good else 0.25, 0.18)):
            trace.append(event)
        labels[stream] = good
    return trace, labels


def _start(seed: int) -> RunStart:
    prompt = ["Logbook", " of", " the", " village", ".", "\n"]
    config = {"gate": {"theta": THETA, "scorer": "centred"}, "synapse": {"k": LANDMARKS}}
    return RunStart(
        step=0,
        model="made up",
        checksum="0" * 16,
        prompt="".join(prompt),
        prompt_tokens=prompt,
        seed=seed,
        config=config,
        versions={},
    )


def _verdict(stream: int, text: str, similarity: float, step: int = 1) -> Iterator[Event]:
    value = max(-1.0, min(1.0, similarity))
    values = {
        "centred": value,
        "raw": min(1.0, 0.86 + value * 0.1),
        "standardised": value * 0.9 - 0.04,
    }
    yield Thought(
        step=step,
        stream=stream,
        text=text,
        num_tokens=len(text.split()),
        reason="stop",
        vector=stream,
    )
    yield GateDecision(
        step=step,
        stream=stream,
        accepted=value >= THETA,
        similarity=value,
        threshold=THETA,
        scorer=SCORERS[0],
        similarities=values,
    )


class MetronomeCortex:
    """An engine that plays a made-up run at `beats_hz`.

    Every beat has one River token and one token of every stream. There are always `streams` of
    them: one that has thought 40 tokens is judged, injected if accepted, and replaced. `clock`
    holds the wall-clock seconds at which each beat was emitted. Honours stop and pause, like any
    engine.
    """

    def __init__(self, streams: int, *, beats_hz: float, seed: int) -> None:
        self.trace = Trace()
        self.theta = THETA
        self.clock: list[float] = []
        self._streams = streams
        self._period_s = 1 / beats_hz
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 -- text, not secrets
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()

    def run(self, prompt: str) -> Iterator[Event]:
        """Yield the run's events until stopped; `prompt` is not read."""
        del prompt
        yield self.trace.append(_start(self._seed))
        begun = time.monotonic()
        step = 6
        said = dict.fromkeys(range(self._streams), 0)
        for stream in said:  # out of step with one another, as they would be
            said[stream] = self._random.randrange(TOKENS_OF_A_THOUGHT)
        yield from map(self.trace.append, self._open(step, list(said)))
        while not self._stop.wait(
            max(0.0, begun + len(self.clock) * self._period_s - time.monotonic())
        ):
            self._go.wait()
            step += 1
            self.clock.append(time.time())
            yield from map(self.trace.append, self._beat(step, said))
        yield self.trace.append(Finish(step=step, stream=None, reason="stopped"))

    def _beat(self, step: int, said: dict[int, int]) -> Iterator[Event]:
        r = self._random
        yield Token(step=step, id=step % 999, text=f" {r.choice(PEOPLE)}", position=step - 1)
        for stream in list(said):
            said[stream] += 1
            yield StreamToken(
                step=step, stream=stream, id=7, text=f" {r.choice(PLACES)}", position=step
            )
            if said[stream] >= TOKENS_OF_A_THOUGHT:
                del said[stream]
                yield from self._close(step, stream)
                fresh = stream + self._streams
                said[fresh] = 0
                yield from self._open(step, [fresh])
        if step % 8 == 0:
            held = sum(said.values()) * KV_BYTES
            yield Memory(
                step=step,
                weights=5_000_000,
                river_kv=step * KV_BYTES,
                shared_kv=LANDMARKS * KV_BYTES,
                private_kv=held,
                num_streams=len(said),
            )

    def _open(self, step: int, streams: list[int]) -> Iterator[Event]:
        marks = sorted(self._random.sample(range(step), min(LANDMARKS, step)))
        yield Publish(
            step=step,
            version=step,
            policy="hybrid",
            landmarks=marks,
            ranking=marks,
            radius=1.0,
            shared_bytes=len(marks) * KV_BYTES,
        )
        for stream in streams:
            task = f"where is the {self._random.choice(THINGS)}"
            yield Spawn(
                step=step, stream=stream, task=task, kind="task", trigger=(0, 7), version=step
            )

    def _close(self, step: int, stream: int) -> Iterator[Event]:
        text = f" {self._random.choice(PEOPLE)} put it in the {self._random.choice(PLACES)}"
        yield from _verdict(stream, text, self._random.gauss(0.45, 0.2), step)
        last = self.trace.events[-1]
        passed = isinstance(last, GateDecision) and last.accepted
        if passed:
            yield Inject(
                step=step,
                injection=stream,
                stream=stream,
                text=f" [Ref:{text}]",
                positions=list(range(step, step + 8)),
                anchor="next",
            )
        yield Finish(step=step, stream=stream, reason="accepted" if passed else "rejected")

    def stop(self) -> None:
        """End at the next beat."""
        self._stop.set()

    def pause(self) -> None:
        """Hold before the next beat."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()
