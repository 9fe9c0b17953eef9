"""Everything that can happen in a run, as frozen events. Only the standard library is imported
here.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened at River step `step`: the number of visible tokens in the River's
    text so far.
    """

    type: ClassVar[str] = "event"
    step: int
    time_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart(Event):
    """The header of a run: what was run on what, with which settings."""

    type: ClassVar[str] = "run"
    model: str
    checksum: str
    prompt: str
    prompt_tokens: list[str]
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Event):
    """The River wrote one visible token."""

    type: ClassVar[str] = "token"
    id: int
    text: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Event):
    """The Synapse published snapshot `version`: `landmarks` are sorted positions of the River's
    visible tokens.

    radius: the cover radius; where `slack` is above 0 not every token was considered, and it is an
    upper bound.
    """

    type: ClassVar[str] = "publish"
    version: int
    policy: str
    landmarks: list[int]
    ranking: list[int]
    radius: float
    shared_bytes: int
    slack: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn(Event):
    """The Router opened a stream for `task`; `trigger` is the character span that fired in the
    River's text.
    """

    type: ClassVar[str] = "spawn"
    stream: int
    task: str
    kind: str
    trigger: tuple[int, int]
    version: int
    focus: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamToken(Event):
    """A stream thought one token."""

    type: ClassVar[str] = "stream_token"
    stream: int
    id: int
    text: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought(Event):
    """A stream finished its thought; `vector` names the row of the npz array `thoughts`."""

    type: ClassVar[str] = "thought"
    stream: int
    text: str
    num_tokens: int
    reason: str
    vector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision(Event):
    """The Gate judged a thought; `similarities` holds every scorer's value, so theta can be
    re-decided later.
    """

    type: ClassVar[str] = "gate"
    stream: int
    accepted: bool
    similarity: float
    threshold: float
    scorer: str
    similarities: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inject(Event):
    """An accepted thought entered the River's cache at virtual `positions`."""

    type: ClassVar[str] = "inject"
    injection: int
    stream: int
    text: str
    positions: list[int]
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke(Event):
    """An injected thought was taken out of the River's cache again."""

    type: ClassVar[str] = "revoke"
    injection: int
    rebuilt_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence(Event):
    """KL (nats) between the River's next-token distributions with and without an injection, per
    visible token.
    """

    type: ClassVar[str] = "influence"
    injection: int
    first_position: int
    kl: list[float]
    attention_mass: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Event):
    """Bytes actually held, by owner; `evidence` is what landmarks are chosen from, beside the
    cache.
    """

    type: ClassVar[str] = "memory"
    weights: int
    river_kv: int
    shared_kv: int
    private_kv: int
    num_streams: int
    evidence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure(Event):
    """Something failed; `stream` is None when it was the River. The run goes on unless it was."""

    type: ClassVar[str] = "error"
    stream: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Event):
    """An agent closed: a stream, or the River when `stream` is None."""

    type: ClassVar[str] = "finish"
    stream: int | None
    reason: str


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunStart,
        Token,
        Publish,
        Spawn,
        StreamToken,
        Thought,
        GateDecision,
        Inject,
        Revoke,
        Influence,
        Memory,
        Failure,
        Finish,
    )
}
