"""The stream lane: it opens streams, steps every batch once and returns what happened to them."""

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import torch
from torch import Generator

from warp_cortex.agents.backend import StepOutcome
from warp_cortex.agents.sampling import BROKEN, choose_all
from warp_cortex.agents.scheduler import plan_step
from warp_cortex.agents.streams import Stream, StreamBatch
from warp_cortex.cache.store import SharedKV
from warp_cortex.config import StreamConfig
from warp_cortex.model.detokenize import Detokenizer
from warp_cortex.model.forward_pass import Pass
from warp_cortex.prism import Prism
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.voice.profiles import settle_streams

TOGETHER = 256  # at most so many agents read their tasks in one pass, and have logits at once
REMEMBERED = 2**14  # pairs of tokens whose text is kept: streams of one run write much the same


@dataclass(slots=True)
class _Seat:
    """A stream that waits or thinks, and the objects it needs until it ends."""

    stream: Stream
    snapshot: Snapshot
    focus: SharedKV | None
    detokenizer: Detokenizer
    generator: Generator | None
    ready: torch.cuda.Event | None  # recorded behind the writes of all it reads; None on a CPU


class LocalRunner:
    """All streams of one engine; a `step` is one batched pass per snapshot version in use.

    `open` may be called from another thread than `step`, and any thread may read the properties.
    Only the thread that steps may use `batches` (one per snapshot version). stop_ids: ids that end
    a thought.
    """

    def __init__(self, prism: Prism, config: StreamConfig, *, seed: int = 0) -> None:
        self.prism = prism
        self.config = config = settle_streams(config, prism.voice)
        assert config.stop is not None  # settled
        assert config.max_tokens is not None
        self._stops = config.stop
        self._most_tokens = config.max_tokens
        self._seed = seed
        self._inbox: deque[_Seat] = deque()
        self._waiting: deque[int] = deque()
        self._seats: dict[int, _Seat] = {}
        self.batches: dict[int, StreamBatch] = {}
        self.stop_ids = prism.stop_ids
        self._decoded = lru_cache(REMEMBERED)(lambda ids: prism.decode(list(ids)))

    @property
    def is_idle(self) -> bool:
        """Whether no stream waits or thinks."""
        return not self._seats and not self._inbox

    @property
    def num_active(self) -> int:
        """Streams in a slot."""
        return sum(len(batch.agents) for batch in list(self.batches.values()))

    @property
    def private_bytes(self) -> int:
        """Bytes of all private entries: of all slots, and of the waiting streams' landmarks."""
        seats = [*self._inbox, *list(self._seats.values())]
        waiting = sum(seat.focus.num_bytes for seat in seats if seat.focus is not None)
        return waiting + sum(batch.slots.num_bytes for batch in list(self.batches.values()))

    @property
    def snapshots(self) -> list[Snapshot]:
        """The snapshots that waiting or thinking streams read, in version order."""
        seats = [*self._inbox, *list(self._seats.values())]
        found = {seat.snapshot.version: seat.snapshot for seat in seats}
        return [found[version] for version in sorted(found)]

    def open(self, stream: Stream, snapshot: Snapshot, *, focus: SharedKV | None = None) -> None:
        """Queue a stream; it gets a slot in the order of opening."""
        generator = None
        # seeded by stream, so that its thought does not depend on its neighbours
        if self.config.temperature > 0:
            generator = Generator().manual_seed(self._seed * 1_000_003 + stream.id)
        detokenizer = Detokenizer(lambda ids: self._decoded(tuple(ids)))
        self._inbox.append(
            _Seat(stream, snapshot, focus, detokenizer, generator, _marked(self.prism.device))
        )

    def step(self) -> list[StepOutcome]:
        """Advance every active batch by one token, admit streams to free slots, return outcomes."""
        while self._inbox:
            seat = self._inbox.popleft()
            self._seats[seat.stream.id] = seat
            self._waiting.append(seat.stream.id)
        front = islice(self._waiting, self.config.slots)
        waiting = [(stream, self._seats[stream].snapshot.version) for stream in front]
        active = {version: len(batch.agents) for version, batch in self.batches.items()}
        decision = plan_step(waiting, active, slots=self.config.slots)
        outcomes: list[StepOutcome] = []
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
        """End all streams that wait or think; return them."""
        open_streams = [seat.stream for seat in [*self._seats.values(), *self._inbox]]
        for stream in open_streams:
            stream.reason = reason
        for held in (self._inbox, self._waiting):
            held.clear()
        self._seats.clear()
        self.batches.clear()
        return open_streams

    def _admit(self, version: int, streams: tuple[int, ...]) -> list[StepOutcome]:
        seats = [self._seats[stream] for stream in streams]
        last = self.prism.spec.max_positions - seats[0].snapshot.step
        if long := tuple(seat.stream.id for seat in seats if len(seat.stream.prompt) > last):
            error = ValueError(
                f"its task does not fit before the model's last position, {last} tokens away"
            )
            fit = tuple(stream for stream in streams if stream not in long)
            return self._fail(long, error) + (self._admit(version, fit) if fit else [])
        try:
            batch = self._batch(version, seats)
        except RuntimeError as error:  # out of memory: only these streams end
            return self._fail(streams, error)
        parts = [streams[at : at + TOGETHER] for at in range(0, len(streams), TOGETHER)]
        return [outcome for part in parts for outcome in self._begin(batch, part)]

    def _begin(self, batch: StreamBatch, streams: tuple[int, ...]) -> list[StepOutcome]:
        """Read the tasks of some streams and choose their first tokens."""
        seats = [self._seats[stream] for stream in streams]
        first = len(batch.agents)
        for seat in seats:
            if seat.ready is not None:
                seat.ready.wait()
        try:
            out = batch.admit(
                list(streams),
                [seat.stream.prompt for seat in seats],
                [seat.focus for seat in seats],
            )
            tokens = self._chosen(out, seats)
        except (RuntimeError, ValueError) as error:  # out of memory: only these streams end
            for slot in reversed(range(first, len(batch.agents))):
                batch.release(slot)
            return self._fail(streams, error)
        for seat in seats:
            seat.focus = None  # its entries are in the slot now
        return self._settle(batch, tokens, first)

    def _batch(self, version: int, seats: list[_Seat]) -> StreamBatch:
        """Return the batch of a snapshot's streams, with room for these and their thoughts."""
        longest = (
            max(len(seat.stream.prompt) + len(seat.stream.focus) for seat in seats)
            + self._most_tokens
        )
        if version not in self.batches:
            batch = StreamBatch(self.prism, seats[0].snapshot, slots=len(seats), capacity=longest)
            self.batches[version] = batch
        batch = self.batches[version]
        batch.slots.reserve(slots=len(batch.agents) + len(seats), capacity=longest)
        return batch

    def _advance(self, version: int) -> list[StepOutcome]:
        batch = self.batches[version]
        seats = [self._seats[agent] for agent in batch.agents]
        last = torch.tensor([seat.stream.ids[-1] for seat in seats], device=self.prism.device)
        try:
            tokens = self._chosen(batch.step(last), seats)
        # the batch's private entries can no longer be trusted
        except (RuntimeError, ValueError) as error:
            return self._fail(tuple(self.batches.pop(version).agents), error)
        return self._settle(batch, tokens, 0)

    def _chosen(self, out: Pass, seats: list[_Seat]) -> list[int]:
        generators = [seat.generator for seat in seats]
        return choose_all(
            out.blocks(TOGETHER), temperature=self.config.temperature, generators=generators
        )

    def _settle(self, batch: StreamBatch, tokens: list[int], first: int) -> list[StepOutcome]:
        """Give every row from `first` on its token; free the slots of streams that have ended."""
        outcomes: list[StepOutcome] = []
        ended = []
        for row, (agent, token) in enumerate(zip(batch.agents[first:], tokens, strict=True), first):
            seat = self._seats[agent]
            stream = seat.stream
            if token == BROKEN:
                stream.reason = "error"
                outcomes.append(StepOutcome(stream, error="its logits are not finite"))
            else:
                self._take(seat, token, batch, row, outcomes)
            if stream.reason is not None:
                ended.append(row)
        for slot in reversed(ended):  # from the back: the last agent moves into a freed slot
            del self._seats[batch.agents[slot]]
            batch.release(slot)
        return outcomes

    def _take(
        self, seat: _Seat, token: int, batch: StreamBatch, slot: int, outcomes: list[StepOutcome]
    ) -> None:
        """Add a token to a stream's thought, and what came of it to `outcomes`."""
        stream = seat.stream
        if token in self.stop_ids:
            stream.reason = "end"
            outcomes.append(StepOutcome(stream, state=batch.state(slot)))
            return
        piece = seat.detokenizer.push(token)
        stream.ids.append(token)
        stream.text += piece
        outcomes.append(StepOutcome(stream, token, len(stream.ids) - 1, piece))
        if found := [at for stop in self._stops if (at := stream.text.find(stop)) >= 0]:
            stream.text = stream.text[: min(found)]
            stream.reason = "stop text"
        elif len(stream.ids) >= self._most_tokens:
            stream.reason = "budget"
        elif not batch.can_step(slot):
            stream.reason = "model positions"
        if stream.reason is not None:
            outcomes.append(StepOutcome(stream, state=batch.state(slot)))

    def _fail(self, streams: tuple[int, ...], error: Exception) -> list[StepOutcome]:
        """End the streams whose pass raised."""
        outcomes = []
        for agent in streams:
            stream = self._seats.pop(agent).stream
            stream.reason = "error"
            outcomes.append(
                StepOutcome(
                    stream, error=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
                )
            )
        return outcomes


def _marked(device: torch.device) -> torch.cuda.Event | None:
    """Return an event recorded on the current CUDA stream; None on other devices.

    Lanes have CUDA streams of their own: a snapshot is handed over on the host while the device may
    still be copying it.
    """
    if device.type != "cuda":
        return None
    event = torch.cuda.Event()  # type: ignore[no-untyped-call] # torch's own gap
    event.record()
    return event
