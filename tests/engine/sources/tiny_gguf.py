"""Tiny GGUF files of the llama architecture, with a tokenizer of bytes, by gguf's own writer."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray
from tokenizers import pre_tokenizers

LAYERS = 2
HEADS = 4
KV_HEADS = 2
WIDTH = 256  # of a row: K-quants pack blocks of 256
VOCABULARY = 261
# where the float16 scales of a block of K-quants lie, in bytes
SCALES = {
    Kind.Q2_K: (80, 82),
    Kind.Q3_K: (108,),
    Kind.Q4_K: (0, 2),
    Kind.Q5_K: (0, 2),
    Kind.Q6_K: (208,),
}

Tensors = dict[str, NDArray[Any]]


def shapes(*, tied: bool) -> dict[str, tuple[int, ...]]:
    """Return every tensor's shape, by its name in the file."""
    found: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (VOCABULARY, WIDTH),
        "output_norm.weight": (WIDTH,),
    }
    narrow = WIDTH // HEADS * KV_HEADS
    for layer in range(LAYERS):
        parts = {
            "attn_norm": (WIDTH,),
            "ffn_norm": (WIDTH,),
            "attn_q": (WIDTH, WIDTH),
            "attn_k": (narrow, WIDTH),
            "attn_v": (narrow, WIDTH),
            "attn_output": (WIDTH, WIDTH),
            "ffn_gate": (2 * WIDTH, WIDTH),
            "ffn_up": (2 * WIDTH, WIDTH),
            "ffn_down": (WIDTH, 2 * WIDTH),
        }
        found |= {f"blk.{layer}.{name}.weight": shape for name, shape in parts.items()}
    return found if tied else found | {"output.weight": (VOCABULARY, WIDTH)}


def packed(kind: Kind, shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Return a random tensor as the bytes or numbers that a file of that type holds."""
    if len(shape) == 1:  # norms are never packed
        return (1 + 0.1 * rng.standard_normal(shape)).astype(np.float32)
    if kind not in SCALES:
        values = rng.standard_normal(shape).astype(np.float32) * 0.1
        return values if kind is Kind.F32 else gguf.quants.quantize(values, kind)
    num_values, num_bytes = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (shape[0] * shape[1] // num_values, num_bytes), dtype=np.uint8)
    for place in SCALES[kind]:
        scales = rng.uniform(1e-4, 3e-4, len(blocks)).astype(np.float16)
        blocks[:, place : place + 2] = scales[:, None].view(np.uint8)
    return blocks.reshape(shape[0], -1)


def write(
    path: Path,
    kind: Kind = Kind.F32,
    *,
    seed: int = 0,
    tied: bool = True,
    architecture: str = "llama",
    leave_out: str = "",
    extra: dict[str, Any] | None = None,
    tables: Tensors | None = None,
) -> Tensors:
    """Write a model and return its tensors as gguf itself dequantises them, float32.

    extra: more metadata; floats and texts. tables: more tensors. leave_out: a tensor not written.
    """
    rng = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, architecture)
    _describe(writer)
    for name, value in (extra or {}).items():
        add = writer.add_string if isinstance(value, str) else writer.add_float32
        if isinstance(value, int):
            add = writer.add_uint16
        add(name, value)
    found: Tensors = {}
    for name, shape in shapes(tied=tied).items():
        data = packed(kind, shape, rng)
        own = Kind.F32 if len(shape) == 1 else kind
        found[name] = gguf.quants.dequantize(data, own)
        if name != leave_out:
            writer.add_tensor(name, data, raw_dtype=own)
    for name, data in (tables or {}).items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return found


def _describe(writer: gguf.GGUFWriter) -> None:
    """Add the metadata of the model and of its tokenizer of single bytes."""
    writer.add_name("tiny")
    writer.add_context_length(512)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    special = ["<pad>", "<bos>", "<eos>", "<unk>"]
    tokens = [*special, *sorted(pre_tokenizers.ByteLevel.alphabet()), "th"]
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(special) + [1] * (len(tokens) - len(special)))
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
