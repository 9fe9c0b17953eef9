"""A model that was changed after it was loaded is not the one of its file, and that is noticed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel
from warp_cortex import (
    Cortex,
    CortexConfig,
    Prism,
    ProcessStreams,
    RunStart,
    StreamConfig,
    Synapse,
    SynapseConfig,
    load_snapshot,
    save_snapshot,
)

from tests.engine.tiny import build_model, build_tokenizer

TEXT = "hello there my dear friend"
CONFIG = CortexConfig(synapse=SynapseConfig(k=8), streams=StreamConfig(max_tokens=2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model on disk."""
    build_model("llama").save_pretrained(tmp_path / "model")
    build_tokenizer().save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def prism(folder: Path) -> Iterator[Prism]:
    """That model, loaded."""
    with Prism.load(folder) as loaded:
        yield loaded


def keys(model: PreTrainedModel) -> torch.nn.Parameter:
    """Return a weight."""
    weight: torch.nn.Parameter = model.model.layers[1].self_attn.k_proj.weight
    return weight


def scaled(model: PreTrainedModel) -> None:
    """Scale a weight in place."""
    keys(model).mul_(-3)


def negated(model: PreTrainedModel) -> None:
    """Turn a weight's sign, past torch's count of changes."""
    keys(model).data.neg_()


def one_number(model: PreTrainedModel) -> None:
    """Set one number to 0, past torch's count."""
    keys(model).data[3, 5] = 0


def rows_moved(model: PreTrainedModel) -> None:
    """Exchange two rows, past torch's count: the sum of all numbers stays."""
    keys(model).data.copy_(keys(model).data.roll(1, 0).clone())


def columns_moved(model: PreTrainedModel) -> None:
    """Exchange columns two by two, past torch's count."""
    keys(model).data.copy_(keys(model).data.roll(2, 1).clone())


def replaced(model: PreTrainedModel) -> None:
    """Put another parameter in the weight's place."""
    model.model.layers[1].self_attn.k_proj.weight = torch.nn.Parameter(keys(model) * 2)


def taken_out(model: PreTrainedModel) -> None:
    """Pass by a part of a layer."""
    model.model.layers[1].mlp = torch.nn.Identity()


EDITS = (scaled, negated, one_number, rows_moved, columns_moved, replaced, taken_out)


@pytest.mark.parametrize("edit", EDITS)
def test_streams_elsewhere_refuse_an_edited_model(
    prism: Prism, edit: Callable[[PreTrainedModel], None]
) -> None:
    """Another process would load the file and think something else; here it goes on."""
    with torch.no_grad():
        edit(prism.model)
    with (
        ProcessStreams() as streams,
        pytest.raises(
            ValueError, match=r"was changed after it was loaded \(weight .*layers.1"
        ) as caught,
    ):
        Cortex(prism, CONFIG, streams=streams).fork(TEXT, ["find it"])
    assert "\n" not in str(caught.value)
    assert Cortex(prism, CONFIG).fork(TEXT, ["find it"])


def test_a_hook_is_a_change_for_another_process(prism: Prism) -> None:
    """It would not run there."""
    handle = prism.model.model.layers[0].register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="has hooks that another process does not have"):
        prism.refuse_edits()
    handle.remove()
    prism.refuse_edits()


@pytest.mark.parametrize("edit", EDITS)
def test_the_trace_and_snapshots_tell_an_edited_model(
    prism: Prism, folder: Path, tmp_path: Path, edit: Callable[[PreTrainedModel], None]
) -> None:
    """Its checksum is another one, so that its entries are not taken for the file's, nor back."""
    saved = save_snapshot(Synapse(SynapseConfig(k=8)).publish(prism.read(TEXT)), tmp_path / "plain")
    load_snapshot(prism, saved)
    with torch.no_grad():
        edit(prism.model)
    with pytest.raises(ValueError, match="was made with model"):
        load_snapshot(prism, saved)
    cortex = Cortex(prism, CONFIG)
    start = next(event for event in cortex.run(TEXT) if isinstance(event, RunStart))
    assert start.checksum not in {prism.spec.checksum, ""}
    edited = save_snapshot(Synapse(SynapseConfig(k=8)).publish(prism.read(TEXT)), tmp_path / "edit")
    load_snapshot(prism, edited)
    with Prism.load(folder) as plain:
        load_snapshot(plain, saved)
        with pytest.raises(ValueError, match="was made with model"):
            load_snapshot(plain, edited)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_weight_that_is_set_back_is_no_change(folder: Path, dtype: torch.dtype) -> None:
    """An ablation and its end: the model is the file's again."""
    with Prism.load(folder, dtype=dtype) as prism, torch.no_grad():
        weight = keys(prism.model)
        before = weight.clone()
        weight.zero_()
        assert prism.checksum() != prism.spec.checksum
        weight.copy_(before)
        assert prism.checksum() == prism.spec.checksum
        prism.refuse_edits()


def test_decoding_changes_no_weight(prism: Prism) -> None:
    """The decoder arranges the weights anew; their values and names stay."""
    context = prism.read(TEXT)
    context.write(40)
    assert prism.decoder is not None
    prism.refuse_edits()
