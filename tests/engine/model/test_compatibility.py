"""Which models are served: families that give their own logits; others are refused by reason."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedModel,
    T5Config,
    T5ForConditionalGeneration,
)
from warp_cortex import Context, Prism, StreamBatch, Synapse, SynapseConfig

from tests.engine.tiny import SHAPE, build_model, build_tokenizer, random_ids

MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
SERVED: dict[str, dict[str, Any]] = {
    "gemma3_text": {"head_dim": 8, "sliding_window": 16},
    "cohere2": {"sliding_window": 16},
    "exaone4": {"sliding_window": 16},
    "smollm3": {},
    "olmo2": {},
    "granite": {},
    "phi": {},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "glm4": {"head_dim": 8},
    "ernie4_5": {"head_dim": 8},
    "helium": {"head_dim": 8},
    "starcoder2": {},
    "qwen3_moe": {"head_dim": 8, **MOE},
    "mixtral": {"num_local_experts": 2},
    "gpt_bigcode": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512},
    "afmoe": {"head_dim": 8, "sliding_window": 16, **MOE},
}
MLA = {
    "n_routed_experts": 4,
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 8,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_key_value_heads": 4,
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "mamba": ({"state_size": 8}, "does not use transformers' attention interface"),
    "mpt": (
        {"d_model": 32, "n_heads": 4, "n_layers": 3, "expansion_ratio": 2},
        (
            "MptForCausalLM does not use transformers' attention interface, "
            "so its attention cannot be shared"
        ),
    ),
    "gpt_oss": (
        {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 8},
        "GptOssAttention uses s_aux, which shared-context attention does not support",
    ),
    "recurrent_gemma": ({}, "linear_attention layers, which keep no keys and values"),
    "llama4_text": ({"head_dim": 8, "num_local_experts": 2}, "chunked_attention layers"),
    "deepseek_v3": ({**MOE, **MLA}, r"different shapes \(\(1, 1, 8, 8\), \(1, 1, 8, 16\)\)"),
    "nemotron": ({"head_dim": 8}, "does not hand keywords on to its attention"),
    "diffllama": ({}, "DiffLlamaForCausalLM gives other logits through shared-context attention"),
    "jetmoe": (
        {"num_local_experts": 4},
        (
            "JetMoeAttention attends to 4 heads of keys where it caches 2, "
            "so what is cached cannot be shared"
        ),
    ),
    "phimoe": (
        {"sliding_window": 16, "num_local_experts": 4},
        (
            r"passes the sliding windows none to its attention but masks \[16\], "
            "so they cannot be honoured"
        ),
    ),
    "olmoe": (
        {"sliding_window": 16, **MOE},
        r"passes the sliding windows \[16\] to its attention but masks none",
    ),
    "doge": (
        {"sliding_window": 16},
        "DogeAttention uses attention_mask, which shared-context attention does not",
    ),
}


def causal(kind: str, options: dict[str, Any]) -> Any:
    """Return a tiny random model of any family."""
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(
        AutoConfig.for_model(kind, **{**SHAPE, **options})
    ).eval()


def world(model: PreTrainedModel) -> tuple[object, ...]:
    """Return what the engine may change in a model and must restore."""
    hooks = sum(len(m._forward_pre_hooks) + len(m._forward_hooks) for m in model.modules())
    return model.config._attn_implementation, hooks, model.training


@pytest.mark.parametrize("kind", sorted(SERVED))
def test_many_families_give_their_own_logits(kind: str) -> None:
    """Read in chunks through the engine, a text has the logits the model computes by itself."""
    model = causal(kind, SERVED[kind])
    ids = random_ids(40, seed=1)
    with torch.no_grad():
        want = model(input_ids=torch.tensor([ids])).logits[0, -1]
    with Prism(model, build_tokenizer()) as prism:
        context = Context(prism)
        context.read(ids, chunk=15)
        assert context.logits is not None
        torch.testing.assert_close(context.logits, want, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", sorted(SERVED))
def test_many_families_think_over_what_they_have_read(kind: str) -> None:
    """With every token a landmark, ragged batches have the logits of the model's continuation."""
    model = causal(kind, SERVED[kind])
    ids = random_ids(40, seed=1)
    with torch.no_grad():
        want = model(input_ids=torch.tensor([ids])).logits[0]
    with Prism(model, build_tokenizer()) as prism:
        context = Context(prism)
        context.read(ids[:30])
        batch = StreamBatch(prism, Synapse(SynapseConfig(policy="all")).publish(context))
        got = [*batch.admit([0, 1], [ids[30:38], ids[30:33]], [None, None]).logits]
        got += [*batch.step(torch.tensor([ids[38], ids[33]])).logits]
    torch.testing.assert_close(torch.stack(got), want[[37, 32, 38, 33]], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", sorted(REFUSED))
def test_what_cannot_be_served_is_refused_with_the_reason(kind: str) -> None:
    """State-space, sinks, chunks, unequal entries: a one-line error, and the model is restored."""
    options, message = REFUSED[kind]
    model = causal(kind, options)
    before = world(model)
    with pytest.raises(ValueError, match=message) as caught:
        Prism(model, build_tokenizer())
    assert "\n" not in str(caught.value)
    assert world(model) == before


def test_encoder_decoders_are_refused() -> None:
    """T5 has no single text to share."""
    config = T5Config(
        vocab_size=260,
        d_model=32,
        d_kv=8,
        d_ff=32,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    with pytest.raises(
        ValueError, match="is an encoder-decoder model; only decoder-only models are supported"
    ):
        Prism(T5ForConditionalGeneration(config), build_tokenizer())


def louder(model: PreTrainedModel) -> None:
    """Make the first layer scale its scores by a factor that its attention does not get."""
    attention = model.model.layers[0].self_attn
    own = attention.forward

    def forward(hidden_states: torch.Tensor, *args: Any, **options: Any) -> Any:
        factor = 3.0 if options.get("warp") is None else 1.0
        return own(hidden_states * factor, *args, **options)

    attention.forward = forward


def silent(model: PreTrainedModel) -> None:
    """Make a layer not pass its window to its attention."""
    model.model.layers[0].self_attn.sliding_window = None


def shared(model: PreTrainedModel) -> None:
    """Make the last layer read the entries of the one before, as some models do to save memory."""
    model.model.layers[2].self_attn.layer_idx = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (louder, "gives other logits through shared-context attention"),
        (silent, r"does not pass the sliding window of layers \[0\] to its attention"),
        (shared, "keeps keys and values of its own in 2 of 3 layers; all must"),
    ],
)
def test_a_model_that_hides_something_is_found_out(
    change: Callable[[PreTrainedModel], None], message: str
) -> None:
    """What no class name says is measured before use: own logits, windows and entries."""
    model = build_model("gemma2")
    change(model)
    before = world(model)
    with pytest.raises(ValueError, match=message):
        Prism(model, build_tokenizer())
    assert world(model) == before


def scaled(model: PreTrainedModel) -> None:
    """Make every layer scale its scores by something else."""
    for layer in model.model.layers:
        layer.self_attn.scaling *= 2


def biased(model: PreTrainedModel) -> None:
    """Give the head a bias."""
    model.lm_head.bias = nn.Parameter(torch.randn(model.config.vocab_size))


def centred(model: PreTrainedModel) -> None:
    """Put another norm in the first layer."""
    model.model.layers[0].input_layernorm = nn.LayerNorm(model.config.hidden_size)


@pytest.mark.parametrize("change", [scaled, biased, centred])
def test_a_part_its_family_does_not_have_is_never_passed_by(
    change: Callable[[PreTrainedModel], None],
) -> None:
    """A Llama with changed modules writes what it computes itself, not what a plain Llama would."""
    model = build_model("llama")
    change(model)
    ids = random_ids(30, seed=1)
    with torch.no_grad():
        want = model(input_ids=torch.tensor([ids])).logits[0, -1]
    with Prism(model, build_tokenizer()) as prism:
        context = Context(prism)
        context.read(ids[:25])
        for token in ids[25:]:
            context.write(token)
        assert prism.decoder is None
    torch.testing.assert_close(context.logits, want, rtol=1e-3, atol=1e-4)
