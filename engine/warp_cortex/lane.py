"""The stream lane: opens streams, steps every batch once, and says what came of it."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Generator, Tensor

from warp_cortex.config import StreamConfig
from warp_cortex.detokenize import Detokenizer
from warp_cortex.gate import GateState
from warp_cortex.kv import SharedKV
from warp_cortex.prism import Prism
from warp_cortex.sampling import choose
from warp_cortex.scheduler import decide
from warp_cortex.streams import Stream, StreamBatch
from warp_cortex.synapse import Snapshot

BROKEN = -1  # in place of a token: logits that are not finite


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one step did to one stream: a token, or its end with the state the Gate judges, or an error."""

    stream: Stream
    token: int | None = None
    index: int = 0  # of the token in the thought
    piece: str = ""
    state: GateState | None = None
    error: str | None = None


class Lane(Protocol):
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

    def step(self) -> list[Outcome]:
        """Return what has happened to the streams since the last call."""

    def close(self, reason: str) -> list[Stream]:
        """End everybody who still waits or thinks; return them."""


class StreamPlace(Protocol):
    """Where streams think; `RayStreams` is one."""

    def connect(self, prism: Prism, config: StreamConfig, *, seed: int) -> Lane:
        """Return a lane for one run."""


@dataclass(slots=True)
class _Seat:
    """What a stream needs only while it waits or thinks."""

    stream: Stream
    snapshot: Snapshot
    focus: SharedKV | None
    detokenizer: Detokenizer
    generator: Generator | None


