"""Batches, the curriculum and their source: pure functions of a seed, padded without a trace."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.village.train.batch_source import LocalBatches, WorkerBatches, open_batch_source
from warpviz.village.train.batches import MULTIPLE, PADDING, _bits, collate, make_batch, to_device
from warpviz.village.train.curriculum import LAST, PASS_MARK, STAGES, Stage, draw_batch, draw_shape
from warpviz.village.train.rows import Shape, make_row
from warpviz.village.train.token_sequence import Mark
from warpviz.village.train.visibility_masks import draw_mask, focus
from warpviz.village.world.tokens import BOS, EOS, Encoder

ARRAYS = ("ids", "weights", "positions", "marks", "segments", "sources", "visibility", "windows")


def test_padding_changes_no_row(encoder: Encoder) -> None:
    """A row in a batch is the row alone; behind it lies padding without weight, mark or owner."""
    rows = [make_row(seed, Shape(tokens, 3, 1), encoder) for seed, tokens in ((1, 64), (2, 150))]
    batch = collate(rows)
    assert batch.ids.shape[1] % MULTIPLE == 0
    assert batch.ids.shape[1] - max(len(row.ids) for row in rows) < MULTIPLE
    for index, row in enumerate(rows):
        end = len(row.ids)
        for name in ("ids", "positions", "marks", "segments", "sources"):
            assert getattr(batch, name)[index, :end].tolist() == getattr(row, name), name
        np.testing.assert_allclose(batch.weights[index, :end], row.weights)
        assert not batch.weights[index, end:].any()
        assert (batch.segments[index, end:] == PADDING).all()
        assert not batch.marks[index, end:].any()


@given(bits=st.lists(st.booleans(), min_size=1, max_size=70))
def test_packed_bits_come_back(bits: list[bool]) -> None:
    """Subsets survive being packed for the way between processes, whatever their length."""
    packed = torch.from_numpy(np.packbits(np.array(bits)[None], axis=1))
    assert _bits(packed, len(bits)).tolist() == [bits]


def test_a_row_alone_and_among_others_sees_the_same(encoder: Encoder) -> None:
    """A row's own mask is the one it has alone, whatever other rows are in the batch."""
    rows = [make_row(seed, Shape(tokens, 3, 2), encoder) for seed, tokens in ((3, 70), (4, 160))]
    together = to_device(collate(rows), torch.device("cpu"))
    for index, row in enumerate(rows):
        alone = to_device(collate([row]), torch.device("cpu"))
        size = len(row.ids)
        assert torch.equal(alone.mask[0, 0, :size, :size], together.mask[index, 0, :size, :size])


@pytest.mark.parametrize("split", ["train", "heldout", "templates"])
def test_a_row_is_a_context_and_its_branches(encoder: Encoder, split) -> None:
    """It begins with <bos>, branches follow one after the other, streams end in <eos>, and
    something is learnt.
    """
    row = make_row(5, Shape(120, 4, 2, split=split), encoder)
    assert row.ids[0] == BOS
    assert row.segments == sorted(row.segments)
    assert len(row.visibility) == len(row.windows) == row.segments[-1] + 1
    marked = {Mark(mark) for mark in row.marks}
    assert marked & {Mark.STREAM, Mark.STREAM_SPARSE, Mark.STREAM_HOPS, Mark.STREAM_HOPS_SPARSE}
    assert row.ids.count(EOS) >= 3
    assert sum(weight > 0 for weight in row.weights) > 20
    lengths = {
        len(getattr(row, name))
        for name in ("ids", "weights", "positions", "marks", "segments", "sources")
    }
    assert lengths == {len(row.ids)}


def test_subsets_hold_the_sinks_and_focus_only_adds(encoder: Encoder) -> None:
    """Landmark-like subsets always have the first tokens; what a task needs is added and nothing
    taken away.
    """
    context = make_row(6, Shape(300, 1, 0), encoder).context
    rng = np.random.default_rng(0)
    sizes = []
    for _ in range(60):
        mask = draw_mask(context, rng)
        assert mask[:4].all()
        assert mask.shape == (len(context.sequence),)
        index = next(iter(context.evidence))
        more = focus(mask, context, [index], rng)
        assert (more | mask == more).all()
        assert (more & ~mask).sum() <= context.evidence[index].end
        sizes.append(int(mask.sum()))
    assert len(set(sizes)) > 10


