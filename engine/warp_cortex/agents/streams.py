"""Streams: side agents that read one snapshot and think in one batched forward pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from warp_cortex.attention.shared import Plan
from warp_cortex.cache.slots import Slots
from warp_cortex.cache.store import SharedKV
from warp_cortex.decode.decoder import Decoder
from warp_cortex.model.forward_pass import Pass
from warp_cortex.prism import Prism
from warp_cortex.synapse.synapse import Snapshot
from warp_cortex.thoughts.gate import GateState


@dataclass(slots=True)
class Stream:
    """One side agent: a task, the thought so far, and the reason it ended.

    It takes a few hundred bytes; its cache entries lie in a slot of a `StreamBatch`.
    """

    id: int
    task: str
    kind: str
    trigger: tuple[int, int]
    version: int
    prompt: list[int]
    focus: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    text: str = ""
    reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits or thinks."""
        return self.reason is None


class StreamBatch:
    """The agents that read one snapshot: their private entries in slots, one pass for all of them.

    Rows are agents in slot order; `agents[i]` lies in slot i. This is what a run steps and what the
    benchmarks measure. Two more ways of sharing are there to be compared with it: with `copied`
    every agent holds the snapshot's entries in its own slot, as the paper has it; `lead` is a block
    that the agent in slot 0 sees in place of the snapshot (the River in a batch with its streams).
    """

    def __init__(
        self,
        prism: Prism,
        snapshot: Snapshot,
        *,
        slots: int = 1,
        capacity: int = 32,
        copied: bool = False,
        lead: SharedKV | None = None,
    ) -> None:
        spec = prism.spec
        self.prism = prism
        self.snapshot = snapshot
        self.copied = copied
        self.lead = lead
        self.slots = Slots(
            num_layers=spec.num_layers,
            num_kv_heads=spec.num_kv_heads,
            head_dim=spec.head_dim,
            dtype=prism.dtype,
            device=prism.device,
            slots=slots,
            capacity=capacity,
        )
        self.agents: list[int] = []
        self._middle = torch.zeros(
            (slots, spec.hidden_size), dtype=torch.float32, device=prism.device
        )
        self._last = torch.zeros_like(self._middle)
        self._fed = [0] * slots
        self._tables: tuple[Tensor, Tensor] | None = None

    @property
    def shared(self) -> SharedKV | None:
        """The block all agents see; None where each holds a copy of its own."""
        return None if self.copied else self.snapshot.kv

    def admit(
        self, agents: list[int], prompts: list[list[int]], focus: list[SharedKV | None]
    ) -> Pass:
        """Give agents a slot each and read their prompts in one pass; return it.

        Its rows are in the order given.

        Raises:
            ValueError: a prompt does not fit behind the snapshot's position, or a batch with a
                `lead` is given more than its first agent at first.
        """
        width = max(len(prompt) for prompt in prompts)
        self._check_room(width)
        if self.lead is not None and not self.agents and len(agents) > 1:
            msg = f"agent 0 sees another block; admit it alone, not {len(agents)} agents at once"
            raise ValueError(msg)
        first = self.slots.admit([self.snapshot.kv] * len(agents) if self.copied else focus)
        self.agents += agents
        self._grow()
        self._fed[first : first + len(prompts)] = [0] * len(prompts)
        counts = [len(prompt) for prompt in prompts]
        ids = torch.tensor(
            [prompt + prompt[-1:] * (width - len(prompt)) for prompt in prompts],
            device=self.prism.device,
        )
        positions = (self.snapshot.step + torch.arange(width, device=self.prism.device)).expand(
            len(prompts), -1
        )
        ends = torch.tensor(counts, device=self.prism.device) - 1
        out = self._forward(first, ids, counts, positions, ends)
        rows = torch.arange(len(prompts), device=self.prism.device)
        self._middle[first : first + len(prompts)] = out.middle[rows, ends].float()
        self._last[first : first + len(prompts)] = out.last[rows, ends].float()
        return out

    def step(self, tokens: Tensor) -> Pass:
        """Feed every agent its last token, int64 [B]; return the pass.

        Raises:
            ValueError: the model has no position left, or a `lead` meets a model without decode
                steps of its own.
        """
        slots = self.slots
        own = [held - focus for held, focus in zip(slots.lengths, slots.num_focus, strict=True)]
        self._check_room(max(own) + 1)
        columns = torch.tensor(own, device=self.prism.device)
        decoder = self.prism.decoder
        if decoder is None:
            if self.lead is not None:
                msg = f"a leader needs decode steps, which {self.prism.spec.name} has none of"
                raise ValueError(msg)
            positions = columns[:, None] + self.snapshot.step
            out = self._forward(0, tokens[:, None], [1] * len(own), positions, None)
        else:
            out = self._decode(decoder, tokens, columns)
        self._pool(out)
        return out

    def can_step(self, slot: int) -> bool:
        """Whether the model has a position left for one more token of this agent."""
        return self.snapshot.step + self._num_own(slot) < self.prism.spec.max_positions

    def state(self, slot: int) -> GateState:
        """Return what the Gate judges: the thought's mean middle state, and its last state.

        Copies on the host: the slot's rows are reused, and another lane reads them.
        """
        count = max(1, self._fed[slot])
        return GateState(
            middle=(self._middle[slot] / count).cpu(), last=self._last[slot].clone().cpu()
        )

    def release(self, slot: int) -> None:
        """Close a slot; the last agent moves into it."""
        last = self.slots.release(slot)
        self.agents[slot] = self.agents[last]
        self.agents.pop()
        if slot != last:
            self._middle[slot] = self._middle[last]
            self._last[slot] = self._last[last]
            self._fed[slot] = self._fed[last]

    def _num_own(self, slot: int) -> int:
        return self.slots.lengths[slot] - self.slots.num_focus[slot]

    def _forward(
        self, first: int, ids: Tensor, counts: list[int], positions: Tensor, ends: Tensor | None
    ) -> Pass:
        """Run the model over ids [B, T] of the agents from slot `first` on."""
        view = self.slots.view(first, counts, positions)
        is_lead = self.lead is not None and first == 0
        plan = Plan(
            positions,
            view.key_positions,
            shared=self.lead if is_lead else self.shared,
            mask=view.mask,
            span=self.snapshot.step + view.width,
        )
        out = self.prism.forward(ids, plan, view, last_rows=ends)
        view.commit()
        return out

    def _decode(self, decoder: Decoder, tokens: Tensor, columns: Tensor) -> Pass:
        """Feed one token of every agent, int64 [B], as its own `columns`-th, int64 [B]."""
        positions = columns + self.snapshot.step
        entries = self.slots.next_entries(
            positions,
            shared=self.shared,
            lead=self.lead,
            common=self.snapshot.kv.num_entries if self.copied else 0,
        )
        if self._tables is None or len(self._tables[0]) < self.slots.capacity:
            reach = torch.arange(self.slots.capacity, device=self.prism.device)
            self._tables = decoder.tables(self.snapshot.step + reach)
        cos, sin = self._tables
        tables = (cos.index_select(0, columns), sin.index_select(0, columns))
        out = self.prism.decode_step(decoder, tokens, positions, entries, tables=tables)
        self.slots.advance_all()
        return out

    def _pool(self, out: Pass) -> None:
        """Add the states of one thought token per agent to those of its earlier ones.

        The prompt's own state stands in until the first.
        """
        num = self.slots.num_active
        if fresh := [slot for slot, count in enumerate(self._fed[:num]) if count == 0]:
            self._middle[fresh] = 0.0
        self._middle[:num].add_(out.middle[:, 0])
        self._last[:num].copy_(out.last[:, 0])
        self._fed[:num] = [count + 1 for count in self._fed[:num]]

    def _grow(self) -> None:
        missing = self.slots.data.shape[2] - self._middle.shape[0]
        if missing > 0:
            self._middle = torch.cat(
                (self._middle, self._middle.new_zeros((missing, self._middle.shape[1])))
            )
            self._last = torch.cat(
                (self._last, self._last.new_zeros((missing, self._last.shape[1])))
            )
            self._fed += [0] * missing

    def _check_room(self, width: int) -> None:
        step = self.snapshot.step
        limit = self.prism.spec.max_positions
        if step + width > limit:
            msg = (
                f"a thought of {width} tokens behind position {step} runs past the model's {limit}"
            )
            raise ValueError(msg)


def own_entries(batch: StreamBatch, known: Mapping[int, int]) -> dict[int, SharedKV]:
    """Return a copy of every agent's own entries, by agent, without focus landmarks.

    known: how many of an agent's first entries to leave out.
    """
    slots = batch.slots
    found = {}
    for slot, agent in enumerate(batch.agents):
        held = slice(slots.num_focus[slot] + known.get(agent, 0), slots.lengths[slot])
        block = slots.data[:, :, slot, :, held].clone()
        found[agent] = SharedKV(block[:, 0], block[:, 1], slots.positions[slot, held].clone())
    return found
