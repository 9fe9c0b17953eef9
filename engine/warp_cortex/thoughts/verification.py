"""Draft and verify: how likely a thought is, given everything the River has read.

A stream drafts its thought over a few landmarks, which is cheap and lossy. It is verified over the
whole text that the River was given, which is exact: one pass over the thought's own tokens says how
probable each of them was. Right values are told from wrong ones by that, where a cosine of hidden
states sees only the topic. What the River wrote itself is left out: it would vouch for its own
mistakes.
"""

import torch
from torch import Tensor

from warp_cortex.attention.shared import Plan
from warp_cortex.cache.slots import Slots
from warp_cortex.context.context import Context
from warp_cortex.thoughts.gate import GateState

SUBJECT = 3  # tokens that name what a sentence is about
ROWS = 8  # texts read in one pass: logits of [ROWS, tokens, V] exist at once


def as_statement(thought: str) -> str:
    """Return a thought as the text that is read to verify it."""
    return f" {thought.strip()}"


def log_probabilities(before: Tensor, every: Tensor, ids: list[int]) -> Tensor:
    """Return the log-probability of each of T tokens given all before it, float32 [T], in nats.

    before: logits [V] that the first token was chosen from. every: logits [T, V] behind each token.
    """
    logits = torch.cat((before[None].float(), every[: len(ids) - 1].float()))
    chosen = torch.tensor(ids, device=logits.device)[:, None]
    return logits.log_softmax(-1).gather(1, chosen)[:, 0]


def likelihood(log_probs: Tensor) -> float:
    """Return the geometric mean of the tokens' probabilities, in [0, 1]; 0 for no token.

    The first tokens are left out where others follow: they say which sentence of the text this is
    going to be, not whether it is true. On sentences of one text, with values changed, and of the
    model's own invention that separates best.
    """
    told = log_probs[SUBJECT:] if len(log_probs) > SUBJECT + 1 else log_probs[-2:]
    mean = told.mean() if len(told) else torch.tensor(-torch.inf)
    return float(mean.exp()) if bool(torch.isfinite(mean)) else 0.0


def verdict(context: Context, asked: list[int], yes: list[int], no: list[int]) -> float:
    """Return how likely the model is to answer yes rather than no, in [0, 1].

    asked: ids of the question. yes, no: ids that an answer may begin with. Nothing is kept.

    Raises:
        ValueError: the question runs past the model's last position.
    """
    other = context.fork()
    other.read(asked)
    assert other.logits is not None  # it has read the question
    log_probs = other.logits.float().log_softmax(-1)
    odds = log_probs[yes].logsumexp(0) - log_probs[no].logsumexp(0)
    return float(odds.sigmoid())


def read_each(context: Context, texts: list[list[int]]) -> list[tuple[float, GateState]]:
    """Read each of several texts by itself on top of a context; return likelihoods and states.

    The context's visible entries are shared by reference and nothing is kept.

    Raises:
        ValueError: a text runs past the model's last position.
    """
    context.check_room(max(map(len, texts)))
    found = []
    for at in range(0, len(texts), ROWS):
        found += _read_together(context, texts[at : at + ROWS])
    return found


def _read_together(context: Context, texts: list[list[int]]) -> list[tuple[float, GateState]]:
    prism = context.prism
    spec = prism.spec
    width = max(map(len, texts))
    slots = Slots(
        num_layers=spec.num_layers,
        num_kv_heads=spec.num_kv_heads,
        head_dim=spec.head_dim,
        dtype=prism.dtype,
        device=prism.device,
        slots=len(texts),
        capacity=width,
    )
    slots.admit([None] * len(texts))
    counts = [len(ids) for ids in texts]
    padded = [ids + ids[-1:] * (width - len(ids)) for ids in texts]
    positions = context.num_tokens + torch.arange(width, device=prism.device)
    positions = positions.expand(len(texts), -1)
    view = slots.view(0, counts, positions)
    plan = Plan(
        positions,
        view.key_positions,
        shared=context.store.share(),
        mask=view.mask,
        span=context.num_tokens + width,
    )
    ends = torch.tensor(counts, device=prism.device) - 1
    ids = torch.tensor(padded, device=prism.device)
    out = prism.forward(ids, plan, view, last_rows=ends, every=True)
    assert out.every is not None  # asked for
    assert context.logits is not None  # a context that was read has them
    found = []
    for row, tokens in enumerate(texts):
        count = len(tokens)
        log_probs = log_probabilities(context.logits, out.every[row], tokens)
        middle = out.middle[row, :count].float().mean(0).cpu()
        state = GateState(middle=middle, last=out.last[row, count - 1].float().cpu())
        found.append((likelihood(log_probs), state))
    return found
