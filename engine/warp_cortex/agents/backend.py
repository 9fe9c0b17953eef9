"""The interfaces between a run and the place its streams think, in this process or another."""

from dataclasses import dataclass
from typing import Protocol

from warp_cortex.agents.streams import Stream
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import StreamConfig
from warp_cortex.prism import Prism
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState


# not frozen: hundreds are made in a step, and freezing would double what they cost
@dataclass(slots=True)
class StepOutcome:
    """What one step did to one stream: a token; its end and the state the Gate judges; an error."""

    stream: Stream
    token: int | None = None
    index: int = 0  # of the token in the thought
    piece: str = ""
    state: GateState | None = None
    error: str | None = None


class StreamRunner(Protocol):
    """The streams of one run, in this process or another."""

    @property
    def is_idle(self) -> bool:
        """Whether no stream waits or thinks."""

    @property
    def num_active(self) -> int:
        """Streams that are thinking."""

    @property
    def private_bytes(self) -> int:
        """Bytes of private entries on this machine."""

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots that waiting or thinking streams read."""

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Queue a stream."""

    def step(self) -> list[StepOutcome]:
        """Return what has happened to the streams since the last call."""

    def close(self, reason: str) -> list[Stream]:
        """End all streams that wait or think; return them."""


class StreamBackend(Protocol):
    """A place where streams think, such as `ProcessStreams` or `RayStreams`."""

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> StreamRunner:
        """Return a runner for one run."""
