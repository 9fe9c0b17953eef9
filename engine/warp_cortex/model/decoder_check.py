"""Whether the compiled decoder may serve a model: only if it gives the model's own logits."""

from collections.abc import Callable

import torch
from transformers import PreTrainedModel

from warp_cortex.attention.layout import Layout
from warp_cortex.attention.shared import Plan
from warp_cortex.cache.store import Entries, KVStore
from warp_cortex.decode.decoder import Decoder
from warp_cortex.decode.weights import unfusable
from warp_cortex.model.compatibility import is_faithful
from warp_cortex.model.probing import Forward, Own
from warp_cortex.precision import in_own_precision


@in_own_precision
def decoder_for(
    model: PreTrainedModel,
    layout: Layout,
    forward: Forward,
    new_store: Callable[[int], KVStore],
    own: Own,
) -> Decoder | None:
    """Return the model's decoder, or None if its steps must be the model's own forward passes.

    forward: a pass through this engine's attention. new_store: makes an empty cache of a capacity.
    own: what the model itself makes of the probe's tokens.
    """
    if unfusable(model, layout) is not None:
        return None
    try:
        decoder = Decoder(model, layout)
    except AttributeError:  # a part that its family has was taken out or replaced, as ablations do
        return None
    return decoder if _is_faithful(decoder, own, forward, new_store) else None


@torch.inference_mode()
def _is_faithful(
    decoder: Decoder,
    own: Own,
    forward: Forward,
    new_store: Callable[[int], KVStore],
) -> bool:
    """Return whether a step gives the model's logits: its bias, norm or scale may be unusual."""
    ids = own.ids
    where = torch.arange(ids.shape[1], device=ids.device)
    store = new_store(len(where))
    last = where[-1:]
    logits = forward(
        ids, Plan(where[None], where[None], causal=True, span=len(where)), store.view(where)
    )
    entries = Entries(store.data[:, :, None], last, common=len(where) - 1, width=len(where))
    states, _ = decoder.states(ids[0, -1:], *decoder.tables(last), entries)
    return is_faithful(decoder.logits(states)[0], logits[0], spread=own.spread)
