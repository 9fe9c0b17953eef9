"""What a training step is made of: orthogonal momentum, means, scores, heads that look back, curves
that are kept.
"""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from warpviz.village.network import (
    LOOK_BACK,
    ROPE_BASE,
    Size,
    look_back,
    make_config,
    make_model,
    num_parameters,
)
from warpviz.village.train import curves
from warpviz.village.train.batches import make_batch, to_device
from warpviz.village.train.learner import CONSTANT_UNTIL, WARMUP_STEPS, Learner, rate_factor, scores
from warpviz.village.train.muon import Muon, orthogonalise
from warpviz.village.train.rows import Shape
from warpviz.village.train.token_sequence import Mark
from warpviz.village.world.tokens import Encoder

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, feed_forward=48)
CPU = torch.device("cpu")


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 4, 12), (1, 12, 4), (1, 1, 6)])
def test_singular_values_are_pushed_to_one(shape: tuple[int, int, int]) -> None:
    """However a matrix stretches: afterwards all directions are about as long, its own ones
    kept.
    """
    stack = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 100
    found = orthogonalise(stack)
    assert found.shape == stack.shape
    values = torch.linalg.svdvals(found)
    assert values.max() < 1.35
    assert values.min() > 0.4
    left, _, right = torch.linalg.svd(stack, full_matrices=False)
    aligned = (left.mT @ found @ right.mT).diagonal(dim1=1, dim2=2)
    assert (aligned > 0.3).all()


def test_an_update_is_as_long_whatever_the_gradient() -> None:
    """Muon's step depends on the gradient's directions and the rate, not on its size; it consumes
    the gradient.
    """
    steps = []
    for scale in (1e-3, 1e3):
        parameter = torch.nn.Parameter(torch.zeros(6, 4))
        muon = Muon([parameter], decay=0.0)
        parameter.grad = scale * torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
        muon.step(0.1)
        assert parameter.grad is None
        steps.append(parameter.detach().clone())
    torch.testing.assert_close(*steps, rtol=0, atol=0.01)  # bfloat16 inside
    assert steps[0].norm() > 0.1


def test_matrices_of_a_shape_go_together() -> None:
    """One stack per shape, and each parameter gets its own slice of the update."""
    parts = [torch.nn.Parameter(torch.zeros(4, 4)) for _ in range(2)] + [
        torch.nn.Parameter(torch.zeros(4, 2))
    ]
    muon = Muon(parts)
    assert {name: tuple(state.shape) for name, state in muon.state.items()} == {
        "4x4": (2, 4, 4),
        "4x2": (1, 4, 2),
    }
    alone = torch.nn.Parameter(torch.zeros(4, 4))
    gradient = torch.randn(4, 4, generator=torch.Generator().manual_seed(2))
    for part in parts:
        part.grad = torch.eye(4)[:, : part.shape[1]].clone()
    parts[1].grad = gradient.clone()
    muon.step(0.1)
    alone.grad = gradient.clone()
    Muon([alone]).step(0.1)
    torch.testing.assert_close(parts[1], alone, rtol=0.02, atol=1e-3)


@given(step=st.integers(0, 10**6), progress=st.floats(0, 1))
def test_a_rate_is_a_share(step: int, progress: float) -> None:
    """Never above one, never zero, and after the warm-up the same for every step at one
    progress.
    """
    factor = rate_factor(step, progress)
    assert 0 < factor <= 1
    if step >= WARMUP_STEPS and progress < CONSTANT_UNTIL:
        assert factor == 1


@given(first=st.floats(0, 1), second=st.floats(0, 1))
def test_the_rate_never_rises_again(first: float, second: float) -> None:
    """After the warm-up more progress is never a higher rate."""
    early, late = sorted((first, second))
    assert rate_factor(WARMUP_STEPS, early) >= rate_factor(WARMUP_STEPS, late)


def test_scores_count_by_mark() -> None:
    """Right and all predictions of each mark, against counting by hand."""
    logits = torch.eye(4)[[0, 1, 2, 3, 0]]
    found = scores(
        logits, torch.tensor([0, 1, 0, 3, 3]), torch.tensor([1, 1, 1, 6, 6], dtype=torch.uint8)
    )
    assert found.right.nonzero().flatten().tolist() == [1, 6]
    assert (found.right[1], found.total[1]) == (2, 3)
    assert (found.right[6], found.total[6]) == (1, 2)
    assert found.total.sum() == 5


def test_the_mean_follows_the_weights(encoder: Encoder) -> None:
    """Between the first weights and the last; exchanging twice changes nothing."""
    learner = Learner(make_model(encoder.tokenizer.get_vocab_size(), 0, TINY), CPU)
    before = {name: part.detach().clone() for name, part in learner.model.named_parameters()}
    batch = to_device(make_batch([1], Shape(64, 2, 1), encoder), CPU)
    for step in range(3):
        loss, found = learner.step(batch, step=step, progress=0.0)
    assert torch.isfinite(loss)
    assert found.total.sum() > 0
    name, last = next(iter(learner.model.named_parameters()))
    mean = learner.mean[name].clone()
    low = torch.minimum(before[name], last)
    high = torch.maximum(before[name], last)
    assert (mean - low).min() > -1e-2
    assert (high - mean).min() > -1e-2
    weights = last.detach().clone()
    learner.swap_mean()
    assert torch.equal(last, mean)
    learner.swap_mean()
    assert torch.equal(last, weights)
    assert torch.equal(learner.mean[name], mean)


