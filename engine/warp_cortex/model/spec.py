"""What the engine needs to know about a model: its shape, its name and its checksum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedModel

from warp_cortex.attention.layout import Layout
from warp_cortex.model import loading


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What the engine needs to know about a model."""

    name: str
    checksum: str
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    hidden_size: int
    vocab_size: int
    max_positions: int
    has_rope: bool
    kv_bytes_per_token: int


def describe(model: PreTrainedModel, layout: Layout, *, name: str, source: str | None) -> ModelSpec:
    """Return the description of a model; source: where it was loaded from, None if it was not."""
    config = model.config.get_text_config()
    return ModelSpec(
        name=name,
        checksum=loading.checksum_of(source, model),
        num_layers=layout.num_layers,
        num_heads=config.num_attention_heads,
        num_kv_heads=layout.num_kv_heads,
        head_dim=layout.head_dim,
        hidden_size=config.hidden_size,
        vocab_size=config.vocab_size,
        max_positions=_max_positions(config),
        has_rope=layout.rotary is not None,
        kv_bytes_per_token=2
        * layout.num_layers
        * layout.num_kv_heads
        * layout.head_dim
        * model.dtype.itemsize,
    )


def _max_positions(config: Any) -> int:
    """Return how many positions a text can take: the fewest of any layer type."""
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [part for part in rope.values() if isinstance(part, dict)] or [rope]
    return min(_positions(kind, int(config.max_position_embeddings)) for kind in kinds)


def _positions(rope: Mapping[str, Any], most: int) -> int:
    """Return how many positions one kind of rotation serves; most: what the config says.

    "yarn" and "linear" stretch the positions of the first training by a factor, and the config may
    say the product or leave it to its reader. A "longrope" model rotates every position by other
    frequencies as soon as a text outgrows the length of its first training: the entries cached
    before would be wrong. That length is the end.
    """
    kind = rope.get("rope_type")
    first = int(rope.get("original_max_position_embeddings") or most)
    if kind == "longrope":
        return min(most, first)
    if kind in {"yarn", "linear"}:
        return max(most, int(first * float(rope.get("factor") or 1)))
    return most
