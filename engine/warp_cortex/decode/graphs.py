"""Decode steps recorded once and replayed: on CUDA as a graph, which is launched like one kernel.

A recording reads and writes storage that must stay where it is. The owner of the storage keeps the
recordings over it and drops them when it moves (`Entries.recorded`), so that none points to freed
memory. On other devices a recording does its work itself, in the same static shapes.
"""

import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from warp_cortex.attention.shared import Limits, Tap
from warp_cortex.cache.store import Entries
from warp_cortex.decode.decoder import Decoder

STRETCH = 256  # entries a lone sequence grows by until its step is recorded anew
SIZES = 4  # of batches per doubling: a batch is recorded for the next larger size
_RECORDING = threading.Lock()
_SIDES = threading.local()
# graphs whose capture failed, kept alive: torch's allocator of pinned memory points to them
_FAILED: list[torch.cuda.CUDAGraph] = []


class Recording:
    """Work over tensors that stay where they are, to be done again and again.

    pool: the memory that recordings share which never run at the same time. stream: the CUDA stream
    whose priority the graph's kernels take and keep, whatever stream replays the graph. The work is
    done once or twice while it is recorded. Work that cannot be recorded is done as it is, with a
    warning.
    """

    def __init__(
        self,
        work: Callable[[], None],
        device: torch.device,
        *,
        pool: Any = None,
        stream: torch.cuda.Stream | None = None,
    ) -> None:
        self._work = work
        self._graph: torch.cuda.CUDAGraph | None = None
        if device.type == "cuda":
            try:
                self._graph = _captured(work, device, pool, stream)
            except RuntimeError as error:
                reason = str(error).partition("\n")[0]
                warnings.warn(
                    f"a step could not be recorded and is taken kernel by kernel: {reason}",
                    stacklevel=2,
                )

    @property
    def is_graph(self) -> bool:
        """Whether it replays a graph: on CUDA, unless its work could not be recorded."""
        return self._graph is not None

    def run(self) -> None:
        """Do the work, on the current stream."""
        if self._graph is None:
            self._work()
        else:
            self._graph.replay()


class _Step:
    """One token for up to `rows` agents over one storage; inputs and outputs stay in place.

    Rows without an agent feed token 0 and write over the first entry of a free slot. The first run
    is not recorded: batches whose agents end one by one, and copies that read one token again,
    would pay for a recording they never replay.
    """

    def __init__(
        self, decoder: Decoder, entries: Entries, rows: int, *, tapped: bool, pool: Any = None
    ) -> None:
        device = entries.columns.device
        self.pool = (
            torch.cuda.graph_pool_handle() if pool is None and device.type == "cuda" else pool
        )
        self._decoder = decoder
        self._tap = self._keep if tapped else None
        self._tokens, self._positions, columns = torch.zeros(
            (3, rows), dtype=torch.long, device=device
        )
        self._entries = replace(entries, columns=columns, width=None, recorded={})
        self._queries: dict[int, Tensor] = {}
        self._recording: Recording | None = None
        self._has_run = False

    @property
    def is_graph(self) -> bool:
        """Whether its later runs replay a graph."""
        return self._recording is not None and self._recording.is_graph

    def run(
        self, tokens: Tensor, positions: Tensor, columns: Tensor, tap: Tap | None
    ) -> tuple[Tensor, Tensor]:
        """Return what `Decoder.states` returns, as copies: the next run writes over the outputs."""
        num = len(tokens)
        for inputs, given in (
            (self._tokens, tokens),
            (self._positions, positions),
            (self._entries.columns, columns),
        ):
            inputs[:num].copy_(given)
            inputs[num:] = 0
        if self._has_run and self._recording is None:
            self._recording = Recording(self._work, tokens.device, pool=self.pool)
        if self._recording is None:
            self._work()
        else:
            self._recording.run()
        self._has_run = True
        if tap is not None:
            for layer, query in self._queries.items():
                tap(layer, query[:num], Limits())
        return self._states[:num].clone(), self._middle[:num].clone()

    def _work(self) -> None:
        tables = self._decoder.tables(self._positions)
        self._states, self._middle = self._decoder.states(
            self._tokens, *tables, self._entries, tap=self._tap
        )

    def _keep(self, layer: int, query: Tensor, _: Limits) -> None:
        self._queries[layer] = query


