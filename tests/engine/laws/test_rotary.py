"""Law 6: un-rotating undoes rotating, for every layout and scaling, and finds the model's own
un-rotated keys.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from warp_cortex import Context, Prism
from warp_cortex.attention.rotary import LAYOUTS, rotate, unrotate

from tests.engine.tiny import FAMILIES, build_model, build_prism, build_tokenizer, random_ids

YARN = {
    "rope_type": "yarn",
    "factor": 4.0,
    "original_max_position_embeddings": 128,
    "rope_theta": 10000.0,
}
LINEAR = {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}
ROPED = [family for family in FAMILIES if family != "gpt2"]


@given(
    st.sampled_from(sorted(LAYOUTS)), st.integers(1, 5), st.integers(0, 3), st.integers(0, 10**6)
)
def test_unrotate_undoes_rotate(layout: str, planes: int, tail: int, seed: int) -> None:
    """For any layout, partial rotation and scaling folded into the tables, the key comes back, its
    tail untouched.
    """
    generator = torch.Generator().manual_seed(seed)
    keys = torch.randn(2, 7, 2 * planes + tail, generator=generator, dtype=torch.float64)
    angles = torch.randn(7, planes, generator=generator, dtype=torch.float64)
    double = angles.repeat(1, 2) if layout == "half" else angles.repeat_interleave(2, 1)
    cos, sin = 1.3 * double.cos(), 1.3 * double.sin()  # YaRN scales both
    turned = rotate(keys, cos, sin, layout=layout)
    torch.testing.assert_close(unrotate(turned, cos, sin, layout=layout), keys)
    assert torch.equal(turned[..., 2 * planes :], keys[..., 2 * planes :])
    lengths = turned[..., : 2 * planes].norm(dim=-1)
    torch.testing.assert_close(lengths, 1.3 * keys[..., : 2 * planes].norm(dim=-1))


def test_a_quarter_turn_by_hand() -> None:
    """At ninety degrees (x, y) becomes (-y, x) in every plane, planes being halves or
    neighbours.
    """
    keys = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    cos, sin = torch.zeros(1, 4), torch.ones(1, 4)
    assert rotate(keys, cos, sin, layout="half").tolist() == [[-3, -4, 1, 2]]
    assert rotate(keys, cos, sin, layout="pairs").tolist() == [[-2, 1, -4, 3]]


@pytest.fixture(scope="module", params=ROPED)
def prism(request: pytest.FixtureRequest) -> Iterator[Prism]:
    """A tiny model with rotary positions."""
    with build_prism(request.param) as built:
        yield built


def unrotated(prism: Prism, ids: list[int], layer: int = 0) -> Tensor:
    """Return one layer's un-rotated keys, [T, H_kv * D]."""
    context = Context(prism)
    context.read(ids)
    return context.points("keys", layer=layer, centre=False)


def test_first_layer_keys_depend_on_the_token_alone(prism: Prism) -> None:
    """Without their rotation, the same token's first-layer keys are the same at every position."""
    keys = unrotated(prism, [7, 8] * 40)
    torch.testing.assert_close(keys, keys[:2].repeat(40, 1), rtol=1e-3, atol=1e-4)
    assert (keys[0] - keys[1]).norm() > 0.1


def test_rotating_again_gives_the_cache(prism: Prism) -> None:
    """Rotating the un-rotated keys of any layer at their positions gives the entries as cached."""
    context = Context(prism)
    context.read(random_ids(40, seed=1))
    rotary = prism.rotary
    assert rotary is not None
    for layer in range(prism.spec.num_layers):
        bare = (
            context.points("keys", layer=layer, centre=False)
            .view(40, prism.spec.num_kv_heads, -1)
            .transpose(0, 1)
        )
        again = rotate(bare, *rotary.tables(context.positions, layer), layout=rotary.layout)
        torch.testing.assert_close(
            again, context.store.data[layer, 0, :, :40], rtol=1e-4, atol=1e-5
        )


