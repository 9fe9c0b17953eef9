"""What the engine relies on in transformers: a new version that changes one of these fails here."""

import inspect
from typing import Any

import pytest
import torch
import transformers
from transformers import AttentionInterface, DynamicCache, PreTrainedModel
from transformers.cache_utils import Cache
from warp_cortex.attention import patch
from warp_cortex.cache.slots import SlotView
from warp_cortex.cache.store import AppendView
from warp_cortex.model.probing import Probe

from tests.engine.tiny import FAMILIES, build_model


def test_attention_can_be_registered_by_name() -> None:
    """A function registered under a name is what every model with that implementation calls."""
    assert list(inspect.signature(AttentionInterface.register).parameters) == ["key", "value"]
    assert {"attn_implementation"} <= set(
        inspect.signature(PreTrainedModel.set_attn_implementation).parameters
    )


def test_attention_is_called_the_way_ours_reads_it() -> None:
    """Module, query, key, value and mask come first; scaling and unknown keywords come by name."""
    seen: dict[str, Any] = {}

    def spy(module: Any, query: Any, key: Any, value: Any, mask: Any = None, **options: Any) -> Any:
        seen.update(options, mask=mask, index=module.layer_idx, shape=query.shape, groups=key.shape)
        return value.repeat_interleave(2, 1).transpose(1, 2), None

    AttentionInterface.register("spy", spy)
    try:
        model = build_model("qwen2")
        model.set_attn_implementation("spy")
        model(input_ids=torch.tensor([[5, 6, 7]]), warp="something of ours")
    finally:
        del AttentionInterface._global_mapping["spy"]
    assert seen["warp"] == "something of ours"
    assert seen["mask"] is None, (
        "a mask is prepared for an attention whose name has no mask function"
    )
    assert (seen["shape"], seen["groups"]) == ((1, 4, 3, 8), (1, 2, 3, 8))
    assert seen["scaling"] == pytest.approx(8**-0.5)
    assert seen["index"] == 2


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_models_say_whether_they_use_the_interface(family: str) -> None:
    """The flag that refuses foreign models is there and set on those we serve."""
    model = build_model(family)
    assert model._supports_attention_backend is True
    assert isinstance(model.config._attn_implementation, str)
    assert model.get_output_embeddings() is not None
    text = model.config.get_text_config()
    for name in (
        "num_hidden_layers",
        "num_attention_heads",
        "hidden_size",
        "vocab_size",
        "max_position_embeddings",
    ):
        assert isinstance(getattr(text, name), int)


def test_a_cache_is_written_and_measured_through_two_methods() -> None:
    """Layers call update(key, value, layer), and get_seq_length for the number of entries held."""
    names = list(inspect.signature(Cache.update).parameters)
    assert names[:4] == ["self", "key_states", "value_states", "layer_idx"]
    calls = []

    class Spy(DynamicCache):
        def update(self, *args: Any, **options: Any) -> Any:
            calls.append((len(args), sorted(options)))
            return super().update(*args, **options)

    build_model("qwen2")(input_ids=torch.tensor([[5, 6]]), past_key_values=Spy(), use_cache=True)
    assert calls == [(3, [])] * 3
    for view in (AppendView, SlotView, Probe):
        assert issubclass(view, Cache)
        assert list(inspect.signature(view.get_seq_length).parameters) == ["self", "layer_idx"]


def test_positions_are_what_we_say() -> None:
    """position_ids decide the rotation; if given, the length of the cache does not matter."""
    model = build_model("qwen2")
    where = torch.tensor([[0, 1, 2]])
    near = model(input_ids=torch.tensor([[5, 6, 7]]), position_ids=where).logits
    far = model(input_ids=torch.tensor([[5, 6, 7]]), position_ids=where + 50).logits
    odd = model(input_ids=torch.tensor([[5, 6, 7]]), position_ids=where * 9).logits
    torch.testing.assert_close(near, far, rtol=1e-3, atol=1e-3)
    assert (near - odd).abs().max() > 1e-3


def test_the_vocabulary_is_projected_from_what_the_hook_hands_on() -> None:
    """A pre-hook on the output embeddings that keeps one row gives one row of logits."""
    model = build_model("gemma2")  # the one with a soft cap behind the projection
    handle = model.get_output_embeddings().register_forward_pre_hook(
        lambda _, args: (args[0][:, -1:],)
    )
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.shape == (1, 1, 260)
    handle.remove()
    assert model(input_ids=torch.tensor([[5, 6, 7]])).logits.shape == (1, 3, 260)


def test_the_version_is_one_we_know() -> None:
    """Attention interfaces and caches were last reshaped in 5.x."""
    assert transformers.__version__.split(".")[0] == "5"


def test_a_config_keeps_its_attention_where_it_is_restored() -> None:
    """Setting it there and through the model are one."""
    model = build_model("llama")
    for name in ("eager", "sdpa"):
        model.set_attn_implementation(name)
        assert getattr(model.config, patch.ATTENTION) == name
        assert patch.attention_of(model) == name


def test_what_reads_gguf_is_where_it_is_expected() -> None:
    """Its progress bar, its architectures and gguf's table of types, none of which is public."""
    from gguf.quants import _type_traits
    from transformers import modeling_gguf_pytorch_utils

    assert callable(modeling_gguf_pytorch_utils.tqdm)
    assert "llama" in modeling_gguf_pytorch_utils.GGUF_SUPPORTED_ARCHITECTURES
    assert _type_traits


def test_a_report_of_loading_names_what_is_missing_or_of_another_shape() -> None:
    """Both are filled at random, and the names are returned if asked for."""
    assert "output_loading_info" in inspect.getsource(PreTrainedModel.from_pretrained)
    assert isinstance(build_model("llama").all_tied_weights_keys, dict)
