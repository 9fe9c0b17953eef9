"""The bundled model's architecture and initial weights: a small Qwen2."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from warpviz.village.world.tokens import BOS, EOS, PAD

ROPE_BASE = 10_000.0
LOOK_BACK = ((1, 2, 3, None), (1, 4, None, None))


@dataclass(frozen=True, slots=True)
class Size:
    """Width, depth, heads and feed-forward width; the default has about two million parameters."""

    hidden: int = 192
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    feed_forward: int = 512


def make_config(vocab_size: int, size: Size) -> Qwen2Config:
    """The Qwen2 configuration of a size."""
    return Qwen2Config(
        vocab_size=vocab_size,
        hidden_size=size.hidden,
        intermediate_size=size.feed_forward,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.kv_heads,
        head_dim=size.head_dim,
        tie_word_embeddings=True,
        max_position_embeddings=8192,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_BASE},
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        attn_implementation="sdpa",
    )


def make_model(vocab_size: int, seed: int, size: Size | None = None) -> Qwen2ForCausalLM:
    """A fresh model in float32, the same for the same seed."""
    model = Qwen2ForCausalLM(make_config(vocab_size, size or Size()))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.dim() == 2:
                std = 0.08 if "embed" in name else 0.02
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * std)
    look_back(model)
    return model


def look_back(model: Qwen2ForCausalLM, *, strength: float = 4.5, pairs: int = 5) -> None:
    """Start some heads of the first two layers as heads that look a fixed offset back.

    A score that comes from the query and key biases alone peaks, under RoPE, at a chosen offset;
    the heads stay trainable. The model card says so.
    """
    head_dim = model.config.head_dim
    angles = ROPE_BASE ** (-torch.arange(pairs) / (head_dim / 2))
    with torch.no_grad():
        for layer, offsets in zip(model.model.layers, LOOK_BACK, strict=False):
            attention = layer.self_attn
            for group in range(model.config.num_key_value_heads):
                attention.k_proj.bias[group * head_dim : group * head_dim + pairs] = strength
            for head, offset in enumerate(offsets[: model.config.num_attention_heads]):
                if offset is None:
                    continue
                scale = strength * (1.0 if offset < 4 else 0.5)
                start = head * head_dim
                half = start + head_dim // 2
                attention.q_proj.bias[start : start + pairs] = scale * torch.cos(offset * angles)
                attention.q_proj.bias[half : half + pairs] = -scale * torch.sin(offset * angles)


def num_parameters(model: torch.nn.Module) -> int:
    """Distinct parameters, tied ones counted once."""
    return sum(math.prod(parameter.shape) for parameter in model.parameters())
