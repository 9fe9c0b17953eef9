"""Whether a model's decode step may be written out: only if it gives the logits that the model
itself gives.
"""

from typing import TYPE_CHECKING

import torch

from warp_cortex.attention.shared import Plan
from warp_cortex.cache.store import Entries
from warp_cortex.decode.decoder import Decoder
from warp_cortex.decode.weights import unfusable
from warp_cortex.model.compatibility import is_faithful
from warp_cortex.model.probing import probe_ids

if TYPE_CHECKING:
    from warp_cortex.model.shared import SharedModel


def decoder_for(prism: "SharedModel") -> Decoder | None:
    """Return the model's decoder, or None if its steps are the model's own forward passes."""
    if unfusable(prism.model, prism.layout) is not None:
        return None
    decoder = Decoder(prism.model, prism.layout)
    return decoder if _is_faithful(prism, decoder) else None


@torch.inference_mode()
def _is_faithful(prism: "SharedModel", decoder: Decoder) -> bool:
    """Tell whether a step gives what the model gives: a bias, a norm or a scale may be another than
    its family's.
    """
    ids = probe_ids(prism)
    where = torch.arange(ids.shape[1], device=prism.device)
    store = prism.new_store(len(where))
    last = where[-1:]
    own = prism.forward(
        ids, Plan(where[None], where[None], causal=True, span=len(where)), store.view(where)
    )
    entries = Entries(store.data[:, :, None], last, common=len(where) - 1, width=len(where))
    states, _ = decoder.states(ids[0, -1:], *decoder.tables(last), entries)
    return is_faithful(decoder.logits(states)[0], own.logits[0])
