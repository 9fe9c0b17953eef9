"""A model's own weights, arranged for fast steps: one product for queries, keys and values, one for the gated MLP.

The modules' parameters become views of the arranged tensors, so nothing is held twice and the model works as before.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from warp_cortex.prism import Prism

FAMILIES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One decoder layer: products are stored as [out, in]; a bias is None where the model has none."""

    before_attention: Tensor  # [C]
    into_attention: Tensor  # [(H_q + 2 H_kv) D, C]
    into_attention_bias: Tensor | None
    from_attention: Tensor  # [C, H_q D]
    from_attention_bias: Tensor | None
    before_mlp: Tensor  # [C]
    into_mlp: Tensor  # [2 I, C], gate above up
    from_mlp: Tensor  # [C, I]


@dataclass(frozen=True, slots=True, eq=False)
class FusedWeights:
    """Everything a step reads. embedding, head: [V, C] (the same tensor when the model ties them)."""

    embedding: Tensor
    layers: tuple[Layer, ...]
    final: Tensor
    head: Tensor
    eps: float


def unfusable(prism: Prism) -> str | None:
    """Return why a model cannot take fast steps, or None if it can."""
    model, config = prism.model, prism.model.config.get_text_config()
    kind = type(model).__name__
    if kind not in FAMILIES:
        return f"{kind} is none of {', '.join(FAMILIES)}"
    if config.hidden_act != "silu" or getattr(config, "mlp_bias", False):
        return f"its MLP is not a plain gated SiLU ({config.hidden_act})"
    if "sliding_attention" in (getattr(config, "layer_types", None) or ()) or _window(model):
        return "it has sliding-window layers"
    if prism.rotary is None or prism.rotary.layout != "half" or _partial(prism):
        return "its rotary layout is not rotate-half over the whole head"
    if (kind_of_rope := config.rope_parameters.get("rope_type", "default")) in {"dynamic", "longrope"}:
        return f"its rotary embedding depends on the length ({kind_of_rope})"
    return None


def fuse(prism: Prism) -> FusedWeights:
    """Arrange a model's weights for fast steps; doing it again finds them arranged already and moves nothing.

    Raises:
        ValueError: the model is of a family whose arithmetic is not written out here; see `unfusable`.
    """
    if (reason := unfusable(prism)) is not None:
        msg = f"{prism.spec.name} cannot take fast steps: {reason}"
        raise ValueError(msg)
    body, head = prism.model.model, prism.model.get_output_embeddings()
    layers = tuple(_layer(layer) for layer in body.layers)
    eps = float(body.norm.variance_epsilon)
    return FusedWeights(body.embed_tokens.weight, layers, body.norm.weight, head.weight, eps)


def _layer(layer: Any) -> Layer:
    mixing, mlp = layer.self_attn, layer.mlp
    heads = (mixing.q_proj, mixing.k_proj, mixing.v_proj)
    bias = None if mixing.q_proj.bias is None else _join([part.bias for part in heads])
    return Layer(
        before_attention=layer.input_layernorm.weight,
        into_attention=_join([part.weight for part in heads]),
        into_attention_bias=bias,
        from_attention=mixing.o_proj.weight,
        from_attention_bias=mixing.o_proj.bias,
        before_mlp=layer.post_attention_layernorm.weight,
        into_mlp=_join([mlp.gate_proj.weight, mlp.up_proj.weight]),
        from_mlp=mlp.down_proj.weight,
    )


@torch.no_grad()
def _join(parts: list[nn.Parameter]) -> Tensor:
    """Return the parameters below each other in one tensor, of which each is a view from now on."""
    first = parts[0].data
    shape = (sum(len(part) for part in parts), *first.shape[1:])
    starts = [sum(part.numel() for part in parts[:i]) for i in range(len(parts))]
    offset = first.storage_offset()
    if all(
        part.data.untyped_storage().data_ptr() == first.untyped_storage().data_ptr()
        and part.data.storage_offset() == offset + start
        for part, start in zip(parts, starts, strict=True)
    ):
        return first.as_strided(shape, first.stride())
    whole = torch.cat([part.data for part in parts])
    for part, view in zip(parts, torch.split(whole, [len(part) for part in parts]), strict=True):
        part.data = view
    return whole


def _window(model: PreTrainedModel) -> bool:
    return any(getattr(layer.self_attn, "sliding_window", None) for layer in model.model.layers)


def _partial(prism: Prism) -> bool:
    assert prism.rotary is not None  # noqa: S101 - asked only then
    cos, _ = prism.rotary.tables(torch.zeros(1, dtype=torch.long, device=prism.device), 0)
    return cos.shape[-1] != prism.spec.head_dim
