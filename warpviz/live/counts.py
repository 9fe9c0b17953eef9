"""The part of a run's state that is not a prefix of a column: live streams, and counts."""

from dataclasses import dataclass, field, replace

from warp_cortex import Event, Failure, Finish, GateDecision, Inject, Revoke, Spawn, StreamToken


@dataclass(slots=True)
class Counts:
    """Counts of events, and the streams that are alive, in the order in which they were spawned."""

    spawned: int = 0
    accepted: int = 0
    rejected: int = 0
    injected: int = 0
    revoked: int = 0
    failed: int = 0
    stream_tokens: int = 0
    alive: dict[int, None] = field(default_factory=dict)

    def copy(self) -> "Counts":
        """Return an independent copy."""
        return replace(self, alive=dict(self.alive))

    def apply(self, event: Event) -> None:
        """Count one event."""
        match event:
            case StreamToken():
                self.stream_tokens += 1
            case Spawn():
                self.spawned += 1
                self.alive[event.stream] = None
            case GateDecision():
                self.accepted += event.accepted
                self.rejected += not event.accepted
                self.alive.pop(event.stream, None)
            case Inject():
                self.injected += 1
            case Revoke():
                self.revoked += 1
            case Failure():
                self.failed += 1
                self._close(event.stream)
            case Finish():
                self._close(event.stream)

    def _close(self, stream: int | None) -> None:
        if stream is not None:
            self.alive.pop(stream, None)
