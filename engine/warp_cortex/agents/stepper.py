"""Fast steps: every agent feeds one token, in static shapes, with no answer from the device needed
in between.

The arithmetic is `Decoder`'s. Because nothing in a step depends on the host, a step can be a CUDA
graph.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from warp_cortex.cache.store import Entries, SharedKV
from warp_cortex.decode.decoder import Decoder
from warp_cortex.decode.graphs import Recording
from warp_cortex.kernels import decode_torch
from warp_cortex.prism import Prism

EMPTY = -1  # in a script: to be chosen by the model
BUCKET = 16  # private entries looked at by the plain attention grow in steps of this


@dataclass(frozen=True, slots=True)
class Room:
    """How much a stepper holds: B agents of at most `capacity` private entries each.

    common: of these, how many every agent is given at the start (a copied context). rows: logits of
    no more agents than this exist at once.
    """

    agents: int
    capacity: int
    common: int = 0
    rows: int = 512


class Stepper:
    """B agents over one shared block, each in its own slot; `step` feeds every agent the next token
    of its script.

    script: int64 [B, capacity + 1]; column i is the i-th token an agent feeds, its task first;
    where it is EMPTY the greedy choice is written. lengths: int64 [B], private entries held.
    Position of an agent's first token: `base`. middle: float32 [B, C], sum of middle-layer states
    over fed tokens of the thought. last: [B, C], states after the final norm. thinks_from: int64
    [B], the number of task tokens. lead: a block that agent 0 sees in place of `shared`: the River
    in one batch with its streams.
    """

    def __init__(
        self,
        prism: Prism,
        room: Room,
        *,
        shared: SharedKV | None,
        base: int,
        lead: SharedKV | None = None,
        kernels: bool = True,
    ) -> None:
        spec = prism.spec
        device = prism.device
        self.prism = prism
        self.room = room
        self.shared = shared
        self.lead = lead
        self.base = base
        self.decoder = Decoder(prism.model, prism.layout, kernels=kernels)
        self.parts = self.decoder.parts
        own = room.capacity - room.common
        shape = (spec.num_layers, 2, room.agents, spec.num_kv_heads, room.capacity, spec.head_dim)
        # the plain attention multiplies what it hides by zero, which must not be a leftover
        # infinity
        make = torch.zeros if self.parts is decode_torch else torch.empty
        self.data = make(shape, dtype=prism.dtype, device=device)
        self.script = torch.full((room.agents, own + 1), EMPTY, dtype=torch.long, device=device)
        self.lengths = torch.full((room.agents,), room.common, dtype=torch.long, device=device)
        self.thinks_from = torch.zeros(room.agents, dtype=torch.long, device=device)
        self.middle = torch.zeros(
            (room.agents, spec.hidden_size), dtype=torch.float32, device=device
        )
        self.last = torch.zeros((room.agents, spec.hidden_size), dtype=prism.dtype, device=device)
        self.cos, self.sin = self.decoder.tables(base + torch.arange(own, device=device))
        self.recording: Recording | None = None
        self._rows = torch.arange(room.agents, device=device)

    @property
    def num_bytes(self) -> int:
        """Bytes of the private entries."""
        return self.data.numel() * self.data.element_size()

    @torch.no_grad()
    def seat(self, tasks: Tensor, first: int = 0) -> None:
        """Give the agents from slot `first` on a task each, int64 [N, P], padded with EMPTY; they
        start anew.
        """
        self.replace(torch.arange(first, first + len(tasks), device=self.script.device), tasks)

    @torch.no_grad()
    def replace(self, slots: Tensor, tasks: Tensor) -> None:
        """Give the agents in these slots, int64 [N], a task each as `seat` does; nothing else in
        the batch changes.
        """
        self.script[slots] = EMPTY
        self.script[slots, : tasks.shape[1]] = tasks
        self.thinks_from[slots] = (tasks != EMPTY).sum(-1)
        self.lengths[slots] = self.room.common
        self.middle[slots] = 0
        if (
            self.parts is decode_torch
        ):  # its masked entries still meet a zero weight, so what an agent left must be finite
            self.data[:, :, slots, :, self.room.common :] = 0

    @torch.no_grad()
    def states(self, width: int | None = None) -> Tensor:
        """Feed every agent its next token and write its entries; return the final states [B, C].

        width: private entries the plain attention looks at; None for all that fit.
        """
        column = self.lengths - self.room.common
        entries = Entries(self.data, self.lengths, self.shared, self.lead, self.room.common, width)
        tokens = self.script[self._rows, column]
        states, middle = self.decoder.states(tokens, self.cos[column], self.sin[column], entries)
        thinking = (column >= self.thinks_from)[:, None]
        self.middle += torch.where(thinking, middle.float(), 0.0)
        return states

    @torch.no_grad()
    def step(self, width: int | None = None) -> None:
        """Feed one token each and write the greedy choice into the script where the next token is
        still EMPTY.
        """
        states = self.states(width)
        self.last.copy_(states)
        following = self.lengths - self.room.common + 1
        given = self.script[self._rows, following]
        self.script[self._rows, following] = torch.where(
            given == EMPTY, self.decoder.choose(states, rows=self.room.rows), given
        )
        # an agent at the end of its slot stays there
        self.lengths.add_(1).clamp_(max=self.room.capacity - 1)

    def run(self, steps: int) -> None:
        """Take `steps` steps: replays of the recording where there is one."""
        start = (
            None
            if self.recording is not None or self.prism.device.type == "cuda"
            else int(self.lengths.max())
        )
        for number in range(steps):
            if self.recording is not None:
                self.recording.run()
            else:
                self.step(None if start is None else self.width_for(start + number))

    def width_for(self, held: int) -> int:
        """Return the entries to look at when the longest agent holds `held` and feeds one more."""
        need = held + 1 - self.room.common
        return min(self.room.capacity, self.room.common + -(-need // BUCKET) * BUCKET)

    def capture(self, stream: torch.cuda.Stream | None = None) -> None:
        """Record a step; agents keep what they hold, `run` replays it from then on.

        stream: whose priority the graph's kernels take; see `Recording`.
        """
        state = (self.script, self.lengths, self.middle, self.last)
        kept = [tensor.clone() for tensor in state]
        self.recording = Recording(self.step, self.prism.device, stream=stream)
        for tensor, value in zip(state, kept, strict=True):
            tensor.copy_(value)
        if self.prism.device.type == "cuda":
            torch.cuda.synchronize(self.prism.device)  # whoever replays it may be on another stream
