"""Probing a model with a few tokens: its cache layout, and whether it is served faithfully."""

from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from warp_cortex.attention.layout import Layout
from warp_cortex.attention.rotary import find_rotary, probe_layout
from warp_cortex.attention.shared import Limits, Plan, Tap, UnplannedError, windows_asked
from warp_cortex.cache.store import Cache, SharedKV
from warp_cortex.model import compatibility

NUM_TOKENS = 8
POSITION = 7

# ids [B, T], a plan and a cache in; logits [B, V] after each sequence's last token out
Forward = Callable[[Tensor, Plan, Cache], Tensor]


class Probe(Cache):  # type: ignore[misc] # transformers is untyped here
    """A cache for one pass that starts a text; it keeps what each layer would have cached."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.entries: dict[int, tuple[Tensor, Tensor]] = {}

    def update(
        self, key: Tensor, value: Tensor, layer_idx: int, *_: object, **__: object
    ) -> tuple[Tensor, Tensor]:
        """Keep the layer's entries and return them to the attention."""
        self.entries[layer_idx] = (key, value)
        return key, value

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002 - transformers' signature
        """Return 0: the pass starts a text."""
        return 0

    def keys(self) -> list[Tensor]:
        """Return every layer's keys [H_kv, T, D] of the one sequence."""
        return [key[0] for _, (key, _) in sorted(self.entries.items())]


def own_logits(model: PreTrainedModel) -> Tensor:
    """Return the logits [V] of the probe's tokens, computed with the model's own attention."""
    with torch.inference_mode():
        logits: Tensor = model(input_ids=probe_ids(model), use_cache=False).logits[0, -1]
    return logits


def study(
    model: PreTrainedModel, forward: Forward, *, middle_layer: int, own: Tensor | None
) -> Layout:
    """Return the layout of a model's cache.

    forward: a pass through this engine's attention. middle_layer: the index of the layer whose
    input is the state that the Gate reads. own: the model's own logits [V], where they are known.

    Raises:
        ValueError: the model would not be served faithfully; the message says why.
    """
    limits: dict[int, Limits] = {}
    ids = probe_ids(model)
    try:
        with windows_asked() as asked:
            seen, logits = _read(
                forward, ids, 0, tap=lambda layer, _, limit: limits.update({layer: limit})
            )
    except UnplannedError as error:
        msg = (
            f"{type(model).__name__} does not hand keywords on to its attention, "
            "so nothing can be shared there"
        )
        raise ValueError(msg) from error
    compatibility.refuse_uneven(model, seen.entries, limits)
    compatibility.refuse_hidden_windows(model, limits, asked)
    if own is not None:
        compatibility.refuse_unfaithful(model, logits, own)
    compatibility.refuse_unfaithful(model, _read_half_shared(forward, ids, seen), logits)
    kv_heads, _, head_dim = seen.keys()[0].shape
    types = getattr(model.config.get_text_config(), "layer_types", None)
    rotary = find_rotary(model, tuple(types) if types else None)
    if rotary is not None:
        first, later = (_read(forward, ids[:, :1], at)[0].keys() for at in (0, POSITION))
        rotary = probe_layout(rotary, first, later, POSITION)
    return Layout(
        num_layers=len(seen.entries),
        num_kv_heads=kv_heads,
        head_dim=head_dim,
        middle_layer=middle_layer,
        rotary=rotary,
        limits=tuple(limits[layer] for layer in sorted(limits)),
    )


def _read(
    forward: Forward, ids: Tensor, first: int, *, tap: Tap | None = None
) -> tuple[Probe, Tensor]:
    """Read a text that begins at position `first`; return what would be cached, and logits [V]."""
    where = torch.arange(first, first + ids.shape[1], device=ids.device)[None]
    seen = Probe()
    logits = forward(ids, Plan(where, where, causal=True, span=where.shape[1], tap=tap), seen)
    return seen, logits[0]


def _read_half_shared(forward: Forward, ids: Tensor, seen: Probe) -> Tensor:
    """Return the logits [V] of the same text when its first half is a block of shared entries."""
    half = ids.shape[1] // 2
    keys, values = (
        torch.stack([entry[i][0, :, :half] for _, entry in sorted(seen.entries.items())])
        for i in (0, 1)
    )
    where = torch.arange(ids.shape[1], device=ids.device)
    shared = SharedKV(keys, values, where[:half])
    rest = where[None, half:]
    plan = Plan(rest, rest, shared=shared, causal=True, span=ids.shape[1])
    return forward(ids[:, half:], plan, Probe())[0]


def probe_ids(model: PreTrainedModel) -> Tensor:
    """Return the tokens that a model is probed with, int64 [1, NUM_TOKENS], on its device."""
    device = next(model.parameters()).device
    ids = torch.arange(3, 3 + NUM_TOKENS, device=device)
    return (ids % int(model.config.get_text_config().vocab_size))[None]
