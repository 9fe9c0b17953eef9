"""Tiny random models of several families and a byte-level tokenizer, built in memory."""

from functools import cache
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast
from warp_cortex import VOICES, Prism

SHAPE: dict[str, Any] = {
    "vocab_size": 260,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "qwen2": {},
    "qwen3": {"head_dim": 16},
    "llama": {},
    "mistral": {"sliding_window": None},
    "gemma": {"head_dim": 16},
    "gpt_neox": {"rotary_pct": 0.5, "num_key_value_heads": 4},
    "gemma2": {"head_dim": 16, "sliding_window": 16},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 512},
    "cohere": {},
    "phi3": {},
}
LAW_FAMILIES = ("qwen2", "qwen3", "llama", "mistral", "gemma", "gpt_neox")


def build_model(family: str, *, seed: int = 0, **changes: Any) -> torch.nn.Module:
    """Return a random float32 model; its large weights make attention far from uniform."""
    torch.manual_seed(seed)
    config = AutoConfig.for_model(family, **{**SHAPE, **FAMILIES.get(family, {}), **changes})
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.25)
    return model


@cache
def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer of single bytes: ids 0 to 3 are special, 4 to 259 bytes."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<bos>", "<eos>", "<unk>"]
    vocab = {token: i for i, token in enumerate([*special, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
    )


def build_prism(family: str = "qwen2", **changes: Any) -> Prism:
    """Return a Prism over a tiny random model; no id 2 ends a text by chance, unless asked for."""
    voice = VOICES["village"]
    return Prism(
        build_model(family, **changes), build_tokenizer(), name=f"tiny-{family}", voice=voice
    )


def random_ids(count: int, *, seed: int = 0) -> list[int]:
    """Return token ids that are ordinary bytes."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(4, 260, (count,), generator=generator).tolist()
