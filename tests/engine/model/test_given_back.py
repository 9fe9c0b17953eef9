"""A model that cannot be served goes back as it was, and the reason is one line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
)
from warp_cortex import Prism
from warp_cortex.model import shared

from tests.engine.tiny import SHAPE, build_model, build_tokenizer

HEADLESS = (
    AutoModel,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
)
IDS = torch.tensor([[5, 6, 7]])


def world(model: PreTrainedModel) -> tuple[object, ...]:
    """Return what the engine may change in a model and must restore."""
    hooks = sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())
    return model.config._attn_implementation, hooks, [m.training for m in model.modules()]


def half_frozen(model: PreTrainedModel) -> None:
    """Train a model, but for one of its layers."""
    model.train()
    model.get_decoder().layers[1].eval()


@pytest.mark.parametrize("mode", [PreTrainedModel.eval, PreTrainedModel.train, half_frozen])
@pytest.mark.parametrize("kind", HEADLESS)
def test_a_model_without_a_vocabulary_is_refused(
    kind: Any, mode: Callable[[PreTrainedModel], object]
) -> None:
    """Classifiers and bare models: the line names what loads one that writes."""
    model = kind.from_config(AutoConfig.for_model("llama", **SHAPE))
    mode(model)
    before = world(model)
    with pytest.raises(
        ValueError, match=r"has no vocabulary to write with; .*AutoModelForCausalLM"
    ) as caught:
        Prism(model, build_tokenizer())
    assert "\n" not in str(caught.value)
    assert world(model) == before
    model(input_ids=IDS)


def failing(*_: object, **__: object) -> None:
    """Fail as anything may."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("part", ["decoder_layers", "describe", "WeightSums", "refuse_unsupported"])
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_whatever_fails_the_model_goes_back(
    part: str, attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also Ctrl-C, at any step of wrapping it."""
    model = build_model("llama")
    model.set_attn_implementation(attention)
    half_frozen(model)
    before = world(model)
    monkeypatch.setattr(shared, part, failing)
    with pytest.raises(KeyboardInterrupt):
        Prism(model, build_tokenizer())
    assert world(model) == before
    model(input_ids=IDS)


@pytest.mark.parametrize("step", ["ask_model", "study", "probe_ids"])
def test_a_probe_that_fails_gives_the_model_back(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The probe runs the model in both ways."""
    model = build_model("llama")
    half_frozen(model)
    before = world(model)
    monkeypatch.setattr(shared.probing, step, failing)
    with pytest.raises(KeyboardInterrupt):
        Prism(model, build_tokenizer())
    assert world(model) == before


def test_a_model_of_mixed_modes_goes_back_as_it_was() -> None:
    """A layer that its user froze in evaluation stays so, and the others train again."""
    model = build_model("llama")
    half_frozen(model)
    before = world(model)
    with Prism(model, build_tokenizer()) as prism:
        assert not any(module.training for module in model.modules())
        prism.read("text")
    assert world(model) == before


@pytest.mark.parametrize(
    ("model", "tokenizer", "message"),
    [
        ("village", build_tokenizer(), r"a Prism holds a transformers model, got 'village'; Prism"),
        (nn.Linear(2, 2), build_tokenizer(), "a Prism holds a transformers model, got Linear"),
        (None, build_tokenizer(), "a Prism holds a transformers model, got NoneType"),
        (build_model("llama"), None, "needs the model's tokenizer, got NoneType; AutoTokenizer"),
        (build_model("llama"), "village", "needs the model's tokenizer, got str"),
    ],
)
def test_what_is_no_model_or_tokenizer_is_said(model: Any, tokenizer: Any, message: str) -> None:
    """A TypeError in one line, before anything is touched."""
    with pytest.raises(TypeError, match=message) as caught:
        Prism(model, tokenizer)
    assert "\n" not in str(caught.value)


def seeing(depth: int) -> PreTrainedModel:
    """Return a model that also sees; its vision tower has `depth` layers and comes first."""
    torch.manual_seed(0)
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": depth,
        "image_size": 28,
        "patch_size": 14,
        "projection_dim": 16,
    }
    text = {**SHAPE, "model_type": "llama", "head_dim": 8}
    config = LlavaConfig(text_config=text, vision_config=vision)
    return LlavaForConditionalGeneration(config).eval()


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_model_that_also_sees_is_served(depth: int) -> None:
    """Its states are the text decoder's, however deep its vision tower is."""
    model = seeing(depth)
    model.config.vision_config._attn_implementation = "eager"
    before = world(model), model.config.vision_config._attn_implementation
    with Prism(model, build_tokenizer()) as prism:
        context = prism.read("hello there")
        assert context.middle.shape == (11, 32)
        assert context.logits is not None
        ids = torch.tensor([context.ids])
    with torch.no_grad():
        want = model(input_ids=ids).logits[0, -1]
    torch.testing.assert_close(context.logits, want, rtol=1e-4, atol=1e-5)
    assert (world(model), model.config.vision_config._attn_implementation) == before


def test_decoder_layers_that_do_not_run_are_refused() -> None:
    """A model whose layers are passed by has no middle state: a ValueError, no assertion."""
    model = build_model("llama")
    spare = nn.ModuleList([nn.Identity() for _ in range(3)])
    body = model.model
    del body.layers
    body.layers = spare
    own = body.forward

    def forward(*args: Any, **options: Any) -> Any:
        body.layers = nn.ModuleList()
        try:
            return own(*args, **options)
        finally:
            body.layers = spare

    body.forward = forward
    with pytest.raises(ValueError, match="LlamaForCausalLM") as caught:
        Prism(model, build_tokenizer())
    assert "\n" not in str(caught.value)


def offloaded(model: PreTrainedModel) -> None:
    """Let the weights of a layer come only when it runs, as offloading libraries do."""
    layer = model.model.layers[1].mlp
    kept = {name: part.detach().clone() for name, part in layer.named_parameters()}

    def place(device: str) -> None:
        for name, part in kept.items():
            owner = layer.get_submodule(name.rpartition(".")[0])
            owner.weight = nn.Parameter(part.to(device), requires_grad=False)

    layer.register_forward_pre_hook(lambda *_: place("cpu"))
    layer.register_forward_hook(lambda *_: place("meta"))
    place("meta")


def test_offloaded_weights_are_named() -> None:
    """One line that names the first and says what would help; the model still works."""
    model = build_model("llama")
    offloaded(model)
    before = world(model)
    with pytest.raises(ValueError, match=r"not in memory, 'model.layers.1.mlp.*load it whole on"):
        Prism(model, build_tokenizer())
    assert world(model) == before
    model(input_ids=IDS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_that_are_not_finite_are_named(value: float, dtype: torch.dtype) -> None:
    """One broken number among thousands, of a token that no probe reads: it is no odd attention."""
    model = build_model("llama").to(dtype)
    with torch.no_grad():
        model.model.embed_tokens.weight[250, 3] = value
    before = world(model)
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(ValueError, match=f"not finite in {name}: 'model.embed_tokens.weight'"):
        Prism(model, build_tokenizer())
    assert world(model) == before


def test_a_model_that_overflows_by_itself_is_said() -> None:
    """Finite weights whose logits are not finite in half precision: its attention is not blamed."""
    model = build_model("llama").to(torch.float16)
    with torch.no_grad():
        model.lm_head.weight.fill_(60_000.0)
        model.model.norm.weight.fill_(60_000.0)
    with pytest.raises(ValueError, match="logits that are not finite in float16, without this"):
        Prism(model, build_tokenizer())
