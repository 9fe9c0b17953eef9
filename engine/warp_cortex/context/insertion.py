"""Thoughts that enter a context before its last visible tokens, which are then read again."""

import torch

from warp_cortex.cache.store import TEXT
from warp_cortex.context.context import Context


def enter_before(context: Context, ids: list[int], places: range, *, tag: int, back: int) -> None:
    """Add entries for `ids` behind all but the last `back` visible tokens; read those again.

    Visible tokens, their positions and states stay, the first token stays before the thought. The
    logits become those of a model that has seen `ids`.
    """
    rows = context.store.text_rows()
    moved = rows[max(1, rows.numel() - back) :]
    keep = torch.ones(context.store.length, dtype=torch.bool, device=rows.device)
    keep[moved] = False
    # on a copy: whatever interrupts this leaves the cache as it was
    other = context.over(context.store.fork())
    other.store.keep(keep.nonzero().flatten())
    encode_over_earlier(other, ids, places, tag=tag)
    first = context.num_tokens - moved.numel()
    if moved.numel():
        again = range(first, context.num_tokens)
        out = other.encode_at(context.ids[first:], again, tag=TEXT)
        context.logits = out.logits[0]
        context.last = out.last[0, -1]
    context.store = other.store


def encode_over_earlier(context: Context, ids: list[int], places: range, *, tag: int) -> None:
    """Append entries for `ids` at places of their own or of visible tokens, under `tag`.

    They see only entries at positions before theirs. Two tokens at one position would each be the
    previous one of a third, and a model that copies a word piece by piece would mix them.
    """
    store = context.store
    earlier = (store.positions[: store.length] < places.start).nonzero().flatten()
    other = context.over(store.fork())
    other.store.keep(earlier)
    other.encode_at(ids, places, tag=tag)
    made = other.store
    store.append(
        made.gather(torch.arange(made.length - len(ids), made.length, device=made.data.device)), tag
    )
