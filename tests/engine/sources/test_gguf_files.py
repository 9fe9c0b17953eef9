"""GGUF files: every tensor is what gguf dequantises; what cannot be read says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType as Kind
from warp_cortex import Prism
from warp_cortex.sources import gguf_files

from tests.engine.sources import tiny_gguf

KINDS = [
    *(Kind.F32, Kind.F16, Kind.BF16, Kind.Q8_0, Kind.Q4_0, Kind.Q4_1, Kind.Q5_0, Kind.Q5_1),
    *(Kind.Q2_K, Kind.Q3_K, Kind.Q4_K, Kind.Q5_K, Kind.Q6_K),
]
PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Conversions go to a folder of the test's own."""
    monkeypatch.setenv("WARPVIZ_CACHE", str(tmp_path / "cache" / "warpviz"))
    return tmp_path / "cache" / "warpviz" / "models"


def named(name: str) -> str:
    """Return transformers' name of a tensor of the file."""
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part, suffix = name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.{suffix}"


def unpermuted(name: str, tensor: np.ndarray) -> np.ndarray:
    """Return query and key rows in transformers' order: GGUF pairs the halves of a rotation."""
    heads = {"attn_q": tiny_gguf.HEADS, "attn_k": tiny_gguf.KV_HEADS}
    part = name.split(".")[-2]
    if part not in heads:
        return tensor
    rows = tensor.reshape(heads[part], -1, 2, tensor.shape[1])
    return rows.swapaxes(1, 2).reshape(tensor.shape)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_tensor_is_what_gguf_dequantises(tmp_path: Path, kind: Kind) -> None:
    """Plain floats, blocks of 32 and K-quants alike, to the bit."""
    file = tmp_path / "tiny.gguf"
    want = tiny_gguf.write(file, kind)
    with Prism.load(file) as prism:
        found = prism.model.state_dict()
        for name, tensor in want.items():
            own = found[named(name)]
            assert own.dtype == torch.float32
            assert torch.equal(own, torch.from_numpy(unpermuted(name, tensor))), name
        context = prism.read("some text")
        assert context.text == "some text"
        assert context.logits is not None
        assert context.logits.isfinite().all()


def test_an_untied_head_is_the_files_own(tmp_path: Path) -> None:
    """A file with an output matrix has a model that writes with it."""
    want = tiny_gguf.write(tmp_path / "tiny.gguf", tied=False)
    with Prism.load(str(tmp_path / "tiny.gguf")) as prism:
        head = prism.model.get_output_embeddings().weight
        assert torch.equal(head, torch.from_numpy(want["output.weight"]))
        assert not torch.equal(head, prism.model.get_input_embeddings().weight)


