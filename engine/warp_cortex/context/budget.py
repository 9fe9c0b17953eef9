"""Whether a text fits, checked before it is read: bytes of its cache, its evidence and the work.

The estimate is for layers with fused attention; soft-capped and sliding ones also hold the scores
of one chunk over the text.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import torch

from warp_cortex.context.queries import SAMPLES, WINDOW

if TYPE_CHECKING:
    from warp_cortex.model.shared import SharedModel

ACTIVATIONS = 10  # blocks as wide as the hidden states that one layer's pass holds at most
POINTS = 2  # point clouds that choosing landmarks holds, besides the accumulated vectors
FLOAT32 = 4  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Bytes that reading a text needs besides those held before.

    cache: keys and values.
    remembered: queries and middle states, with the spare room of their growing buffers.
    accumulated: evidence for a first snapshot, accumulated while reading.
    work: one chunk's activations.
    choice: point clouds of a first snapshot; work and choice are never held together.
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
    """Return what reading `num_tokens` needs, `chunk` tokens at a time.

    publishes: whether a snapshot of their landmarks is published, too.
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
    """Return the bytes that may still be allocated on a device.

    On a GPU this includes what the allocator holds unused.
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
    """Return what reading needs, if the model has enough positions and the device enough bytes.

    chunk, publishes: as for `bytes_to_read`. available: bytes; by default the device is queried.

    Raises:
        ValueError: one of them is too small; the message names what is needed, what there is and
            what would fit.
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
        work = budget.accumulated + max(budget.work, budget.choice)
        msg = (
            f"{num_tokens} tokens do not fit: {spec.name} needs {budget.total:,} bytes for them "
            f"({budget.cache:,} for keys and values, {budget.remembered:,} for queries and states, "
            f"{work:,} to work with), but {free:,} are available on {prism.device}; "
            f"about {num_tokens * free // budget.total} tokens would fit"
        )
        raise ValueError(msg)
    return budget
