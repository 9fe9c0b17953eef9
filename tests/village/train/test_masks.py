"""What a token of a training row sees: no other branch, and no context that its mask hides."""

import numpy as np
import pytest
import torch

from warpviz.village.train.batches import (
    PADDING,
    TrainingBatch,
    build_mask,
    collate,
    make_batch,
    to_device,
)
from warpviz.village.train.context import SINKS
from warpviz.village.train.rows import Shape, TrainingRow, make_row
from warpviz.village.train.token_sequence import Mark
from warpviz.village.train.visibility_masks import draw_budget
from warpviz.village.world.tokens import Encoder

SHAPE = Shape(200, 5, 3, windowed=0.0)


@pytest.fixture(scope="module")
def row(encoder: Encoder) -> TrainingRow:
    """Return one row with streams and continuations of the River."""
    return make_row(7, SHAPE, encoder)


@pytest.fixture(scope="module")
def batch(row: TrainingRow) -> TrainingBatch:
    """Return that row as a batch."""
    return collate([row])


def mask_of(batch: TrainingBatch) -> np.ndarray:
    """Return who sees whom, bool [T, T]."""
    return to_device(batch, torch.device("cpu")).mask[0, 0].numpy()


def test_a_branch_never_sees_another(batch: TrainingBatch) -> None:
    """Every visible token is in the query's own segment or in the context."""
    mask = mask_of(batch)
    segments = batch.segments[0]
    queries, keys = mask.nonzero()
    foreign = (segments[keys] != segments[queries]) & (segments[keys] != 0)
    assert not foreign.any()
    assert len(set(segments.tolist()) - {PADDING}) > 5


def test_nobody_sees_the_future(batch: TrainingBatch) -> None:
    """No token sees a later one of its row; every token sees itself; padding sees only itself."""
    mask = mask_of(batch)
    assert not np.triu(mask, 1).any()
    assert mask.diagonal().all()
    padding = batch.segments[0] == PADDING
    assert not mask[~padding][:, padding].any()


def test_a_branch_sees_only_the_context_kept_for_it(row: TrainingRow, batch: TrainingBatch) -> None:
    """A stream with landmarks sees exactly those of the context, and one without sees all of it."""
    seen = mask_of(batch)
    segments = batch.segments[0]
    size = len(row.context.sequence)
    subsets = 0
    for segment, mask in enumerate(row.visibility[1:], start=1):
        wanted = np.ones(size, bool) if mask is None else mask
        for query in (segments == segment).nonzero()[0]:
            assert (seen[query, :size] == wanted).all()
        subsets += mask is not None and not mask.all()
    assert subsets > 1


def test_a_window_hides_what_is_far_but_sinks_and_references() -> None:
    """Inside the context a token sees its window, the sinks, and injected tokens however far."""
    size = 40
    window = 8
    segments = torch.zeros(1, size, dtype=torch.uint8)
    positions = torch.arange(size)[None]
    marks = torch.zeros(1, size, dtype=torch.uint8)
    marks[0, 12] = int(Mark.REF)
    visibility = torch.ones(1, 1, size, dtype=torch.bool)
    windows = torch.tensor([[window]])
    seen = (
        build_mask(segments, positions, marks, visibility, windows)[0, 0, -1]
        .nonzero()
        .flatten()
        .tolist()
    )
    assert seen == [*range(SINKS), 12, *range(size - window, size)]


def test_rows_and_batches_are_repeatable(encoder: Encoder) -> None:
    """The same seeds give the same arrays."""
    one, other = (make_batch([1, 2], SHAPE, encoder) for _ in range(2))
    for name in (
        "ids",
        "weights",
        "positions",
        "marks",
        "segments",
        "sources",
        "visibility",
        "windows",
    ):
        assert (getattr(one, name) == getattr(other, name)).all(), name


def test_predictions_come_from_the_own_past(row: TrainingRow) -> None:
    """Every token is predicted by an earlier token of its segment, or by the context's last for a
    branch's first.
    """
    last = len(row.context.sequence) - 1
    for index, source in enumerate(row.sources):
        if index == 0:
            continue
        assert source < index
        assert row.segments[source] == row.segments[index] or source == last
        assert row.marks[source] != int(Mark.REF) or row.marks[index] == int(Mark.REF)


def test_injected_tokens_are_never_learnt(row: TrainingRow) -> None:
    """A reference is given, not predicted: it carries no weight."""
    assert all(
        weight == 0
        for weight, mark in zip(row.weights, row.marks, strict=True)
        if mark == int(Mark.REF)
    )


@pytest.mark.parametrize("num_tokens", [32, 200, 1500])
def test_budgets_fit_the_context(num_tokens: int) -> None:
    """A landmark budget is never more than half of the context, nor more than 192."""
    rng = np.random.default_rng(0)
    found = [draw_budget(rng, num_tokens) for _ in range(300)]
    assert max(found) <= max(8, min(192, num_tokens // 2))
    assert min(found) >= 8
    assert num_tokens < 100 or len(set(found)) > 3
