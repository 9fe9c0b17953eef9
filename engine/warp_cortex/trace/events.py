"""Everything that can happen in a run, as frozen events. Imports the standard library only."""

from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened in a run.

    step: the number of visible tokens in the River's text when it happened. time_s: seconds since
    the start of a concurrent run; None in a cooperative one.
    """

    type: ClassVar[str] = "event"
    step: int
    time_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStart(Event):
    """The header of a run: the model, the prompt, the settings and the versions used.

    labels: names of the prompt's special tokens, which add no text, by their place in it.
    threads: of torch's arithmetic, whose number can change the last bits; None if unknown.
    """

    type: ClassVar[str] = "run"
    model: str
    checksum: str
    prompt: str
    prompt_tokens: list[str]
    seed: int
    config: dict[str, Any]
    versions: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    threads: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token(Event):
    """The River wrote one visible token."""

    type: ClassVar[str] = "token"
    id: int
    text: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish(Event):
    """The Synapse published snapshot `version`.

    landmarks: sorted positions of the River's visible tokens. radius: the cover radius; an upper
    bound if `slack` is above 0, because then not every token was considered.
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
    """The Router opened a stream for `task`.

    trigger: the span of characters in the River's text that named the task. why: what made it
    fire, where the text alone does not say so.
    """

    type: ClassVar[str] = "spawn"
    stream: int
    task: str
    kind: str
    trigger: tuple[int, int]
    version: int
    focus: list[int] = field(default_factory=list)
    why: str = ""


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
    """The Gate judged a thought.

    similarities: every scorer's value, so that another threshold can be tried on the trace alone.
    """

    type: ClassVar[str] = "gate"
    stream: int
    accepted: bool
    similarity: float
    threshold: float
    scorer: str
    similarities: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration(Event):
    """The Gate measured its threshold on thoughts that do not belong to the text.

    similarities: of these strangers under every scorer, sorted. theta: what a thought needs from
    here on under `scorer`, so that no more than the share `share` of the strangers would pass.
    own: the likelihood of the text's own sentences, sorted, where the scorer is "likelihood".
    """

    type: ClassVar[str] = "calibration"
    scorer: str
    theta: float
    share: float
    similarities: dict[str, list[float]]
    own: list[float] = field(default_factory=list)


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
    """What an injection changed, measured per visible token since.

    kl: KL divergence (nats) between the River's next-token distributions with and without it.
    attention_mass: attention that the token pays to the injected entries.
    """

    type: ClassVar[str] = "influence"
    injection: int
    first_position: int
    kl: list[float]
    attention_mass: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Event):
    """Bytes held, by owner.

    evidence: what landmarks are chosen from: queries, middle states, coresets.
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
    """A stream failed, or the River if `stream` is None; only the River's failure ends the run."""

    type: ClassVar[str] = "error"
    stream: int | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish(Event):
    """An agent closed: a stream, or the River if `stream` is None."""

    type: ClassVar[str] = "finish"
    stream: int | None
    reason: str


EVENT_TYPES: dict[str, type[Event]] = {
    cls.type: cls
    for cls in (
        RunStart,
        Token,
        Publish,
        Calibration,
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
