"""Attention computed from kept queries equals the weights of transformers' eager attention."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from warp_cortex import Context, Prism
from warp_cortex.attention.shared import Limits
from warp_cortex.context.queries import QueryLog, weigh
from warp_cortex.synapse.focus import focus_rows, task_attention

from tests.engine.oracle import reference
from tests.engine.tiny import FAMILIES, build_prism, random_ids

TIGHT = {"rtol": 1e-4, "atol": 1e-6}
TEXT = random_ids(50, seed=1)


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model of one family."""
    with build_prism(request.param) as built:
        yield built


def river(prism: Prism, *, window: int = 8, written: int = 0, chunk: int = 2048) -> Context:
    """Return a context that read the text and wrote some tokens."""
    context = Context(prism, query_window=window)
    context.read(TEXT, chunk=chunk)
    for token in random_ids(written, seed=9):
        context.write(token)
    return context


def weights(prism: Prism, ids: list[int]) -> Tensor:
    """Return eager attention [T, T], averaged over layers and heads."""
    family = prism.spec.name.removeprefix("tiny-")
    with torch.no_grad():
        layers = reference(family)(input_ids=torch.tensor([ids]), output_attentions=True).attentions
    return torch.stack([layer[0].mean(0) for layer in layers]).mean(0)


def received(attention: Tensor) -> Tensor:
    """Return the mean of each column over the rows that can see it."""
    return attention.sum(0) / torch.arange(len(attention), 0, -1)


@pytest.mark.parametrize("chunk", [2048, 7])
def test_after_reading_attention_is_that_of_eager(prism: Prism, chunk: int) -> None:
    """Both attentions are exact when the text is no longer than the log."""
    context = river(prism, chunk=chunk)
    want = weights(prism, TEXT)
    torch.testing.assert_close(context.attention(), want[-8:], **TIGHT)
    torch.testing.assert_close(context.received(), received(want), **TIGHT)


@pytest.mark.parametrize("written", [1, 5, 8])
def test_while_writing_the_last_queries_are_exact(prism: Prism, written: int) -> None:
    """What the River writes joins the window token by token."""
    context = river(prism, written=written)
    want = weights(prism, TEXT + random_ids(written, seed=9))
    torch.testing.assert_close(context.attention(), want[-8:], **TIGHT)
    torch.testing.assert_close(context.received(), received(want), **TIGHT)


def test_writing_on_and_on_keeps_the_log_bounded(prism: Prism) -> None:
    """The log holds the sampled queries and at most twice the window, which stays exact."""
    context = river(prism, written=40)
    assert context.queries.positions.numel() <= len(TEXT) + 2 * 8
    want = weights(prism, TEXT + random_ids(40, seed=9))
    torch.testing.assert_close(context.attention(), want[-8:], **TIGHT)
    log = context.queries
    assert log.positions.tolist()[-8:] == list(range(82, 90))
    held = [tensor for part in log._held() for tensor in (part.positions, part.rows)]
    assert log.num_bytes == sum(tensor.untyped_storage().nbytes() for tensor in held)


def test_a_long_text_is_sampled_evenly_and_its_end_is_kept(prism: Prism) -> None:
    """Past the number of samples every n-th query is kept, and the last window whole."""
    context = Context(prism, query_window=8)
    context.queries = QueryLog(window=8, samples=10)
    context.read(TEXT, chunk=16)
    kept = context.queries.positions.tolist()
    assert kept == sorted({*range(0, 50, 5), *range(42, 50)})
    want = weights(prism, TEXT)
    torch.testing.assert_close(context.attention(), want[-8:], **TIGHT)
    seen_by = torch.tensor([sum(q >= key for q in kept) for key in range(50)])
    torch.testing.assert_close(context.received(), want[kept].sum(0) / seen_by, **TIGHT)


def test_a_fork_goes_its_own_way(prism: Prism) -> None:
    """Writing in a fork leaves the original's queries alone, and the other way round."""
    context = river(prism)
    before = context.attention().clone()
    fork = context.fork()
    fork.write(5)
    assert torch.equal(context.attention(), before)
    context.write(6)
    assert fork.queries.positions.tolist() == [*range(51)]
    assert not torch.equal(fork.attention(), context.attention())


def test_rows_of_attention_are_distributions(prism: Prism) -> None:
    """A query's weights over all it can see sum to one, over an evicted cache, too."""
    context = river(prism)
    torch.testing.assert_close(context.attention().sum(1), torch.ones(8))
    context.evict(sinks=2, window=10)
    assert context.attention().shape == (8, 12)
    torch.testing.assert_close(context.attention().sum(1), torch.ones(8))


