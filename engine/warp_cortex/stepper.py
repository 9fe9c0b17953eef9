"""Fast steps: every agent feeds one token, in static shapes, with no answer from the device needed in between.

The arithmetic is the model's own, written out over `FusedWeights`, with joined parts between the matrix products:
`kernels` on CUDA, `loops` on a CPU, `plain` where neither fits. Because nothing in a step depends on the host, a step
can be a CUDA graph.
"""

from dataclasses import dataclass
from types import ModuleType

import torch
from torch import Tensor
from torch.nn import functional

from warp_cortex import partial, plain
from warp_cortex.fused import FusedWeights, fuse
from warp_cortex.kv import SharedKV
from warp_cortex.partial import Partial
from warp_cortex.prism import Prism

EMPTY = -1  # in a script: to be chosen by the model
COMPILED = (torch.float32, torch.bfloat16)  # what `loops` computes in
BUCKET = 16  # private entries looked at by the plain attention grow in steps of this


@dataclass(frozen=True, slots=True)
class Room:
    """How much a stepper holds: B agents of at most `capacity` private entries each.

    common: of these, how many every agent is given at the start (a copied context). rows: logits of no more agents
    than this exist at once.
    """

    agents: int
    capacity: int
    common: int = 0
    rows: int = 512


class Stepper:
    """B agents over one shared block, each in its own slot; `step` feeds every agent the next token of its script.

    script: int64 [B, capacity + 1]; column i is the i-th token an agent feeds, its task first; where it is EMPTY the
    greedy choice is written. lengths: int64 [B], private entries held. Position of an agent's first token: `base`.
    middle: float32 [B, C], sum of middle-layer states over fed tokens of the thought. last: [B, C], states after the
    final norm. thinks_from: int64 [B], the number of task tokens. lead: a block that agent 0 sees in place of `shared`:
    the River in one batch with its streams.
    """

    def __init__(
        self, prism: Prism, room: Room, *, shared: SharedKV | None, base: int, lead: SharedKV | None = None,
        kernels: bool = True,
    ) -> None:  # fmt: skip
        spec, device = prism.spec, prism.device
        self.prism, self.room, self.shared, self.lead, self.base = prism, room, shared, lead, base
        self.weights: FusedWeights = fuse(prism)
        self.parts = kernels_for(prism) if kernels else plain
        own = room.capacity - room.common
        shape = (spec.num_layers, 2, room.agents, spec.num_kv_heads, room.capacity, spec.head_dim)
        # the plain attention multiplies what it hides by zero, which must not be a leftover infinity
        make = torch.zeros if self.parts is plain else torch.empty
        self.data = make(shape, dtype=prism.dtype, device=device)
        self.script = torch.full((room.agents, own + 1), EMPTY, dtype=torch.long, device=device)
        self.lengths = torch.full((room.agents,), room.common, dtype=torch.long, device=device)
        self.thinks_from = torch.zeros(room.agents, dtype=torch.long, device=device)
        self.middle = torch.zeros((room.agents, spec.hidden_size), dtype=torch.float32, device=device)
        self.last = torch.zeros((room.agents, spec.hidden_size), dtype=prism.dtype, device=device)
        assert prism.rotary is not None  # noqa: S101 - fuse() refuses models without one
        self.cos, self.sin = prism.rotary.tables(base + torch.arange(own, device=device), 0)
        self.graph: torch.cuda.CUDAGraph | None = None
        self._rows = torch.arange(room.agents, device=device)

    @property
    def num_bytes(self) -> int:
        """Bytes of the private entries."""
        return self.data.numel() * self.data.element_size()

    @torch.no_grad()
    def seat(self, tasks: Tensor, first: int = 0) -> None:
        """Give the agents from slot `first` on a task each, int64 [N, P], padded with EMPTY; they start anew."""
        self.replace(torch.arange(first, first + len(tasks), device=self.script.device), tasks)

    @torch.no_grad()
    def replace(self, slots: Tensor, tasks: Tensor) -> None:
        """Give the agents in these slots, int64 [N], a task each as `seat` does; nothing else in the batch changes."""
        self.script[slots] = EMPTY
        self.script[slots, : tasks.shape[1]] = tasks
        self.thinks_from[slots] = (tasks != EMPTY).sum(-1)
        self.lengths[slots] = self.room.common
        self.middle[slots] = 0
        if self.parts is plain:  # its masked entries still meet a zero weight, so what an agent left must be finite
            self.data[:, :, slots, :, self.room.common :] = 0

    @torch.no_grad()
    def states(self, width: int | None = None) -> Tensor:
        """Feed every agent its next token and write its entries; return the final states [B, C].

        width: private entries the plain attention looks at; None for all that fit.
        """
        parts, weights = self.parts, self.weights
        column = self.lengths - self.room.common
        tokens = self.script[self._rows, column]
        cos, sin = self.cos[column], self.sin[column]
        x, total = weights.embedding[tokens], None
        middle_layer = self.prism.middle_layer
        for index, layer in enumerate(weights.layers):
            x, total = parts.add_norm(x, total, layer.before_attention, weights.eps)
            if index == middle_layer:
                self._pool(total, column)
            x = functional.linear(x, layer.into_attention, layer.into_attention_bias)
            x = self._mix(x, index, cos, sin, width)
            x = functional.linear(x, layer.from_attention, layer.from_attention_bias)
            x, total = parts.add_norm(x, total, layer.before_mlp, weights.eps)
            x = functional.linear(parts.gated(functional.linear(x, layer.into_mlp)), layer.from_mlp)
        final: Tensor = parts.add_norm(x, total, weights.final, weights.eps)[0]
        return final

    @torch.no_grad()
    def step(self, width: int | None = None) -> None:
        """Feed one token each and write the greedy choice into the script where the next token is still EMPTY."""
        states = self.states(width)
        self.last.copy_(states)
        following = self.lengths - self.room.common + 1
        given = self.script[self._rows, following]
        self.script[self._rows, following] = torch.where(given == EMPTY, self.choose(states), given)
        self.lengths.add_(1).clamp_(max=self.room.capacity - 1)  # an agent at the end of its slot stays there

    @torch.no_grad()
    def choose(self, states: Tensor) -> Tensor:
        """Return each agent's most likely next token, int64 [B]; no more than `room.rows` rows of logits exist."""
        head = self.weights.head
        blocks = torch.split(states, self.room.rows)
        return torch.cat([self.parts.best(functional.linear(rows, head)) for rows in blocks])

    def run(self, steps: int) -> None:
        """Take `steps` steps: replays of the graph where there is one."""
        start = None if self.graph is not None or self.prism.device.type == "cuda" else int(self.lengths.max())
        for number in range(steps):
            if self.graph is not None:
                self.graph.replay()
            else:
                self.step(None if start is None else self.width_for(start + number))

    def width_for(self, held: int) -> int:
        """Return the entries to look at when the longest agent holds `held` and feeds one more."""
        need = held + 1 - self.room.common
        return min(self.room.capacity, self.room.common + -(-need // BUCKET) * BUCKET)

    def capture(self, stream: torch.cuda.Stream | None = None) -> None:
        """Record a step as a CUDA graph; agents keep what they hold, `run` replays it from then on.

        stream: whose priority the graph's kernels take; they keep it wherever the graph is replayed.
        """
        kept = [tensor.clone() for tensor in self._state()]
        side = stream or torch.cuda.Stream(self.prism.device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream(self.prism.device))
        with torch.cuda.stream(side):
            self.step()
            self._restore(kept)
        torch.cuda.current_stream(self.prism.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            self.step()
        self._restore(kept)
        torch.cuda.synchronize(self.prism.device)  # whoever replays it may be on another stream
        self.graph = graph

    def _mix(self, qkv: Tensor, index: int, cos: Tensor, sin: Tensor, width: int | None) -> Tensor:
        """Return the attention output [B, H_q D] of one layer, from the joined projection [B, (H_q + 2 H_kv) D]."""
        block, common = self.data[index], self.room.common
        query = self.parts.rotate_write(qkv, cos, sin, block, self.lengths)
        near = self._near(index)
        prior: Partial | None = None
        if near is None:
            prior = self._prior(query, block, index)
        elif self.lead is not None:
            prior = partial.over_shared(query[:1], self.lead, index)
        mixed: Tensor = self.parts.attend(
            query, block, self.lengths, prior, first=common, width=self.room.capacity if width is None else width,
            shared=near, led=near is not None and self.lead is not None,
        )  # fmt: skip
        return mixed

    def _near(self, index: int) -> tuple[Tensor, Tensor] | None:
        """Return one layer of a shared block so small that the attention reads it itself; None if it does not."""
        shared = self.shared
        if shared is None or shared.bias is not None:
            return None
        if shared.num_entries > self.parts.MOST_SHARED or shared.keys.stride()[-2] != shared.keys.shape[-1]:
            return None
        return shared.keys[index], shared.values[index]

    def _prior(self, query: Tensor, block: Tensor, index: int) -> Partial | None:
        """Return attention to what came before the agents' own tokens; None when there is nothing."""
        if self.shared is None:
            return partial.over_common(query, block, self.room.common) if self.room.common else None
        if self.lead is None:
            return partial.over_shared(query, self.shared, index)
        first = partial.over_shared(query[:1], self.lead, index)
        rest = partial.over_shared(query[1:], self.shared, index)
        return Partial(torch.cat((first.out, rest.out)), torch.cat((first.lse, rest.lse)))

    def _pool(self, total: Tensor, column: Tensor) -> None:
        thinking = (column >= self.thinks_from)[:, None]
        self.middle += torch.where(thinking, total.float(), 0.0)

    def _state(self) -> tuple[Tensor, ...]:
        return self.script, self.lengths, self.middle, self.last

    def _restore(self, kept: list[Tensor]) -> None:
        for tensor, value in zip(self._state(), kept, strict=True):
            tensor.copy_(value)


def kernels_for(prism: Prism) -> ModuleType:
    """Return the module with the parts of a step that suits the model's device and precision."""
    try:
        if prism.device.type == "cuda" and prism.dtype in partial.FLASH:
            from warp_cortex import kernels

            return kernels
        if prism.device.type == "cpu" and prism.dtype in COMPILED:
            from warp_cortex import loops

            return loops
    except ImportError:  # a torch without Triton, an installation without numba: the plain parts are right everywhere
        pass
    return plain