def test_every_parameter_has_one_optimiser() -> None:
    """Matrices are Muon's, embeddings and vectors Adam's, and none is forgotten."""
    learner = Learner(make_model(300, 0, TINY), CPU)
    named = dict(learner.model.named_parameters())
    assert len(learner.matrices) + len(learner.others) == len(named) == len(learner.mean)
    assert not {id(part) for part in learner.matrices} & {id(part) for part in learner.others}
    assert any(part is named["model.embed_tokens.weight"] for part in learner.others)


def test_a_rate_of_zero_learns_nothing(encoder: Encoder) -> None:
    """The factor on the learning rates reaches both optimisers."""
    learner = Learner(make_model(encoder.tokenizer.get_vocab_size(), 0, TINY), CPU)
    before = [part.detach().clone() for part in learner.model.parameters()]
    learner.step(
        to_device(make_batch([1], Shape(64, 2, 1), encoder), CPU), step=5, progress=0.0, rate=0.0
    )
    assert all(
        torch.equal(one, other)
        for one, other in zip(before, learner.model.parameters(), strict=True)
    )


@pytest.mark.parametrize("layer", range(len(LOOK_BACK)))
def test_heads_begin_by_looking_back(layer: int) -> None:
    """The score of biases alone peaks at the offset the head was given, whatever the position."""
    size = Size(hidden=64, layers=2, heads=4, kv_heads=2, head_dim=64, feed_forward=48)
    model = make_model(300, 0, size)
    look_back(model)
    attention = model.model.layers[layer].self_attn
    half = size.head_dim // 2
    angles = ROPE_BASE ** (-torch.arange(half) / half)

    def turned(vector: torch.Tensor, position: int) -> torch.Tensor:
        cos = torch.cos(position * angles)
        sin = torch.sin(position * angles)
        one = vector[:half]
        other = vector[half:]
        return torch.cat((one * cos - other * sin, other * cos + one * sin))

    for head, offset in enumerate(LOOK_BACK[layer]):
        if offset is None:
            continue
        query = attention.q_proj.bias[head * size.head_dim : (head + 1) * size.head_dim].detach()
        group = head // (size.heads // size.kv_heads)
        key = attention.k_proj.bias[group * size.head_dim : (group + 1) * size.head_dim].detach()
        for at in (20, 300):
            found = [float(turned(query, at) @ turned(key, at - back)) for back in range(16)]
            assert int(np.argmax(found)) == offset


def test_a_size_is_its_configuration() -> None:
    """Heads, widths and depth are those asked for; the default has about two million weights, tied
    ones once.
    """
    config = make_config(1530, TINY)
    assert (config.hidden_size, config.num_hidden_layers, config.head_dim) == (32, 2, 16)
    assert (config.num_attention_heads, config.num_key_value_heads, config.intermediate_size) == (
        2,
        1,
        48,
    )
    assert config.tie_word_embeddings
    assert num_parameters(make_model(1560, 0)) == pytest.approx(2.07e6, rel=0.01)


def test_curves_are_of_fixed_held_out_rows(encoder: Encoder) -> None:
    """The same rows at every measurement, none of them trained; each kind of stream has its own
    n.
    """
    sets = curves.held_out_batches(encoder, lengths=(64,), groups=1, rows=2)
    again = curves.held_out_batches(encoder, lengths=(64,), groups=1, rows=2)
    assert sets.keys() == {"full64", "mixed64", "templates64"}
    for name, group in sets.items():
        assert len(group) == (2 if name.startswith("mixed") else 1)
        assert all(np.array_equal(a.ids, b.ids) for a, b in zip(group, again[name], strict=True))


def test_measuring_changes_no_weight(encoder: Encoder) -> None:
    """Shares lie between 0 and 1 with their n, the model trains on as before, and the result is
    JSON.
    """
    learner = Learner(make_model(encoder.tokenizer.get_vocab_size(), 0, TINY), CPU)
    before = [part.detach().clone() for part in learner.model.parameters()]
    found = curves.measure(
        learner, curves.held_out_batches(encoder, lengths=(64,), groups=1, rows=2)
    )
    assert all(
        torch.equal(one, other)
        for one, other in zip(before, learner.model.parameters(), strict=True)
    )
    assert learner.model.training
    for marks in found.values():
        for name, (share, count) in marks.items():
            assert name.upper() in Mark.__members__
            assert 0 <= share <= 1
            assert count > 0
    assert json.loads(json.dumps(found)).keys() == found.keys()


@settings(max_examples=5)
@given(seed=st.integers(0, 1000))
def test_two_seeds_are_two_models(seed: int) -> None:
    """Weights come from the seed alone, not from torch's own chance."""
    torch.manual_seed(seed)
    one = make_model(64, seed, TINY).model.embed_tokens.weight
    torch.manual_seed(seed + 1)
    same, other = (
        make_model(64, number, TINY).model.embed_tokens.weight for number in (seed, seed + 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
