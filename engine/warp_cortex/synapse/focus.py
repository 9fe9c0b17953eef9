"""Focus landmarks: the few tokens that one task's words attend to, for its stream only."""

import torch
from torch import Tensor

from warp_cortex.attention.shared import Plan
from warp_cortex.context.context import Context
from warp_cortex.context.queries import QueryLog


def focus_rows(context: Context, task: list[int], *, taken: Tensor, count: int) -> Tensor:
    """Return the rows of up to `count` visible entries that a task attends to most, int64 [F].

    They are sorted. task: token ids, run once over the whole held cache by reference; attention is
    averaged over tokens, layers and heads. taken: positions that are left out, because they are
    shared already.
    """
    rows = context.store.text_rows()
    positions = context.store.positions[rows]
    weights = task_attention(context, task)
    weights = weights.masked_fill(torch.isin(positions, taken.to(positions.device)), -1.0)
    count = min(count, int((weights >= 0).sum()))
    return rows[weights.topk(count).indices.sort().values]


def task_attention(context: Context, task: list[int]) -> Tensor:
    """Return the attention each held visible entry receives from a task's tokens, float32 [T]."""
    prism = context.prism
    shared = context.store.share()
    scratch = prism.new_store(len(task))
    positions = torch.arange(
        context.num_tokens, context.num_tokens + len(task), device=prism.device
    )
    log = QueryLog(window=len(task))
    log.plan(0, len(task), len(task))
    plan = Plan(
        positions[None],
        positions[None],
        shared=shared,
        causal=True,
        span=context.num_tokens + len(task),
        tap=log.tap,
    )
    prism.forward(torch.tensor([task], device=prism.device), plan, scratch.view(positions))
    log.commit(positions, reading=True)
    return log.attention(shared.keys, shared.positions)[0].mean(0)
