"""Whether a text fits, asked before it is read: bytes of its cache, of what landmarks are chosen
from, and of the work.

The estimate is for layers with fused attention; soft-capped or sliding ones also hold scores of a
chunk over the text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from warp_cortex.context.queries import SAMPLES, WINDOW

if TYPE_CHECKING:
    from warp_cortex.model.shared import SharedModel

ACTIVATIONS = 10  # blocks as wide as the hidden states that one layer's pass holds at its fullest
# clouds held while landmarks are chosen, beside the one gleaned: in units, or put together from
# parts
POINTS = 2
FLOAT32 = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bytes that reading a text needs over those held before.

    cache: keys and values. remembered: queries and middle states, growing blocks included. gleaned:
    what a first snapshot is chosen from, put aside while reading. work: one chunk's activations.
    choice: more clouds of a first snapshot; work and choice are never held together.
    """

    cache: int
    remembered: int
    accumulated: int
    work: int
    choice: int

    @property
    def total(self) -> int:
        """The highest number of bytes held at once."""
        return self.cache + self.remembered + self.accumulated + max(self.work, self.choice)


def bytes_to_read(
    prism: "SharedModel", num_tokens: int, *, chunk: int = 2048, publishes: bool = True
) -> Budget:
    """Return what reading `num_tokens` needs, and, if it `publishes`, choosing landmarks of
    them.
    """
    spec = prism.spec
    config = prism.model.config.get_text_config()
    item = prism.dtype.itemsize
    entries = spec.num_layers * spec.num_kv_heads * spec.head_dim
    queries = min(num_tokens, SAMPLES + WINDOW) * spec.num_layers * spec.num_heads * spec.head_dim
    inner = getattr(config, "intermediate_size", None) or 4 * spec.hidden_size
    heads = (spec.num_heads + spec.num_kv_heads) * spec.head_dim
    row = ACTIVATIONS * spec.hidden_size + 3 * inner + 4 * heads
    return Budget(
        cache=num_tokens * spec.kv_bytes_per_token,
        remembered=2 * item * (queries + num_tokens * spec.hidden_size),
        work=min(chunk, num_tokens) * row * item,
        accumulated=FLOAT32 * (entries + 1) * num_tokens if publishes else 0,
        choice=POINTS * FLOAT32 * entries * num_tokens if publishes else 0,
    )


def available_bytes(device: torch.device) -> int:
    """Return the bytes that may still be allocated on a device; on a GPU also what the allocator
    holds unused.
    """
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    return int(psutil.virtual_memory().available)


def check_fits(
    prism: "SharedModel",
    num_tokens: int,
    *,
    chunk: int = 2048,
    publishes: bool = True,
    available: int | None = None,
) -> Budget:
    """Return what reading needs, if the model has the positions and the device the bytes.

    available: bytes, asked of the device by default.

    Raises:
        ValueError: one of them does not; the message names what is needed, what there is and what
        would fit.
    """
    spec = prism.spec
    if num_tokens > spec.max_positions:
        msg = (
            f"{num_tokens} tokens do not fit: {spec.name} has {spec.max_positions} positions; "
            f"shorten the text by {num_tokens - spec.max_positions} tokens"
        )
        raise ValueError(msg)
    budget = bytes_to_read(prism, num_tokens, chunk=chunk, publishes=publishes)
    free = available_bytes(prism.device) if available is None else available
    if budget.total > free:
        msg = (
            f"{num_tokens} tokens do not fit: {spec.name} needs {budget.total:,} bytes for them ({budget.cache:,} for "
            f"keys and values, {budget.remembered:,} for queries and states, "
            f"{budget.accumulated + max(budget.work, budget.choice):,} to work with), but {free:,} are available on "
            f"{prism.device}; about {num_tokens * free // budget.total} tokens would fit"
        )
        raise ValueError(msg)
    return budget