class StreamLane:
    """All streams of one engine. One `step` is one batched forward pass per snapshot version in use.

    `open` may be called from another thread than `step`; the properties are readings any thread may take. `batches`, by
    snapshot version, are for the thread that steps.
    """

    def __init__(self, prism: Prism, config: StreamConfig, *, seed: int = 0) -> None:
        self.prism, self.config, self._seed = prism, config, seed
        self._inbox: deque[_Seat] = deque()
        self._waiting: deque[int] = deque()
        self._seats: dict[int, _Seat] = {}
        self.batches: dict[int, StreamBatch] = {}
        self._stop_ids = prism.stop_ids

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits or thinks."""
        return not self._seats and not self._inbox

    @property
    def num_active(self) -> int:
        """Streams in a slot."""
        return sum(len(batch.agents) for batch in list(self.batches.values()))

    @property
    def private_bytes(self) -> int:
        """Bytes of all private entries, free slots and the focus landmarks of streams that wait included."""
        seats = [*self._inbox, *list(self._seats.values())]
        waiting = sum(seat.focus.num_bytes for seat in seats if seat.focus is not None)
        return waiting + sum(batch.slots.num_bytes for batch in list(self.batches.values()))

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots somebody still reads, in version order."""
        seats = [*self._inbox, *list(self._seats.values())]
        found = {seat.snapshot.version: seat.snapshot for seat in seats}
        return [found[version] for version in sorted(found)]

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Queue a stream; it gets a slot in the order of opening."""
        generator = None
        if self.config.temperature > 0:  # seeded by stream, so that its thought does not depend on its neighbours
            generator = Generator().manual_seed(self._seed * 1_000_003 + stream.id)
        self._inbox.append(_Seat(stream, snapshot, focus, Detokenizer(self.prism.decode), generator))

    def step(self) -> list[Outcome]:
        """Admit who fits, advance every batch that was active by one token, and return what happened."""
        while self._inbox:
            seat = self._inbox.popleft()
            self._seats[seat.stream.id] = seat
            self._waiting.append(seat.stream.id)
        waiting = [(stream, self._seats[stream].snapshot.version) for stream in self._waiting]
        active = {version: len(batch.agents) for version, batch in self.batches.items()}
        decision = decide(waiting, active, slots=self.config.slots)
        outcomes: list[Outcome] = []
        for version in decision.advance:
            outcomes += self._advance(version)
        for version, streams in decision.admit:
            for _ in streams:
                self._waiting.popleft()
            outcomes += self._admit(version, streams)
        for version in [version for version, batch in self.batches.items() if not batch.agents]:
            del self.batches[version]
        return outcomes

    def close(self, reason: str) -> list[Stream]:
        """End everybody who still waits or thinks; return them."""
        open_streams = [seat.stream for seat in [*self._seats.values(), *self._inbox]]
        for stream in open_streams:
            stream.reason = reason
        for held in (self._inbox, self._waiting):
            held.clear()
        self._seats.clear()
        self.batches.clear()
        return open_streams

    def _admit(self, version: int, streams: tuple[int, ...]) -> list[Outcome]:
        seats = [self._seats[stream] for stream in streams]
        last = self.prism.spec.max_positions - seats[0].snapshot.step
        if long := tuple(seat.stream.id for seat in seats if len(seat.stream.prompt) > last):
            error = ValueError(f"its task does not fit before the model's last position, {last} tokens away")
            fit = tuple(stream for stream in streams if stream not in long)
            return self._fail(long, error) + (self._admit(version, fit) if fit else [])
        first = 0
        try:
            batch = self._batch(version, seats)
            first = len(batch.agents)
            logits = batch.admit(list(streams), [seat.stream.prompt for seat in seats], [seat.focus for seat in seats])
        except (RuntimeError, ValueError) as error:  # out of memory: these streams end, nobody else
            self._take_back(version, first)
            return self._fail(streams, error)
        for seat in seats:
            seat.focus = None  # its entries are in the slot now
        return self._settle(batch, logits, first)

    def _take_back(self, version: int, first: int) -> None:
        """Free the slots from `first` on, of a batch that may not exist because there was no memory for it."""
        batch = self.batches.get(version)
        if batch is not None:
            for slot in reversed(range(first, len(batch.agents))):
                batch.release(slot)

    def _batch(self, version: int, seats: list[_Seat]) -> StreamBatch:
        if version not in self.batches:
            longest = max(len(seat.stream.prompt) + len(seat.stream.focus) for seat in seats) + self.config.max_tokens
            batch = StreamBatch(self.prism, seats[0].snapshot, slots=len(seats), capacity=longest)
            self.batches[version] = batch
        return self.batches[version]

    def _advance(self, version: int) -> list[Outcome]:
        batch = self.batches[version]
        last = [self._seats[agent].stream.ids[-1] for agent in batch.agents]
        try:
            logits = batch.step(torch.tensor(last, device=self.prism.device))
        except (RuntimeError, ValueError) as error:  # the batch's private entries can no longer be trusted
            return self._fail(tuple(self.batches.pop(version).agents), error)
        return self._settle(batch, logits, 0)

    def _settle(self, batch: StreamBatch, logits: Tensor, first: int) -> list[Outcome]:
        """Choose a token for every row, end who is done, and free their slots from the back."""
        finite = torch.isfinite(logits).all(-1)
        greedy = torch.where(finite, logits.argmax(-1), BROKEN).tolist()  # one answer from the device per step
        outcomes, ended = [], []
        for row, agent in enumerate(batch.agents[first:]):
            seat = self._seats[agent]
            token = greedy[row]
            if self.config.temperature > 0 and token != BROKEN:
                token = choose(logits[row], temperature=self.config.temperature, generator=seat.generator)
            if token == BROKEN:
                seat.stream.reason = "error"
                outcomes.append(Outcome(seat.stream, error="its logits are not finite"))
            else:
                outcomes += self._take(seat, token, batch, first + row)
            if not seat.stream.is_open:
                ended.append(first + row)
        for slot in reversed(ended):
            del self._seats[batch.agents[slot]]
            batch.release(slot)
        return outcomes

    def _take(self, seat: _Seat, token: int, batch: StreamBatch, slot: int) -> list[Outcome]:
        stream = seat.stream
        if token in self._stop_ids:
            stream.reason = "end"
            return [Outcome(stream, state=batch.state(slot))]
        piece = seat.detokenizer.push(token)
        stream.ids.append(token)
        stream.text += piece
        outcomes = [Outcome(stream, token=token, index=len(stream.ids) - 1, piece=piece)]
        cut = min((at for at in map(stream.text.find, self.config.stop) if at >= 0), default=-1)
        if cut >= 0:
            stream.text, stream.reason = stream.text[:cut], "stop text"
        elif len(stream.ids) >= self.config.max_tokens:
            stream.reason = "budget"
        elif not batch.can_step(slot):
            stream.reason = "model positions"
        if not stream.is_open:
            outcomes.append(Outcome(stream, state=batch.state(slot)))
        return outcomes

    def _fail(self, streams: tuple[int, ...], error: Exception) -> list[Outcome]:
        """End the streams whose pass raised."""
        outcomes = []
        for agent in streams:
            stream = self._seats.pop(agent).stream
            stream.reason = "error"
            outcomes.append(Outcome(stream, error=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"))
        return outcomes
