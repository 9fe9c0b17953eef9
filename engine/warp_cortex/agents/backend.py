"""Where streams think, here or elsewhere: what a run asks of it, and what it is told."""

from dataclasses import dataclass
from typing import Protocol

from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import StreamConfig
from warp_cortex.prism import Prism
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step did to one stream: a token, or its end with the state the Gate judges, or an
    error.
    """

    stream: Stream
    token: int | None = None
    index: int = 0  # of the token in the thought
    piece: str = ""
    state: GateState | None = None
    error: str | None = None


class StreamRunner(Protocol):
    """What a run needs of whoever lets its streams think, here or elsewhere."""

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits or thinks."""

    @property
    def num_active(self) -> int:
        """Streams that are thinking."""

    @property
    def private_bytes(self) -> int:
        """Bytes of private entries on this machine."""

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots somebody still reads."""

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Queue a stream."""

    def step(self) -> list[StepOutcome]:
        """Return what has happened to the streams since the last call."""

    def close(self, reason: str) -> list[Stream]:
        """End everybody who still waits or thinks; return them."""


class StreamBackend(Protocol):
    """Where streams think; `RayStreams` is one."""

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> StreamRunner:
        """Return a lane for one run."""