@settings(max_examples=60)
@given(stage=st.integers(0, LAST), seed=st.integers(0, 10**6))
def test_shapes_are_of_stages_reached(stage: int, seed: int) -> None:
    """No batch is longer than its stage allows: a tenth more than the stage's own text."""
    from random import Random

    shape = draw_shape(stage, Random(seed))
    assert 0.74 * STAGES[0].num_tokens <= shape.num_tokens <= 1.11 * STAGES[stage].num_tokens
    assert shape.split == "train"


def test_a_batch_is_a_function_of_its_step(encoder: Encoder) -> None:
    """The same seed, step and stage give the same arrays; another step or seed others; it is as
    large as asked.
    """
    one, same = (draw_batch(0, 3, 1, 2000, encoder) for _ in range(2))
    assert all(np.array_equal(getattr(one, name), getattr(same, name)) for name in ARRAYS)
    for other in (draw_batch(0, 4, 1, 2000, encoder), draw_batch(1, 3, 1, 2000, encoder)):
        assert other.ids.shape != one.ids.shape or not np.array_equal(other.ids, one.ids)
    assert (one.segments != PADDING).sum() >= 2000


def test_a_stage_needs_both_accuracy_and_time() -> None:
    """Sixty good steps are not enough, sixty-one with a good average are; the counters begin
    again.
    """
    stage = Stage()
    for _ in range(60):
        stage.update(1.0, 0.0)
    assert (stage.index, stage.steps) == (0, 60)
    stage.update(1.0, 0.0)
    assert (stage.index, stage.steps, stage.accuracy) == (1, 0, 0.0)
    for _ in range(200):
        stage.update(PASS_MARK - 0.05, 0.0)
    assert stage.index == 1


def test_batches_made_here_are_repeatable(encoder: Encoder) -> None:
    """A step always has the same batch; without workers, batches are made in this process."""
    with open_batch_source(encoder, seed=0, first=0, batch_tokens=500, workers=0) as source:
        assert isinstance(source, LocalBatches)
        one = source.get(2, 0)
        same = source.get(2, 0)
    assert np.array_equal(one.ids, same.ids)


def test_dead_workers_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no batch comes the step is named, instead of waiting for ever."""
    from queue import Empty, Queue
    from types import SimpleNamespace

    queue: Queue[object] = Queue()
    source = WorkerBatches(SimpleNamespace(value=0), queue)
    queue.put("batch")
    assert source.get(1, 2) == "batch"
    assert source._stage.value == 2

    def none(*, timeout: float) -> object:
        assert timeout == 120
        raise Empty

    monkeypatch.setattr(queue, "get", none)
    with pytest.raises(RuntimeError, match="no batch arrived for step 7 within 120 s"):
        source.get(7, 2)


def test_a_worker_makes_the_batches_of_its_steps(encoder: Encoder) -> None:
    """A worker gives the batches that this process would make, and ends with the source."""
    with open_batch_source(encoder, seed=0, first=5, batch_tokens=400, workers=1) as source:
        found = [source.get(step, 0) for step in (5, 6)]
    local = LocalBatches(0, 400, encoder)
    for step, batch in zip((5, 6), found, strict=True):
        assert all(
            np.array_equal(getattr(batch, name), getattr(local.get(step, 0), name))
            for name in ARRAYS
        )


def test_batches_of_seeds_are_rows_of_seeds(encoder: Encoder) -> None:
    """`make_batch` is the rows of its seeds, in order."""
    shape = Shape(80, 2, 1)
    batch = make_batch([8, 9], shape, encoder)
    for index, seed in enumerate((8, 9)):
        row = make_row(seed, shape, encoder)
        assert batch.ids[index, : len(row.ids)].tolist() == row.ids
