"""Samples of a run over time: bytes by owner, streams by state, tokens of River and streams."""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from warp_cortex import Event, Failure, GateDecision, Memory, Spawn, StreamToken, Token

from warpviz.live.timeline import Timeline

RATE_WINDOW_S = 0.5
CHANGES = (Spawn, GateDecision, Failure)  # after these, other streams are in other states


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRow:
    """A row of the paper's capacity table: Qwen2.5-0.5B-Instruct, fp16, RTX 4090 with 24 GB.

    Source: arXiv 2601.01298v1.
    """

    agents: int
    total_gb: float
    per_agent: str


PAPER = (
    PaperRow(agents=1, total_gb=0.93, per_agent=""),
    PaperRow(agents=10, total_gb=1.05, per_agent="about 12 MB"),
    PaperRow(agents=50, total_gb=1.44, per_agent="about 10 MB"),
    PaperRow(agents=100, total_gb=2.22, per_agent="about 13 MB"),
)
PAPER_SETTING = "the paper's figures: Qwen2.5-0.5B-Instruct, fp16, RTX 4090"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouncilSample:
    """A moment of the run: bytes held by owner as last reported, streams by state, tokens so far.

    `reported` is true if the bytes were measured at this moment; else only the streams changed.
    """

    beat: int
    step: int
    reported: bool
    weights_bytes: int
    river_kv_bytes: int
    shared_kv_bytes: int
    private_kv_bytes: int
    evidence_bytes: int
    thinking: int
    accepted: int
    rejected: int
    failed: int
    river_tokens: int
    stream_tokens: int

    @property
    def total_bytes(self) -> int:
        """Return all bytes held."""
        shared = self.weights_bytes + self.river_kv_bytes + self.shared_kv_bytes
        return shared + self.private_kv_bytes + self.evidence_bytes


FIELDS = tuple(CouncilSample.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Rate:
    """Tokens per second of the River and of all streams together, `at_s` seconds into the run."""

    at_s: float
    river: float
    streams: float


class CouncilHistory:
    """Samples a run whenever memory is reported or a stream opens or closes, and measures rates.

    Rates come from the events' times; while a run without times is live, from `clock`.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.timeline = Timeline()
        self.samples: list[CouncilSample] = []
        self.rates: list[Rate] = []
        self._clock = clock
        self._begun: float | None = None
        self._since: float | None = None
        self._counted = [0, 0]
        self._memory = Memory(
            step=0, weights=0, river_kv=0, shared_kv=0, private_kv=0, num_streams=0
        )

    def read(self, events: Sequence[Event], *, live: bool) -> None:
        """Add more of the run; `live` if its events come as they happen."""
        now = self._clock() if live else None
        for event in events:
            self.timeline.append(event)
            self._count(event)
            if event.time_s is not None or now is not None:
                self._measure(event.time_s if event.time_s is not None else now)
            if isinstance(event, Memory):
                self.report(event)
            elif isinstance(event, CHANGES):
                self.samples.append(self._sample(event.step, reported=False))
        if now is not None and not events:
            self._measure(now)

    def report(self, memory: Memory) -> None:
        """Add what is held now: a Memory event of the run, or one asked of the engine meanwhile."""
        self._memory = memory
        self.samples.append(self._sample(memory.step, reported=True))

    def _count(self, event: Event) -> None:
        if isinstance(event, Token):
            self._counted[0] += 1
        elif isinstance(event, StreamToken):
            self._counted[1] += 1

    def _measure(self, now: float | None) -> None:
        """Add a rate if at least RATE_WINDOW_S seconds have passed since the last one."""
        if now is None:
            return
        if self._begun is None or self._since is None:
            self._begun = self._since = now
            self._counted = [0, 0]
            return
        elapsed = now - self._since
        if elapsed < RATE_WINDOW_S:
            return
        river, streams = self._counted
        self.rates.append(Rate(now - self._begun, river / elapsed, streams / elapsed))
        self._since = now
        self._counted = [0, 0]

    def _sample(self, step: int, *, reported: bool) -> CouncilSample:
        line = self.timeline
        memory = self._memory
        counts = line.counts
        return CouncilSample(
            beat=line.beats[-1] if line.beats else 0,
            step=step,
            reported=reported,
            weights_bytes=memory.weights,
            river_kv_bytes=memory.river_kv,
            shared_kv_bytes=memory.shared_kv,
            private_kv_bytes=memory.private_kv,
            evidence_bytes=memory.evidence,
            thinking=len(counts.alive),
            accepted=counts.accepted,
            rejected=counts.rejected,
            failed=counts.failed,
            river_tokens=len(line.tokens),
            stream_tokens=counts.stream_tokens,
        )

    @property
    def peak(self) -> CouncilSample | None:
        """Return the report of the most bytes; None before the first."""
        reports = [sample for sample in self.samples if sample.reported]
        return max(reports, key=lambda sample: sample.total_bytes, default=None)

    @property
    def busiest(self) -> CouncilSample | None:
        """Return the report with the most streams thinking; None before the first."""
        return max(
            (sample for sample in self.samples if sample.reported),
            key=lambda s: s.thinking,
            default=None,
        )


def table(samples: Sequence[CouncilSample]) -> NDArray[np.float32]:
    """Return samples as float32 [S, len(FIELDS)], bytes rounded to the 24 bits a float32 holds."""
    return np.array([astuple(sample) for sample in samples], dtype=np.float32).reshape(
        -1, len(FIELDS)
    )