def test_focus_is_what_the_tasks_own_words_attend_to(prism: Prism) -> None:
    """Focus rows have the most attention from the task's tokens, under their own softmax."""
    context = river(prism)
    task = random_ids(6, seed=4)
    family = prism.spec.name.removeprefix("tiny-")
    with torch.no_grad():
        layers = reference(family)(
            input_ids=torch.tensor([TEXT + task]), output_attentions=True
        ).attentions
    # there a layer's window may hide the whole text from the task's last tokens
    if family != "gemma2":
        mass = [
            layer[0, :, 50:, :50] / layer[0, :, 50:, :50].sum(-1, keepdim=True) for layer in layers
        ]
        want = torch.stack([layer.mean((0, 1)) for layer in mass]).mean(0)
        torch.testing.assert_close(task_attention(context, task), want, rtol=1e-3, atol=1e-5)
    seen = task_attention(context, task)
    taken = torch.tensor([int(seen.argmax())])
    rows = focus_rows(context, task, taken=taken, count=5)
    order = [row for row in seen.argsort(descending=True).tolist() if row not in taken]
    assert rows.tolist() == sorted(order[:5])
    assert focus_rows(context, task, taken=torch.arange(48), count=5).tolist() == [48, 49]
    assert context.num_tokens == 50


def test_a_query_that_sees_nothing_weighs_nothing() -> None:
    """Where every entry is hidden the weights are zero, not NaN; others are hand-computed."""
    query = torch.ones(2, 2, 1)
    keys = torch.tensor([[[0.0], [2.0]]])
    got = weigh(query, keys, torch.tensor([[False, False], [True, True]]), Limits())
    assert got[:, 0].tolist() == [[0, 0], [0, 0]]
    torch.testing.assert_close(got[0, 1], torch.tensor([0.0, 2.0]).softmax(-1))
    capped = weigh(query, keys, torch.ones(2, 2, dtype=torch.bool), Limits(softcap=1.0))
    torch.testing.assert_close(capped[1, 0], torch.tensor([0.0, 2.0]).tanh().softmax(-1))


def test_nothing_read_is_a_clear_error() -> None:
    """Asking for attention before anything was read says so."""
    with pytest.raises(ValueError, match="no token has been read yet"):
        QueryLog().attention(torch.zeros(1, 1, 1, 1), torch.zeros(1))
    assert QueryLog().num_bytes == 0


def test_what_was_read_is_never_copied_again(prism: Prism) -> None:
    """Writing leaves the queries of the text read where they are, and earlier views unchanged."""
    context = river(prism, written=1)
    read, written = context.queries._held()
    before = [part.rows.clone() for part in (read, written)]
    for token in random_ids(40, seed=9):
        context.write(token)
    later, _ = context.queries._held()
    assert later.rows.data_ptr() == read.rows.data_ptr()
    assert all(map(torch.equal, before, (read.rows, written.rows)))
    assert context.queries.num_sampled == len(read.positions) == len(TEXT)


def test_what_was_written_stays_when_more_is_read(prism: Prism) -> None:
    """When more is read, the written queries still held are kept, in their order."""
    context = river(prism, written=3)
    context.read(random_ids(5, seed=3))
    assert context.queries.positions.tolist() == [*range(58)]
    assert context.queries.num_sampled == 58
    want = weights(prism, TEXT + random_ids(3, seed=9) + random_ids(5, seed=3))
    torch.testing.assert_close(context.received(), received(want), **TIGHT)


@pytest.mark.parametrize("chunk", [7, 16, 50])
def test_masses_taken_while_reading_add_up_to_the_whole(prism: Prism, chunk: int) -> None:
    """Masses summed after every chunk give the attention received of the whole text."""
    context = Context(prism, query_window=8)
    log = QueryLog(window=8, samples=20)
    context.queries = log
    running = torch.zeros(len(TEXT))
    done = 0

    def after(*_: int) -> None:
        nonlocal done
        keys = context.store.data[:, 0, :, : context.num_tokens]
        positions = context.positions
        running[: context.num_tokens] += log.mass(keys, positions, first=done)
        done = log.num_sampled

    context.read(TEXT, chunk=chunk, progress=after)
    at_once = log.mass(context.store.data[:, 0, :, : len(TEXT)], context.positions)
    torch.testing.assert_close(running, at_once, **TIGHT)
    torch.testing.assert_close(
        running / log.seen_by(context.positions), context.received(), **TIGHT
    )
    parts = [
        log.mass(context.store.data[:, 0, :, :50], context.positions, first=a, last=b)
        for a, b in ((0, 9), (9, 99))
    ]
    torch.testing.assert_close(parts[0] + parts[1], at_once, **TIGHT)
