"""New cache entries of a running engine, copied between its events for a cloud that grows."""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from warp_cortex import (
    Event,
    Inject,
    Publish,
    Spawn,
    StreamToken,
    Token,
    injected_entries,
    text_entries,
)

MOST_ENTRIES = 20_000  # of streams and thoughts: more points would cover each other in a cloud


@dataclass(frozen=True, slots=True)
class StreamEntries:
    """Cache entries of one kind: `held` (keys, values, positions), tokens, a line `about` them."""

    kind: str
    about: str
    tokens: tuple[str, ...]
    held: Any


class EntryTap:
    """A tap of an EngineThread that collects new entries; `take`, from any thread, returns them.

    `base` is the context after the prompt was read, None before. `num_dropped` counts entries that
    were dropped because more than MOST_ENTRIES cannot be shown.
    """

    def __init__(self, cortex: Any) -> None:
        self.cortex = cortex
        self.base: Any = None
        self.num_dropped = 0
        self._queue: deque[StreamEntries] = deque()
        self._next = 0
        self._num_kept = 0
        self._pieces: dict[int, list[str]] = {}  # stream -> tokens of its task, then of its thought
        self._known: dict[int, int] = {}
        self._stepped: set[int] = set()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Copy the entries that came with this event."""
        match event:
            case Publish() if self.base is None:
                self.base = self.cortex.context.fork()
                self._next = self.base.num_tokens
            case Token():
                self._written()
                self._thought()
                self._stepped.clear()
            case Spawn():
                prism = self.cortex.prism
                self._pieces[event.stream] = list(prism.pieces(prism.encode(self._asked(event))))
            case StreamToken():
                if event.stream in self._stepped:  # another round without a River token
                    self._thought()
                    self._stepped.clear()
                self._stepped.add(event.stream)
                self._pieces.setdefault(event.stream, []).append(event.text)
            case Inject():
                self._injected(event)

    def take(self) -> list[StreamEntries]:
        """Return the entries since the last call, those of one kind and owner put together."""
        with self._lock:
            fresh = list(self._queue)
            self._queue.clear()
        return merged(fresh)

    def _asked(self, event: Spawn) -> str:
        """Return what a stream read for its task, as `Run.asked` does."""
        config = self.cortex.config
        plain = self.cortex.prism.without_special_tokens(event.task)
        if config.streams.prompt is not None:
            return str(config.streams.prompt.format(task=plain))
        return str(config.voice.ask(plain, event.kind))

    def _written(self) -> None:
        context = self.cortex.context
        held = text_entries(context, first=self._next)
        tokens = tuple(context.tokens[position] for position in held.positions.tolist())
        self._next = context.num_tokens
        if tokens:
            with self._lock:
                self._queue.append(StreamEntries("written", "", tokens, held))

    def _thought(self) -> None:
        for stream, held in self.cortex.own_entries(self._known).items():
            known = self._known.get(stream, 0)
            pieces = self._pieces.get(stream, [])[known : known + held.num_entries]
            self._known[stream] = known + held.num_entries
            self._keep("stream", f"stream {stream}, its own entry", pieces, held)

    def _injected(self, event: Inject) -> None:
        held = injected_entries(self.cortex.context)[event.injection]
        pieces = self.cortex.prism.pieces(self.cortex.prism.encode(event.text))
        self._keep("injected", f"thought of stream {event.stream}, injected", pieces, held)

    def _keep(self, kind: str, about: str, pieces: Iterable[str], held: Any) -> None:
        tokens = tuple(pieces)
        if not tokens or len(tokens) != held.num_entries:
            return
        if self._num_kept + len(tokens) > MOST_ENTRIES:
            self.num_dropped += len(tokens)
            return
        self._num_kept += len(tokens)
        with self._lock:
            self._queue.append(StreamEntries(kind, about, tokens, held))


def merged(found: Iterable[StreamEntries]) -> list[StreamEntries]:
    """Return entries with those of one kind and owner put together, ordered by their first."""
    groups: dict[tuple[str, str], list[StreamEntries]] = {}
    for item in found:
        groups.setdefault((item.kind, item.about), []).append(item)
    return [_joined(items) for items in groups.values()]


def _joined(items: list[StreamEntries]) -> StreamEntries:
    if len(items) == 1:
        return items[0]
    import torch

    held = [item.held for item in items]
    whole = replace(
        held[0],
        keys=torch.cat([part.keys for part in held], 2),
        values=torch.cat([part.values for part in held], 2),
        positions=torch.cat([part.positions for part in held]),
    )
    return replace(
        items[0], tokens=tuple(token for item in items for token in item.tokens), held=whole
    )
