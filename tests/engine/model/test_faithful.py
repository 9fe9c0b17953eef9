"""Precision is no unfaithfulness: half precision is served, another attention is refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel
from warp_cortex import Prism
from warp_cortex.model import probing
from warp_cortex.model.compatibility import EXACT, HALF, MOST_SPREAD, is_faithful

from tests.engine.tiny import LAW_FAMILIES, build_model, build_tokenizer

HALVES = (torch.bfloat16, torch.float16)
OWN = torch.tensor([-1.0, 0.0, 1.0])


def louder(model: PreTrainedModel) -> None:
    """Make the first layer scale its input unless it runs through this engine."""
    attention = model.get_decoder().layers[0].self_attn
    own = attention.forward

    def forward(hidden_states: torch.Tensor, *args: Any, **options: Any) -> Any:
        factor = 3.0 if options.get("warp") is None else 1.0
        return own(hidden_states * factor, *args, **options)

    attention.forward = forward


def backwards(model: PreTrainedModel) -> None:
    """Turn the first layer's output round unless it runs through this engine."""
    attention = model.get_decoder().layers[0].self_attn
    own = attention.forward

    def forward(*args: Any, **options: Any) -> Any:
        out, *rest = own(*args, **options)
        return (out if options.get("warp") is not None else -out, *rest)

    attention.forward = forward


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("family", LAW_FAMILIES)
def test_half_precision_is_served(family: str, dtype: torch.dtype) -> None:
    """Every family, in both kinds of half precision."""
    with Prism(build_model(family).to(dtype), build_tokenizer()) as prism:
        assert prism.dtype == dtype
        assert prism.read("some text").text == "some text"


@pytest.mark.parametrize("change", [louder, backwards])
@pytest.mark.parametrize("dtype", [torch.float32, *HALVES])
@pytest.mark.parametrize("family", ["llama", "qwen2", "gemma"])
def test_another_attention_is_refused(
    family: str, dtype: torch.dtype, change: Callable[[PreTrainedModel], None]
) -> None:
    """In half precision too, where the model's own ways differ a little."""
    model = build_model(family).to(dtype)
    change(model)
    with pytest.raises(ValueError, match="gives other logits through shared-context attention"):
        Prism(model, build_tokenizer())


def off(amount: float, dtype: torch.dtype) -> torch.Tensor:
    """Return the logits with one of them off by `amount` of their spread."""
    return (OWN + torch.tensor([0.0, amount, 0.0])).to(dtype)


@pytest.mark.parametrize("dtype", HALVES)
def test_the_models_own_spread_is_allowed_for(dtype: torch.dtype) -> None:
    """Twice what its own ways differ by, from HALF to MOST_SPREAD."""
    own = OWN.to(dtype)
    assert is_faithful(off(0.9 * HALF, dtype), own)
    assert not is_faithful(off(1.5 * HALF, dtype), own)
    assert is_faithful(off(1.5 * HALF, dtype), own, spread=HALF)
    assert not is_faithful(off(1.5 * MOST_SPREAD, dtype), own, spread=10.0)
    assert not is_faithful(own * float("nan"), own, spread=10.0)


def test_float32_has_no_spread() -> None:
    """Whatever the model's ways differ by, float32 is compared exactly."""
    assert is_faithful(off(0.5 * EXACT, torch.float32), OWN)
    assert not is_faithful(off(2 * EXACT, torch.float32), OWN, spread=10.0)
    with Prism(build_model("llama"), build_tokenizer()) as prism:
        assert prism._own.spread == 0.0


def test_the_probe_is_an_ordinary_text() -> None:
    """Its words, by the model's own tokenizer, and not the first ids, which may be untrained."""
    tokenizer = build_tokenizer()
    ids = probing.probe_ids(build_model("llama"), tokenizer)
    assert ids.shape == (1, probing.NUM_TOKENS)
    assert tokenizer.decode(ids[0]) == probing.TEXT[: probing.NUM_TOKENS]


def broken(_: str) -> Any:
    """Fail as a tokenizer that is no tokenizer may."""
    msg = "no"
    raise RuntimeError(msg)


@pytest.mark.parametrize(
    "tokenizer",
    [
        broken,
        lambda _: {},
        lambda _: {"input_ids": [5, 6]},
        lambda _: {"input_ids": [10**6] * 20},
        lambda _: {"input_ids": [-1] * 20},
    ],
)
def test_a_tokenizer_that_does_not_serve_leaves_the_first_ids(tokenizer: Any) -> None:
    """It fails, makes too few tokens or some that the model does not have."""
    ids = probing.probe_ids(build_model("llama"), tokenizer)
    assert ids.tolist() == [list(range(3, 3 + probing.NUM_TOKENS))]
