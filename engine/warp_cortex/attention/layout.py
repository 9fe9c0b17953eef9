"""The layout of a model's cache: sizes, rotary embedding, and limits of each layer's attention."""

from dataclasses import dataclass

from warp_cortex.attention.rotary import Rotary
from warp_cortex.attention.shared import Limits


@dataclass(frozen=True, slots=True)
class Layout:
    """The sizes of a cache entry, the rotation of keys, and each layer's limits on its scores.

    middle_layer: the index of the layer whose input the Gate judges. rotary: None if keys are not
    rotated, or in a way that cannot be undone.
    """

    num_layers: int
    num_kv_heads: int
    head_dim: int
    middle_layer: int
    rotary: Rotary | None
    limits: tuple[Limits, ...]
