"""What is known of one stream, each fact with the index of the event that brought it."""

from bisect import bisect_left
from dataclasses import dataclass, field
from enum import StrEnum

NEVER = 1 << 53
"""An event index no run reaches; the largest whole number a browser holds exactly."""


class Phase(StrEnum):
    """Where a stream is in its life."""

    UNBORN = "unborn"
    THINKING = "thinking"
    THOUGHT = "thought"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    INJECTED = "injected"
    REVOKED = "revoked"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(slots=True)
class StreamCard:
    """A stream's facts; `*_at` are event indices, NEVER when the event has not come."""

    stream: int
    task: str = ""
    kind: str = ""
    why: str = ""
    trigger: tuple[int, int] = (0, 0)
    version: int = -1
    focus: list[int] = field(default_factory=list)
    spawned_at: int = NEVER
    token_at: list[int] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    thought_at: int = NEVER
    thought: str = ""
    reason: str = ""
    gated_at: int = NEVER
    accepted: bool = False
    similarity: float = float("nan")
    threshold: float = float("nan")
    scorer: str = ""
    injected_at: int = NEVER
    injection: int = -1
    revoked_at: int = NEVER
    failed_at: int = NEVER
    failure: str = ""
    finished_at: int = NEVER
    finish_reason: str = ""

    def num_tokens(self, cursor: int) -> int:
        """Return how many tokens the stream had thought before event `cursor`."""
        return bisect_left(self.token_at, cursor)

    def text(self, cursor: int) -> str:
        """Return the stream's thought if it came before event `cursor`, else its tokens so far."""
        if self.thought_at < cursor and self.thought:
            return self.thought
        return "".join(self.tokens[: self.num_tokens(cursor)])

    @property
    def end(self) -> str:
        """Why the stream is over: its failure, why its text was no thought, why it stopped."""
        is_none = self.gated_at == NEVER and self.thought_at != NEVER
        return self.failure or (self.finish_reason if is_none else "") or self.reason

    def phase(self, cursor: int) -> Phase:
        """Return the stream's phase when the first `cursor` events have happened."""
        if self.spawned_at >= cursor:
            return Phase.UNBORN
        late = (
            (self.revoked_at, Phase.REVOKED),
            (self.failed_at, Phase.FAILED),
            (self.injected_at, Phase.INJECTED),
            (self.gated_at, Phase.ACCEPTED if self.accepted else Phase.REJECTED),
            (self.finished_at, Phase.CLOSED),
            (self.thought_at, Phase.THOUGHT),
        )
        return next((phase for at, phase in late if at < cursor), Phase.THINKING)
