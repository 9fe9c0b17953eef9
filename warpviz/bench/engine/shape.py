"""Models by their shape: random weights, because bytes and speed do not depend on the values."""

import sys
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from warp_cortex import Context, Prism
from warp_cortex.context import budget

from warpviz.bench.harness.machine import check_present

SHAPES: dict[str, dict[str, Any]] = {
    "qwen2.5-0.5b-shape": {
        "vocab_size": 151936,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "rope_theta": 1e6,
    },
    "village-shape": {
        "vocab_size": 1341,
        "hidden_size": 192,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "rope_theta": 1e4,
    },
    "check-shape": {
        "vocab_size": 2000,
        "hidden_size": 896,
        "intermediate_size": 1024,
        "num_hidden_layers": 4,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "rope_theta": 1e6,
        "initializer_range": 0.04,
    },
    "tiny-shape": {
        "vocab_size": 500,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "rope_theta": 1e4,
    },
}


class Numbers:
    """A tokenizer for models without a language: token 17 reads `t17 `."""

    eos_token_id = None

    def __call__(self, text: str, **_: object) -> dict[str, list[int]]:
        """Return the ids of a text that `decode` wrote."""
        return {"input_ids": [int(piece.lstrip("t")) for piece in text.split()]}

    def decode(self, ids: Sequence[int], **_: object) -> str:
        """Return one word per id."""
        return "".join(f"t{number} " for number in ids)


def load(
    name: str,
    *,
    device: str,
    dtype: torch.dtype | None = None,
    positions: int = 2048,
    seed: int = 0,
) -> Prism:
    """Return a Prism of a shape with random weights, or of a model that `Prism.load` knows.

    positions: room of a shape. dtype: None means bfloat16 for a shape, whose bytes are the point,
    except tiny ones on a CPU, which are float32.

    Raises:
        ValueError: the device is a CUDA device, and there is none.
    """
    check_present(device)
    if name not in SHAPES:
        return Prism.load(name, device=device, dtype=dtype)
    torch.manual_seed(seed)
    large = name == "qwen2.5-0.5b-shape"
    kind = dtype or (
        torch.bfloat16 if large or torch.device(device).type == "cuda" else torch.float32
    )
    config = AutoConfig.for_model(
        "qwen2",
        max_position_embeddings=positions,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
        **SHAPES[name],
    )
    with torch.device(device):
        model = AutoModelForCausalLM.from_config(config, dtype=kind)
    return Prism(model.to(device), Numbers(), name=name)


def check(name: str, *, device: str, tokens: int, dtype: torch.dtype | None = None) -> None:
    """Refuse a model that cannot be loaded, or cannot read so many tokens, before the measuring.

    Raises:
        ValueError: there is no such model or device, or the model has too few positions.
        OSError: a path that is no model, or a hub model that is not on this machine while offline.
    """
    check_present(device)
    if name not in SHAPES:  # a shape gets the positions it is asked for
        with Prism.load(name, device=device, dtype=dtype) as prism:
            check_positions(prism, tokens)


def check_positions(prism: Prism, tokens: int) -> None:
    """Refuse a model that has too few positions, whatever memory this machine has.

    Raises:
        ValueError: it has too few positions; the message says how many.
    """
    budget.check_fits(prism, tokens, available=sys.maxsize)


def unfit(prism: Prism, tokens: int) -> str | None:
    """Return why the model or the memory cannot hold so many tokens; None if they can."""
    try:
        budget.check_fits(prism, tokens)
    except ValueError as error:
        return str(error)
    return None


def random_ids(count: int, vocabulary: int, *, seed: int) -> list[int]:
    """Return token ids drawn from a seeded generator."""
    drawn: list[int] = torch.randint(
        4, vocabulary, (count,), generator=torch.Generator().manual_seed(seed)
    ).tolist()
    return drawn


def random_tasks(agents: int, length: int, vocabulary: int, *, seed: int) -> torch.Tensor:
    """Return a task of its own for each agent, int64 [B, P]."""
    return torch.randint(
        4, vocabulary, (agents, length), generator=torch.Generator().manual_seed(seed)
    )


def random_context(prism: Prism, tokens: int, *, seed: int, room: int = 1) -> Context:
    """Return a context of random tokens that the model has read."""
    context = Context(prism, capacity=tokens + room)
    context.read(random_ids(tokens, prism.spec.vocab_size, seed=seed))
    return context
