"""Weights arranged for decode steps are the model's own, held once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import torch
from warp_cortex import Prism
from warp_cortex.decode.weights import fuse, unfusable

from tests.engine.tiny import build_prism

Lend = Callable[..., Prism]


@pytest.fixture
def lend() -> Iterator[Lend]:
    """Tiny models of this test's own, given back at its end."""
    with ExitStack() as stack:
        yield lambda *family: stack.enter_context(build_prism(*family))


def test_arranging_weights_holds_nothing_twice_and_leaves_the_model_as_it_was(lend: Lend) -> None:
    """Parameters become views: the same values, the same bytes, and a second call moves nothing."""
    prism = lend()
    before = {name: value.clone() for name, value in prism.model.state_dict().items()}
    held = prism.weight_bytes
    first, second = (fuse(prism.model, prism.layout) for _ in range(2))
    assert prism.weight_bytes == held
    assert first.layers[0].into_mlp.data_ptr() == second.layers[0].into_mlp.data_ptr()
    for name, value in prism.model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("family", ["gemma2", "gpt2", "gpt_neox", "phi3"])
def test_other_families_are_refused_by_reason(lend: Lend, family: str) -> None:
    """A model whose arithmetic is not written out is refused, and the reason is told."""
    prism = lend(family)
    assert unfusable(prism.model, prism.layout) is not None
    with pytest.raises(ValueError, match="cannot take fast steps"):
        fuse(prism.model, prism.layout)
