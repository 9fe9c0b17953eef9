"""What the River would have written without one of the thoughts that entered its cache."""

from typing import TYPE_CHECKING, Protocol

from warp_cortex.agents.river import River
from warp_cortex.attention.shared import Limits
from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.context.insertion import enter_before
from warp_cortex.precision import in_own_precision
from warp_cortex.prism import Prism
from warp_cortex.trace.trace import Inject, Revoke, RunStart, Trace

if TYPE_CHECKING:
    from torch import Tensor


class Ran(Protocol):
    """What is needed of a Cortex whose run has ended."""

    prism: Prism
    config: CortexConfig
    context: Context
    trace: Trace


@in_own_precision
def written_without(cortex: Ran, number: int, *, num_tokens: int | None = None) -> list[str]:
    """Return the tokens that the River would have written from an injection on, had it not entered.

    The River starts again on a copy of its cache as it stood, with the run's seed: its draws are
    those of the run, so that the texts differ by the thought alone. Thoughts that entered later
    enter at their old places; thoughts that were revoked do not. In a bounded cache the entries
    evicted since are missing.

    num_tokens: at most so many; by default as many as the River wrote. The River may end earlier.

    Raises:
        ValueError: no such injection entered, it was revoked, or nothing has run yet.
    """
    revoked = {event.injection for event in cortex.trace.of(Revoke)}
    entered = [event for event in cortex.trace.of(Inject) if event.injection not in revoked]
    known = {event.injection: event for event in entered}
    if number not in known:
        there = ", ".join(map(str, sorted(known))) or "none"
        msg = f"no injection {number} is in the cache; there are: {there}"
        raise ValueError(msg)
    at = known[number].step
    most = cortex.context.num_tokens - at if num_tokens is None else num_tokens
    start = cortex.trace.of(RunStart)[-1]
    context = _before(cortex, number, entered, at=at)
    river = River(
        cortex.prism,
        cortex.config.river,
        context=context,
        sinks=cortex.config.synapse.sinks,
        seed=start.seed,
    )
    river.take_up(num_prompt=len(start.prompt_tokens))
    later = [event for event in entered if event.injection > number]
    written: list[str] = []
    while len(written) < most and river.why_done() is None:
        step = river.step()
        if step is None:
            break
        written.append(step[1])
        for event in later:
            if event.step == context.num_tokens:
                _enter(cortex, context, event)
    return written


def _before(cortex: Ran, number: int, entered: list[Inject], *, at: int) -> Context:
    """Return a copy of the context as it stood with `at` visible tokens, without one injection.

    Tokens that may have seen the thought are read again, at least the last one, whose logits choose
    the next.
    """
    context = cortex.context
    store = context.store
    rows = store.text_rows()
    rows = rows[store.positions[rows] < at]
    thought = (store.tags[: store.length] == number).nonzero().flatten()
    cut = min(int(row) for row in (rows[-1], *thought[:1]))
    copy = context.truncated(at, store.prefix(cut))
    again = store.positions[rows[rows >= cut]].tolist()
    copy.adopt(copy.store, [copy.reread(position, tap=_nothing) for position in again])
    held = set(copy.store.tags[: copy.store.length].tolist())
    for event in entered:
        if event.step <= at and event.injection not in {number, *held}:
            _enter(cortex, copy, event)
    return copy


def _enter(cortex: Ran, context: Context, event: Inject) -> None:
    ids = context.prism.encode(event.text)
    places = range(event.positions[0], event.positions[-1] + 1)
    if back := cortex.config.injection.back:
        enter_before(context, ids, places, tag=event.injection, back=back)
    else:
        context.encode_at(ids, places, tag=event.injection)


def _nothing(layer: int, query: "Tensor", limits: Limits) -> None:
    """Measure no attention."""
