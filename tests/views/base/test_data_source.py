"""The DataSource: a context as the views see it: a copy, in the engine's own order, each answer
computed once.
"""

import threading

import numpy as np
import pandas as pd
import pytest
import torch
from warp_cortex import Cortex, CortexConfig, RiverConfig, rank

from tests.engine.tiny import build_prism
from tests.views.clouds import made_up, vectors
from warpviz.topology.landmarks import cover_radii
from warpviz.views.base.data_source import ALL, MEAN, DataSource, source_of, source_of_arrays

TEXT = "The brass key is in the red box. The red box is in the cellar. Maren walked north."


@pytest.fixture(scope="module")
def context():
    """A short text read by a tiny random model."""
    return build_prism("qwen2").read(TEXT)


def test_a_context_keeps_its_tokens_and_vectors(context) -> None:
    """Tokens concatenate to the text; points of any space, layer and head are the engine's."""
    source = source_of(context)
    assert "".join(source.tokens) == context.text
    assert source.spaces == ("keys", "rotated", "values", "hidden")
    assert (source.num_layers, source.num_heads) == (3, 2)
    for space, layer, head, which in (
        ("keys", ALL, ALL, (None, None)),
        ("values", 1, MEAN, (1, "mean")),
        ("rotated", 2, 1, (2, 1)),
        ("hidden", ALL, ALL, (None, None)),
    ):
        wanted = context.points(space, layer=which[0], head=which[1]).numpy()
        assert np.allclose(source.points(space, layer, head), wanted)
    assert np.allclose(source.received(), context.received().numpy())


def test_rankings_are_the_engine_s(context) -> None:
    """The order is that of `rank` on the same evidence; radii may be larger: no sink covers."""
    source = source_of(context)
    for policy, alpha in (("hybrid", 0.3), ("farthest", 0.3), ("h2o", 0.3)):
        mine = source.ranked(space="keys", layer=ALL, policy=policy, alpha=alpha)
        wanted = rank(context.evidence("keys"), k=source.num_tokens, policy=policy, alpha=alpha)
        assert mine.order.tolist() == wanted.order.tolist()
        assert np.isnan(mine.radii[:4]).all()
        assert (mine.radii[4:] >= wanted.radii.numpy()[4:] - 1e-5).all()
        assert np.allclose(mine.radii[4:], cover_radii(source.points(), mine.order)[4:])
        assert mine.landmarks(9).tolist() == sorted(mine.order[:9].tolist())


def test_a_context_that_goes_on_writing_is_not_followed() -> None:
    """What is shown is a copy: tokens written later change neither tokens nor points."""
    context = build_prism("qwen2").read(TEXT)
    source = source_of(context)
    before = source.num_tokens
    for _ in range(5):
        context.write(int(context.logits.argmax()))
    assert source.num_tokens == before
    assert len(source.points()) == before
    assert context.num_tokens == before + 5


def test_a_cortex_tells_prompt_from_writing() -> None:
    """Tokens of the prompt and tokens the River wrote are of different kinds; before a run there is
    nothing to show.
    """
    cortex = Cortex(build_prism("qwen2"), CortexConfig(river=RiverConfig(max_tokens=6)))
    with pytest.raises(ValueError, match="run it first"):
        source_of(cortex)
    for _ in cortex.run(TEXT):
        pass
    source = source_of(cortex)
    written = source.kinds.count("written")
    assert 0 < written <= 6
    assert source.kinds == ["prompt"] * (source.num_tokens - written) + ["written"] * written


def test_a_model_without_rotation_offers_no_keys_space() -> None:
    """Where there is no rotation to undo, the space of un-rotated keys is not offered."""
    source = source_of(build_prism("gpt2").read(TEXT))
    assert "keys" not in source.spaces
    assert len(source.points("rotated")) == source.num_tokens


def test_many_threads_compute_an_answer_once() -> None:
    """However many ask at the same time, points and rankings are computed once each."""
    calls = []
    array = vectors(40)
    inner = source_of_arrays(array)

    def points(*which):
        calls.append(which)
        return array

    source = DataSource(
        tokens=["x"] * 40, points=points, rank=inner._rank, received=inner._received
    )
    threads = [threading.Thread(target=source.points) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [("keys", ALL, ALL)]


@pytest.mark.parametrize("kind", [torch.from_numpy, np.ndarray.tolist, pd.DataFrame])
def test_whatever_holds_numbers_is_a_source(kind) -> None:
    """Tensors, lists and data frames are read as the array they hold."""
    points = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    assert np.array_equal(source_of(kind(points)).points(), points)


@pytest.mark.parametrize(
    ("given_", "error", "said"),
    [
        (np.zeros((0, 3)), ValueError, "at least 1 rows, got 0"),
        (np.zeros((2, 3, 4)), ValueError, r"\[N, P\] with P >= 1, got shape \(2, 3, 4\)"),
        (np.full((5, 2), np.nan), ValueError, "5 of 5 rows are not"),
        (3, TypeError, "a Context, a Cortex or numbers .* got int"),
        (object(), TypeError, "a Context, a Cortex or numbers .* got object"),
        ([[1.0], [2.0, 3.0]], TypeError, "got list"),
    ],
)
def test_what_is_no_source_is_named(given_, error, said) -> None:
    """The shape, the row or the type that is wrong stands in one line."""
    with pytest.raises(error, match=said):
        source_of(given_)


def test_rank_arrays_are_ready_for_the_wire() -> None:
    """Every array has a dtype the wire carries, and the radii at k bound every chain's distance
    outside the sinks.
    """
    source = made_up(80)
    arrays = source.rank_arrays(space="keys", layer=ALL, policy="farthest", alpha=0.3)
    assert {array.dtype.name for array in arrays.values()} <= {"float32", "uint32"}
    chains = source.chains(space="keys", layer=ALL, policy="farthest", alpha=0.3)
    for k in (5, 30, 60):
        _, distances = chains.at(k)
        assert distances[4:].max() <= arrays["radii"][k - 1] * (1 + 1e-4)