def test_layouts_are_found_by_looking(prism: Prism) -> None:
    """Only Cohere pairs neighbouring components; GPT-NeoX rotates half of each head."""
    rotary = prism.rotary
    assert rotary is not None
    assert rotary.layout == ("pairs" if "cohere" in prism.spec.name else "half")
    cos, _ = rotary.tables(torch.tensor([3]), 0)
    share = 2 if "neox" in prism.spec.name else 1
    assert cos.shape == (1, prism.spec.head_dim // share)
    assert rotary.bare == frozenset()


@pytest.mark.parametrize("rope", [YARN, LINEAR], ids=["yarn", "linear"])
def test_scaled_embeddings_are_undone(rope: dict[str, Any]) -> None:
    """YaRN's attention factor, folded into cos and sin, is taken out again."""
    with Prism(build_model("llama", rope_parameters=rope), build_tokenizer()) as prism:
        keys = unrotated(prism, [7, 8] * 40)
        torch.testing.assert_close(keys, keys[:2].repeat(40, 1), rtol=1e-3, atol=1e-4)
        with build_prism("llama") as other:
            plain = unrotated(other, [7, 8])
        torch.testing.assert_close(keys[:2], plain, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("family", ["phi3", "llama"])
def test_a_text_ends_where_every_position_would_be_turned_anew(family: str) -> None:
    """LongRoPE changes its frequencies with a text's length: up to there chunks agree, longer texts
    are refused.
    """
    long = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "factor": 8.0,
        "original_max_position_embeddings": 64,
        "short_factor": [1.0] * 4,
        "long_factor": [1.0, 2.0, 4.0, 8.0],
    }
    # Phi-3 has it in both places
    options = {"rope_parameters": long, "original_max_position_embeddings": 64}
    ids = random_ids(65, seed=1)
    with torch.no_grad():
        want = build_model(family, **options)(input_ids=torch.tensor([ids[:64]])).logits[0, -1]
    with Prism(build_model(family, **options), build_tokenizer(), name="long") as prism:
        context = Context(prism)
        context.read(ids[:64], chunk=30)
        assert context.logits is not None
        torch.testing.assert_close(context.logits, want, rtol=1e-4, atol=2e-5)
        with pytest.raises(ValueError, match="65 tokens do not fit: long has 64 positions"):
            context.write(ids[64])


def test_layers_that_do_not_rotate_are_left_as_they_are() -> None:
    """Cohere 2 rotates in its sliding layers only: the keys of the others come back as cached."""
    types = ["sliding_attention", "full_attention", "sliding_attention"]
    model = build_model("cohere2", layer_types=types, sliding_window=64, num_key_value_heads=2)
    with Prism(model, build_tokenizer()) as prism:
        assert prism.rotary is not None
        assert (prism.rotary.layout, prism.rotary.bare) == ("pairs", frozenset({1}))
        context = Context(prism)
        context.read(random_ids(20, seed=2))
        block = context.store.data[1, 0, :, :20].transpose(0, 1).flatten(1)
        assert torch.equal(context.points("keys", layer=1, centre=False), block)
        assert not torch.allclose(
            context.points("keys", layer=0, centre=False),
            context.points("rotated", layer=0, centre=False),
        )


def test_a_model_without_rotary_positions_has_no_keys_to_undo() -> None:
    """GPT-2's cloud of un-rotated keys is refused with what to use instead; its landmarks come from
    its keys.
    """
    with build_prism("gpt2") as prism:
        assert prism.rotary is None
        assert not prism.spec.has_rope
        context = prism.read("some text")
        with pytest.raises(
            ValueError,
            match=r"no rotary positions to undo; use space='rotated', 'values' or 'hidden'",
        ):
            context.points("keys")
        assert torch.equal(context.evidence().keys, context.points("rotated", centre=False))
