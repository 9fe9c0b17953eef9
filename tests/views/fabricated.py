"""Runs made up for tests: the engine's events in an order it could have emitted them, without a
model.
"""

import random
from collections.abc import Iterator

import numpy as np
from warp_cortex import (
    Event,
    Finish,
    GateDecision,
    Influence,
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

PLACES = ("cellar", "mill", "chapel", "barn", "ferry house", "orchard", "smithy", "granary")
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
PEOPLE = ("Alma", "Corin", "Hedda", "Ilse", "Joren", "Maren", "Odo", "Runa")
PROSE = (
    "The rain held off until noon, and {p} walked the north field twice.",
    "{p} put the {t} in the {q} before the market opened.",
    "Nobody had seen the ferry since Thursday, so {p} asked at the {q}.",
    "Late in the evening {p} wrote that the {t} was still where it had been.",
)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>window.pwned=1</script>",
    "\x1b[31mred\x1b[0m",
    "\u202egnirts desrever\u202c",
    "lone \ud800 surrogate",
    "nul\x00bell\x07",
    "{{7*7}} ${window.pwned=1} `x`",
    "ligature \ufb01, combining e\u0301\u0302\u0303, emoji \U0001f469\u200d\U0001f52c",
)
WEIGHTS, KV_PER_TOKEN = 13_400_000, 12_288


def pieces(text: str) -> list[str]:
    """Cut a text into tokens of about four characters whose concatenation is the text."""
    out: list[str] = []
    for word in text.replace(" ", "\x1f ").split("\x1f"):
        out.extend(word[i : i + 5] for i in range(0, len(word), 5))
    return [piece for piece in out if piece]


