"""Loading a folder: all its weights with their shapes, its tokenizer, its checksum, or one line."""

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from warp_cortex import Prism
from warp_cortex.sources import checksums

from tests.engine.tiny import build_model, build_tokenizer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model on disk."""
    where = tmp_path / "model"
    build_model("qwen2").save_pretrained(where)
    build_tokenizer().save_pretrained(where)
    return where


def edited(folder: Path, change: object) -> None:
    """Change the weights of a folder: dict of tensors to dict of tensors."""
    assert callable(change)
    file = folder / "model.safetensors"
    weights = {name: tensor.clone() for name, tensor in change(load_file(file)).items()}
    save_file(weights, file, metadata={"format": "pt"})


LACKING = {
    "a head": (("lm_head.weight",), "its files lack weight 'lm_head.weight'$"),
    "a layer's part": (
        ("model.layers.1.mlp.up_proj.weight",),
        "lack weight 'model.layers.1.mlp.up",
    ),
    "a norm": (("model.norm.weight",), "its files lack weight 'model.norm.weight'"),
    "a bias": (("model.layers.0.self_attn.q_proj.bias",), "layers.0.self_attn.q_proj.bias'"),
    "several": (
        ("model.layers.1.mlp.up_proj.weight", "lm_head.weight", "model.norm.weight"),
        r"its files lack weight 'lm_head.weight' \(and 2 others\)",
    ),
}


@pytest.mark.parametrize("case", sorted(LACKING))
def test_missing_weights_are_refused_by_name(folder: Path, case: str) -> None:
    """They would be filled at random, so that two loads of one folder differ."""
    names, message = LACKING[case]
    edited(folder, lambda weights: {k: v for k, v in weights.items() if k not in names})
    with pytest.raises(ValueError, match=message) as caught:
        Prism.load(folder)
    assert re.search("'.*model' could not be loaded as a language model", str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_config_of_more_layers_than_the_file_is_refused(folder: Path) -> None:
    """What the config promises and the file lacks is missing."""
    file = folder / "config.json"
    text = file.read_text()
    for key in ('"num_hidden_layers": 3', '"max_window_layers": 28'):
        text = text.replace(key, key.rpartition(" ")[0] + " 4")
    config = json.loads(text)
    config.pop("layer_types", None)
    file.write_text(json.dumps(config))
    with pytest.raises(ValueError, match=r"lack weight 'model.layers.3.*\(and 11 others\)"):
        Prism.load(folder)


def test_a_tied_head_needs_no_weight(tmp_path: Path) -> None:
    """A file without a head loads where the config ties it to the embedding."""
    build_model("llama", tie_word_embeddings=True).save_pretrained(tmp_path)
    build_tokenizer().save_pretrained(tmp_path)
    with Prism.load(tmp_path) as prism:
        head, embedding = (
            prism.model.get_output_embeddings().weight,
            prism.model.get_input_embeddings().weight,
        )
        assert torch.equal(head, embedding)
    edited(tmp_path, lambda weights: {k: v for k, v in weights.items() if "embed" not in k})
    with pytest.raises(ValueError, match=r"lack weight 'model.embed_tokens.weight'"):
        Prism.load(tmp_path)


def test_weights_of_another_shape_are_named_with_both_shapes(folder: Path) -> None:
    """Neither a random weight nor a report that nobody sees."""
    edited(folder, lambda weights: {k: v[:5] if "down" in k else v for k, v in weights.items()})
    with pytest.raises(
        ValueError,
        match=r"'model.layers.0.mlp.down_proj.weight' has shape \(5, 48\) in its file and "
        r"\(32, 48\) by its config \(and 2 others\)",
    ):
        Prism.load(folder)


def test_a_folder_without_a_tokenizer_says_so(tmp_path: Path) -> None:
    """Not what transformers tried one after the other."""
    build_model("qwen2").save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"it has no tokenizer \(tokenizer.json\)$"):
        Prism.load(tmp_path)


def test_the_checksum_is_that_of_the_files(folder: Path) -> None:
    """A kept checksum is believed while the file is as it was; an edited file has its own."""
    with Prism.load(folder) as prism:
        first = prism.spec.checksum
    checksums.keep_checksum(folder)
    whole = checksums.checksum_of_files(folder)
    assert whole is not None
    assert whole[:16] == first
    kept = folder / checksums.KEPT
    kept.write_text(kept.read_text().replace(whole, "f" * 64))
    assert checksums.checksum_of_files(folder) == "f" * 64
    edited(folder, lambda weights: {k: v + 1 for k, v in weights.items()})
    assert checksums.checksum_of_files(folder) not in {"f" * 64, whole}
    for damaged in ("", "[]", "{}", '{"files": 3}'):
        kept.write_text(damaged)
        assert checksums.checksum_of_files(folder) not in {"f" * 64, whole}
