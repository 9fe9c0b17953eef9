"""How many positions a text can take, whatever way of scaling them a config names."""

from typing import Any

import pytest
import torch
from warp_cortex import Context, Prism

from tests.engine.tiny import build_model, build_tokenizer

YARN = {"rope_type": "yarn", "factor": 4.0, "rope_theta": 10_000.0}
LINEAR = {"rope_type": "linear", "factor": 4.0, "rope_theta": 10_000.0}
CASES: dict[str, tuple[dict[str, Any], int, int]] = {
    "plain": ({"rope_type": "default", "rope_theta": 10_000.0}, 64, 64),
    "yarn, the config has the first length": (
        {**YARN, "original_max_position_embeddings": 64}, 64, 256,
    ),
    "yarn, the config has the product": (
        {**YARN, "original_max_position_embeddings": 64}, 256, 256,
    ),
    "yarn, the config has more": ({**YARN, "original_max_position_embeddings": 64}, 300, 300),
    "linear": (LINEAR, 64, 256),
    "linear, the config has the product": (
        {**LINEAR, "original_max_position_embeddings": 64}, 256, 256,
    ),
    "dynamic": ({"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10_000.0}, 64, 64),
}  # fmt: skip


@pytest.mark.parametrize("case", sorted(CASES))
def test_positions_are_scaled_once(case: str) -> None:
    """The factor counts where the config leaves the product to its reader, and never twice."""
    rope, most, want = CASES[case]
    model = build_model("llama", rope_parameters=rope, max_position_embeddings=most)
    with Prism(model, build_tokenizer()) as prism:
        assert prism.spec.max_positions == want


@pytest.mark.parametrize("rope", [{**YARN, "original_max_position_embeddings": 64}, LINEAR])
def test_a_text_as_long_as_the_scaled_positions_is_the_models_own(rope: dict[str, Any]) -> None:
    """Read in pieces it has the model's own logits, and one token more is refused."""
    model = build_model("llama", rope_parameters=rope, max_position_embeddings=64)
    ids = [10 + i % 50 for i in range(256)]
    with torch.no_grad():
        want = model(input_ids=torch.tensor([ids])).logits[0, -1]
    with Prism(model, build_tokenizer()) as prism:
        context = Context(prism)
        context.read(ids, chunk=50)
        assert context.logits is not None
        torch.testing.assert_close(context.logits, want, rtol=1e-3, atol=1e-4)
        with pytest.raises(ValueError, match="257 tokens do not fit: model has 256 positions"):
            context.write(10)