class Fabricator:
    """Writes one run; the same arguments give the same events."""

    def __init__(
        self, *, seed: int, num_streams: int, num_tokens: int, theta: float, extra: tuple[str, ...]
    ) -> None:
        self.rng = random.Random(seed)
        self.seed, self.num_streams, self.num_tokens, self.theta = (
            seed,
            num_streams,
            num_tokens,
            theta,
        )
        self.extra = extra
        self.text = ""
        self.step = 0
        self.version = self.injection = self.stream = 0
        self.thinking: dict[int, list[str]] = {}
        self.said: dict[int, list[str]] = {}
        self.tasks: dict[int, str] = {}

    def sentence(self) -> str:
        """Return one line of a village's logbook."""
        r = self.rng
        return r.choice(PROSE).format(p=r.choice(PEOPLE), t=r.choice(THINGS), q=r.choice(PLACES))

    def run(self) -> Iterator[Event]:
        """Yield the run's events."""
        yield self._start()
        yield self._memory()
        due = [
            round((i + 0.5) * self.num_tokens / max(self.num_streams, 1))
            for i in range(self.num_streams)
        ]
        # a crowd: many streams from one trigger, thinking at the same time
        self.together = self.num_streams >= 50
        if self.together:
            due = [4 + 4 * (i // 25) for i in range(0, self.num_streams, 25)]
        queue: list[str] = []
        for written in range(self.num_tokens):
            due_now = sum(at == written for at in due)
            for _ in range(due_now):
                yield from self._trigger(queue)
            if not queue:
                queue = pieces(" " + self.sentence() + ("\n" if self.rng.random() < 0.3 else ""))
            yield self._token(queue.pop(0))
            yield from self._think()
            if written % 8 == 7:
                yield self._memory()
        while self.thinking:
            yield from self._think()
        yield Finish(step=self.step, stream=None, reason="max_tokens")
        yield self._memory()

    def _start(self) -> Event:
        prompt = (
            "Logbook of the village of Thornby.\n"
            + " ".join(self.sentence() for _ in range(12))
            + "\n\n"
        )
        self.text, tokens = prompt, pieces(prompt)
        self.step = len(tokens)
        config = {
            "seed": self.seed,
            "gate": {"theta": self.theta, "scorer": "centred"},
            "river": {"max_tokens": self.num_tokens},
            "synapse": {"k": 32, "policy": "hybrid", "alpha": 0.3},
        }
        return RunStart(
            step=0,
            model="fabricated",
            checksum="0" * 64,
            prompt=prompt,
            prompt_tokens=tokens,
            seed=self.seed,
            config=config,
            versions={"warpviz": "0"},
        )

    def _token(self, text: str) -> Event:
        self.step += 1
        self.text += text
        return Token(step=self.step, id=self.step % 999, text=text, position=self.step - 1)

    def _trigger(self, queue: list[str]) -> Iterator[Event]:
        r = self.rng
        task = f"where is the {r.choice(THINGS)} that {r.choice(PEOPLE)} left"
        odd = self.extra[self.stream % len(self.extra)] if self.extra else ""
        start = len(self.text) + 1
        for piece in pieces(f" [TASK: {task}{odd}]"):
            yield self._token(piece)
            yield from self._think()
        self.version += 1
        marks = sorted({*range(4), *r.sample(range(self.step), min(28, self.step))})
        yield Publish(
            step=self.step,
            version=self.version,
            policy="hybrid",
            landmarks=marks,
            ranking=marks,
            radius=1.5,
            shared_bytes=len(marks) * KV_PER_TOKEN,
        )
        for _ in range(min(25, self.num_streams - self.stream) if self.together else 1):
            yield from self._spawn(f"{task}{odd}", odd, start, marks)
        queue.clear()

    def _spawn(self, task: str, odd: str, start: int, marks: list[int]) -> Iterator[Event]:
        r = self.rng
        stream, self.stream = self.stream, self.stream + 1
        yield Spawn(
            step=self.step,
            stream=stream,
            task=task,
            kind="task",
            trigger=(start, len(self.text)),
            version=self.version,
            focus=marks[4:8],
        )
        where = f"{r.choice(THINGS)} is in the {r.choice(PLACES)}{odd}"
        thought = f" the {where}, {r.choice(PEOPLE)} wrote at noon"
        most = r.randint(40, 90) if self.together else r.randint(6, 24)
        self.thinking[stream] = pieces(thought * (4 if self.together else 1))[:most]
        self.said[stream], self.tasks[stream] = [], task

    def _think(self) -> Iterator[Event]:
        for stream in list(self.thinking):
            rest = self.thinking[stream]
            piece = rest.pop(0)
            self.said[stream].append(piece)
            position = self.step + len(self.said[stream]) - 1
            yield StreamToken(
                step=self.step, stream=stream, id=len(piece), text=piece, position=position
            )
            if not rest:
                del self.thinking[stream]
                yield from self._judge(stream)

    def _judge(self, stream: int) -> Iterator[Event]:
        text = "".join(self.said[stream])
        count = len(self.said[stream])
        yield Thought(
            step=self.step, stream=stream, text=text, num_tokens=count, reason="stop", vector=stream
        )
        good = self.rng.random() < 0.6
        centred = max(-1.0, min(1.0, self.rng.gauss(0.62 if good else 0.22, 0.16)))
        values = {
            "raw": min(1.0, 0.86 + centred * 0.1),
            "centred": centred,
            "standardised": centred * 0.9 - 0.04,
        }
        accepted = centred >= self.theta
        yield GateDecision(
            step=self.step,
            stream=stream,
            accepted=accepted,
            similarity=centred,
            threshold=self.theta,
            scorer="centred",
            similarities=values,
        )
        if accepted:
            positions = list(range(self.step, self.step + 8))
            yield Inject(
                step=self.step,
                injection=self.injection,
                stream=stream,
                text=f" [Ref:{text}]",
                positions=positions,
                anchor="next",
            )
            kl = [max(0.0, self.rng.gauss(0.9, 0.4)) * 0.75**i for i in range(12)]
            yield Influence(
                step=self.step,
                injection=self.injection,
                first_position=self.step,
                kl=kl,
                attention_mass=[value / 9 for value in kl],
            )
            self.injection += 1
        yield Finish(step=self.step, stream=stream, reason="accepted" if accepted else "rejected")

    def _memory(self) -> Event:
        own = sum(map(len, (self.said[s] for s in self.thinking)))
        shared = 32 * KV_PER_TOKEN * bool(self.version)
        return Memory(
            step=self.step,
            weights=WEIGHTS,
            river_kv=self.step * KV_PER_TOKEN,
            shared_kv=shared,
            private_kv=own * KV_PER_TOKEN,
            num_streams=len(self.thinking),
            evidence=self.step * 512,
        )


def fabricate(
    *,
    seed: int = 0,
    num_streams: int = 8,
    num_tokens: int = 240,
    theta: float = 0.45,
    hostile: bool = False,
) -> Trace:
    """Return a finished run; `hostile` puts HOSTILE strings into tasks, thoughts and the River's
    text.
    """
    extra = HOSTILE if hostile else ()
    maker = Fabricator(
        seed=seed, num_streams=num_streams, num_tokens=num_tokens, theta=theta, extra=extra
    )
    trace = Trace(events=list(maker.run()))
    trace.arrays["hidden"] = (
        np.random.default_rng(seed).normal(size=(maker.step, 8)).astype(np.float16)
    )
    return trace


def labels_of(trace: Trace) -> dict[int, bool]:
    """Return a made-up label per judged stream that mostly agrees with the similarity."""
    rng = random.Random(1)
    return {d.stream: (d.similarity > 0.45) ^ (rng.random() < 0.12) for d in trace.of(GateDecision)}
