"""Learning a model's cache layout by looking at what it caches, and whether it can be served
faithfully.
"""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from warp_cortex.attention.layout import Layout
from warp_cortex.attention.rotary import find_rotary, probe_layout
from warp_cortex.attention.shared import Limits, Plan, Tap, UnplannedError, windows_asked
from warp_cortex.cache.store import Cache, SharedKV
from warp_cortex.model import compatibility

if TYPE_CHECKING:
    from warp_cortex.model.shared import SharedModel

NUM_TOKENS = 8
POSITION = 7


class Probe(Cache):  # type: ignore[misc] # transformers is untyped here
    """A cache for one pass that starts a text; keeps what each layer would have cached, to learn
    the layout from.
    """

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.entries: dict[int, tuple[Tensor, Tensor]] = {}

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Note the layer's entries and hand them straight to the attention."""
        self.entries[layer_idx] = (key, value)
        return key, value

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Return 0: the pass starts a text."""
        return 0

    def keys(self) -> list[Tensor]:
        """Return every layer's keys [H_kv, T, D] of the one sequence."""
        return [key[0] for _, (key, _) in sorted(self.entries.items())]


def own_logits(prism: "SharedModel") -> Tensor:
    """Return what the model computes for the probe's tokens with its own attention, [V]."""
    with torch.inference_mode():
        logits: Tensor = prism.model(input_ids=probe_ids(prism), use_cache=False).logits[0, -1]
    return logits


def study(prism: "SharedModel", own: Tensor | None) -> Layout:
    """Return the cache's layout; `own` are the model's own logits where they are known.

    Raises:
        ValueError: the model would not be served faithfully; the message says why.
    """
    limits: dict[int, Limits] = {}
    ids = probe_ids(prism)
    try:
        with windows_asked() as asked:
            seen, logits = _look(
                prism, ids, 0, tap=lambda layer, _, limit: limits.update({layer: limit})
            )
    except UnplannedError as error:
        msg = f"{type(prism.model).__name__} does not hand keywords on to its attention, so nothing can be shared there"
        raise ValueError(msg) from error
    compatibility.refuse_uneven(prism.model, seen.entries, limits)
    compatibility.refuse_hidden_windows(prism.model, limits, asked)
    if own is not None:
        compatibility.refuse_unfaithful(prism.model, logits, own)
    compatibility.refuse_unfaithful(prism.model, _look_over(prism, ids, seen), logits)
    kv_heads, _, head_dim = seen.keys()[0].shape
    types = getattr(prism.model.config.get_text_config(), "layer_types", None)
    rotary = find_rotary(prism.model, tuple(types) if types else None)
    if rotary is not None:
        first, later = (_look(prism, ids[:, :1], position)[0].keys() for position in (0, POSITION))
        rotary = probe_layout(rotary, first, later, POSITION)
    return Layout(
        num_layers=len(seen.entries),
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        middle_layer=prism.middle_layer,
        rotary=rotary,
        limits=tuple(limits[layer] for layer in sorted(limits)),
    )


def _look(
    prism: "SharedModel", ids: Tensor, first: int, *, tap: Tap | None = None
) -> tuple[Probe, Tensor]:
    """Read a text that begins at position `first`; return what would be cached, and the logits
    [V].
    """
    where = torch.arange(first, first + ids.shape[1], device=prism.device)[None]
    seen = Probe()
    out = prism.forward(ids, Plan(where, where, causal=True, span=where.shape[1], tap=tap), seen)
    return seen, out.logits[0]


def _look_over(prism: "SharedModel", ids: Tensor, seen: Probe) -> Tensor:
    """Return the logits [V] of the same text when its first half is a shared block of what was
    cached.
    """
    half = ids.shape[1] // 2
    keys, values = (
        torch.stack([entry[i][0, :, :half] for _, entry in sorted(seen.entries.items())])
        for i in (0, 1)
    )
    where = torch.arange(ids.shape[1], device=prism.device)
    shared = SharedKV(keys, values, where[:half])
    plan = Plan(
        where[None, half:], where[None, half:], shared=shared, causal=True, span=ids.shape[1]
    )
    return prism.forward(ids[:, half:], plan, Probe()).logits[0]


def probe_ids(prism: "SharedModel") -> Tensor:
    """Return the tokens, int64 [1, NUM_TOKENS], that a model is looked at with."""
    ids = torch.arange(3, 3 + NUM_TOKENS, device=prism.device)
    return (ids % int(prism.model.config.get_text_config().vocab_size))[None]