def test_a_file_is_converted_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second load reads the folder and its kept checksum; a changed file is converted anew."""
    file = tmp_path / "tiny.gguf"
    tiny_gguf.write(file)
    stages: list[str] = []
    with Prism.load(file, progress=lambda stage, *_: stages.append(stage)) as prism:
        first = prism.spec
        assert prism.source == str(next(cache.iterdir()))
        assert first.name == str(file)
    assert {"reading the tokenizer", "reading the weights", "writing the folder"} == set(stages)
    with monkeypatch.context() as patch:
        patch.setattr(gguf_files, "_model", lambda *_: pytest.fail("converted again"))
        with Prism.load(file) as again:
            assert again.spec == first
    tiny_gguf.write(file, seed=1)
    with Prism.load(file) as other:
        assert other.spec.checksum != first.checksum
    assert len(list(cache.iterdir())) == 2


def test_a_file_without_the_name_is_recognised(tmp_path: Path) -> None:
    """The first bytes say what it is, as in the cache of other programs."""
    tiny_gguf.write(tmp_path / "blob")
    with Prism.load(tmp_path / "blob") as prism:
        assert prism.read("text").num_tokens == 4


def cut(path: Path) -> None:
    """Write a file that ends in the middle of its tensors."""
    tiny_gguf.write(path)
    path.write_bytes(path.read_bytes()[:-1000])


def cut_early(path: Path) -> None:
    """Write a file that ends in its metadata."""
    tiny_gguf.write(path)
    path.write_bytes(path.read_bytes()[:300])


def of_unreadable_type(path: Path) -> None:
    """Write a file that says one of its tensors is of a type no reader has."""
    tiny_gguf.write(path, Kind.F16)
    content = path.read_bytes()
    place = content.index(b"blk.0.attn_v.weight") + len(b"blk.0.attn_v.weight") + 4 + 2 * 8
    assert content[place] == Kind.F16
    path.write_bytes(content[:place] + bytes([Kind.Q8_K]) + content[place + 1 :])


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "absent": (lambda _: None, FileNotFoundError, "there is no file '.*tiny.gguf'"),
    "empty": (lambda p: p.write_bytes(b""), ValueError, "tiny.gguf is no GGUF file: it begins"),
    "of another kind": (lambda p: p.write_bytes(b"PK\3\4 and more"), ValueError, "is no GGUF file"),
    "only a header": (lambda p: p.write_bytes(b"GGUF" + bytes(60)), ValueError, "tiny.gguf"),
    "cut in its metadata": (cut_early, ValueError, "is cut short or damaged; download it again"),
    "cut short": (cut, ValueError, "tiny.gguf .*is cut short"),
    "unknown architecture": (
        lambda p: tiny_gguf.write(p, architecture="warp"),
        ValueError,
        "holds a model of architecture 'warp'; transformers reads .*llama",
    ),
    "unreadable type": (of_unreadable_type, ValueError, "tiny.gguf.*blk.0.attn_v.weight.*Q8_K"),
    "lacking a tensor": (
        lambda p: tiny_gguf.write(p, leave_out="blk.1.ffn_up.weight"),
        ValueError,
        r"tiny.gguf lacks 1 weights, 'model.layers.1.mlp.up_proj.weight' first",
    ),
    "one of several": (
        lambda p: tiny_gguf.write(p, extra={"split.count": 3}),
        ValueError,
        "is one of 3 parts of a model",
    ),
    "scaled positions": (
        lambda p: tiny_gguf.write(
            p, extra={"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 4.0}
        ),
        ValueError,
        "has scaled rotary positions",
    ),
    "a table of frequencies": (
        lambda p: tiny_gguf.write(
            p, tables={"rope_freqs.weight": np.linspace(1, 8, 32, dtype=np.float32)}
        ),
        ValueError,
        "has scaled rotary positions",
    ),
}


@pytest.mark.parametrize("case", sorted(WRONG))
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, cache: Path, case: str) -> None:
    """One line that names the file, and nothing is left in the cache."""
    make, kind, message = WRONG[case]
    file = tmp_path / "tiny.gguf"
    make(file)
    with pytest.raises(kind, match=message) as caught:
        Prism.load(file)
    assert "\n" not in str(caught.value)
    assert not cache.exists() or not list(cache.iterdir())


def test_a_disk_without_room_leaves_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the writing library says of a full disk becomes one line."""
    tiny_gguf.write(tmp_path / "tiny.gguf")

    def full(_: Path) -> None:
        msg = "Error while serializing:\nI/O error: No space left on device"
        raise RuntimeError(msg)

    monkeypatch.setattr(gguf_files, "keep_checksum", full)
    with pytest.raises(OSError, match=r"could not be written to .*No space left") as caught:
        Prism.load(tmp_path / "tiny.gguf")
    assert "\n" not in str(caught.value)
    assert not list(cache.iterdir())


def test_what_reads_gguf_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line says which extra to install."""
    tiny_gguf.write(tmp_path / "tiny.gguf")
    monkeypatch.setattr(gguf_files, "find_spec", lambda name: None if name == "gguf" else name)
    with pytest.raises(ModuleNotFoundError, match=r"needs gguf: pip install 'warpviz\[gguf\]'"):
        Prism.load(tmp_path / "tiny.gguf")


def test_without_a_cache_folder_nothing_is_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containers without a home: the line names the variable that helps."""
    tiny_gguf.write(tmp_path / "tiny.gguf")
    monkeypatch.setattr(gguf_files, "cache_folder", lambda: None)
    with pytest.raises(OSError, match="no cache folder: set XDG_CACHE_HOME"):
        Prism.load(tmp_path / "tiny.gguf")
