"""The layout of a model's cache: sizes, rotary embedding, and the limits of each layer's
attention.
"""

from dataclasses import dataclass

from warp_cortex.attention.rotary import Rotary
from warp_cortex.attention.shared import Limits


@dataclass(frozen=True, slots=True)
class Layout:
    """What one entry of the cache looks like, how keys are rotated, and what else each layer does
    to its scores.

    middle_layer: the index of the layer whose input the Gate judges. rotary: None if not in a way
    that can be undone.
    """

    num_layers: int
    num_kv_heads: int
    head_dim: int
    middle_layer: int
    rotary: Rotary | None
    limits: tuple[Limits, ...]