class Key(NamedTuple):
    """What distinguishes the recordings over one storage.

    common: entries that all agents hold, read as one block. rows: agents, free rows included.
    shared: the address of the shared block, 0 without one. tapped: whether queries are kept.
    """

    common: int
    rows: int
    shared: int
    tapped: bool


@torch.inference_mode()
def states(
    decoder: Decoder, tokens: Tensor, positions: Tensor, entries: Entries, *, tap: Tap | None = None
) -> tuple[Tensor, Tensor]:
    """Return what `Decoder.states` returns for these tokens, int64 [B], by a recorded step.

    positions: int64 [B]. The division of a sequence's entries between those that a recording holds
    fixed and those that it looks up depends on their number alone, so that a text read again gives
    the same bits.
    """
    rows = size_for(len(tokens), most=entries.data.shape[2])
    common = entries.common // STRETCH * STRETCH
    known: dict[Key, _Step] = entries.recorded
    key = Key(
        common,
        rows,
        0 if entries.shared is None else entries.shared.keys.data_ptr(),
        tap is not None,
    )
    if key not in known:
        for old in [other for other in known if other.common != common]:
            del known[old]  # the sequence has grown past it
        pool = next((step.pool for step in known.values()), None)
        known[key] = _Step(
            decoder, replace(entries, common=common), rows, tapped=tap is not None, pool=pool
        )
    return known[key].run(tokens, positions, entries.columns, tap)


def size_for(agents: int, *, most: int) -> int:
    """Return the rows of the recording that takes so many agents' step, of `most` slots."""
    grain = 1 << max(0, (agents - 1).bit_length() - SIZES.bit_length())
    return min(most, -(-agents // grain) * grain)


def _captured(
    work: Callable[[], None], device: torch.device, pool: Any, stream: torch.cuda.Stream | None
) -> torch.cuda.CUDAGraph:
    """Record work as a CUDA graph, after doing it once.

    The first time compiles and allocates, which must not be recorded.
    """
    here = torch.cuda.current_stream(device)
    side = stream or _side(device, here.priority)
    pool = torch.cuda.graph_pool_handle() if pool is None else pool
    graph = torch.cuda.CUDAGraph()
    with _RECORDING:  # lanes have threads of their own
        side.wait_stream(here)
        with torch.cuda.stream(side):
            work()
        here.wait_stream(side)
        try:
            with torch.cuda.graph(graph, pool=pool, stream=side, capture_error_mode="thread_local"):
                work()
        # after Ctrl-C too, not only after an error of CUDA: stream and allocator are shared
        except BaseException:
            _abandon(graph, pool, here)
            raise
    return graph


def _abandon(graph: torch.cuda.CUDAGraph, pool: Any, here: torch.cuda.Stream) -> None:
    """Undo what torch (2.13) leaves after a failed capture: its stream, a recording allocator.

    Work given to that stream would overtake other work, and the next `empty_cache` of the process
    would raise.
    """
    torch.cuda.set_stream(here)
    with suppress(RuntimeError):  # it has ended already
        torch._C._cuda_endAllocateToPool(here.device_index, pool)  # noqa: SLF001 - no public way
    _FAILED.append(graph)


def _side(device: torch.device, priority: int) -> torch.cuda.Stream:
    """Return this thread's stream for recordings of one priority.

    A graph keeps the priority and the matrix library's workspace (up to 32 MiB) of the stream it
    was recorded on. There is one for each thread and priority, since graphs of two threads may run
    at the same time and those of one never do.
    """
    sides: dict[tuple[torch.device, int], torch.cuda.Stream] = _SIDES.__dict__.setdefault(
        "streams", {}
    )
    if (device, priority) not in sides:
        sides[device, priority] = torch.cuda.Stream(device, priority=priority)  # type: ignore[no-untyped-call] # torch's
    return sides[device, priority]
