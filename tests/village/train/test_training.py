"""Training: a step lowers the loss, and a run that stops and goes on is the run that never
stopped.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from warpviz.village.network import Size, look_back, make_model, num_parameters
from warpviz.village.train.batch_source import LocalBatches
from warpviz.village.train.batches import make_batch, to_device
from warpviz.village.train.curriculum import LAST, Stage
from warpviz.village.train.learner import CONSTANT_UNTIL, Learner, rate_factor
from warpviz.village.train.rows import Shape
from warpviz.village.train.train import Run, Settings, parse
from warpviz.village.world.tokens import Encoder

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, feed_forward=48)
SETTINGS = Settings(
    out=Path(),
    minutes=1,
    total_minutes=1,
    steps=4,
    total_steps=4,
    batch_tokens=1024,
    device="cpu",
    size=TINY,
    curve_groups=0,
    log_every_s=1e9,
)


def test_steps_lower_the_loss(encoder: Encoder) -> None:
    """Repeated steps on one batch bring its loss down by a tenth at least."""
    torch.manual_seed(0)
    model = make_model(encoder.tokenizer.get_vocab_size(), 0, TINY)
    learner = Learner(model, torch.device("cpu"))
    batch = to_device(make_batch([1], Shape(64, 4, 1), encoder), learner.device)
    losses = [float(learner.step(batch, step=100, progress=0.0)[0]) for _ in range(12)]
    assert losses[-1] < 0.9 * losses[0]


def train(settings: Settings, *, steps: int) -> dict[str, torch.Tensor]:
    """Train for some steps in the settings' folder; return all saved tensors of the last
    checkpoint.
    """
    run = Run(replace(settings, steps=steps))
    run.train(LocalBatches(settings.seed, settings.batch_tokens, run.encoder))
    tensors: dict[str, torch.Tensor] = {}
    for path in sorted(settings.out.glob("resume-*.safetensors")):
        tensors |= load_file(path)
    return tensors


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """Two steps and two more give the weights, means and optimiser state of four steps, to the
    bit.
    """
    whole = train(replace(SETTINGS, out=tmp_path / "whole"), steps=4)
    train(replace(SETTINGS, out=tmp_path / "parts"), steps=2)
    parts = train(replace(SETTINGS, out=tmp_path / "parts"), steps=2)
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    state = json.loads((tmp_path / "parts" / "state.json").read_text())
    assert state["step"] == 4


def test_an_export_is_a_model_others_load_and_a_next_round_starts_from(tmp_path: Path) -> None:
    """Transformers loads what was exported, in half precision; `init` begins with its weights at
    the last stage.
    """
    train(replace(SETTINGS, out=tmp_path / "one"), steps=1)
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "one", use_safetensors=True)
    assert model.dtype == torch.float16
    following = Run(replace(SETTINGS, out=tmp_path / "two", init=tmp_path / "one"))
    assert following.stage.index == LAST
    for name, parameter in following.learner.model.named_parameters():
        assert torch.equal(parameter.half(), model.state_dict()[name]), name


def test_initial_weights_are_the_seed_s() -> None:
    """The same seed gives the same weights, another one others; looking back needs no weights, only
    biases.
    """
    one, same, other = (make_model(300, seed, TINY).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["model.embed_tokens.weight"], other["model.embed_tokens.weight"])
    model = make_model(300, 1, TINY)
    before = num_parameters(model)
    look_back(model)
    assert num_parameters(model) == before


def test_the_learning_rate_warms_up_and_decays() -> None:
    """It rises over the first hundred steps, stays, and falls to one percent at the end."""
    assert rate_factor(0, 0.0) == pytest.approx(0.01)
    assert rate_factor(1000, CONSTANT_UNTIL - 0.01) == 1.0
    assert rate_factor(1000, 1.0) == pytest.approx(0.01)


def test_the_curriculum_moves_on_when_ready_or_late() -> None:
    """High accuracy for sixty steps, or enough of the budget, brings the next stage; the last one
    stays.
    """
    stage = Stage()
    for _ in range(200):
        stage.update(1.0, 0.0)
    assert stage.index >= 1
    late = Stage()
    late.update(0.0, 0.06)
    assert late.index == 1
    last = Stage(LAST)
    last.update(1.0, 1.0)
    assert last.index == LAST


def test_the_command_line_fills_in_what_is_not_given(tmp_path: Path) -> None:
    """A CPU gets small batches, and all calls together take as long as this one by default."""
    settings = parse(["--out", str(tmp_path), "--minutes", "3", "--device", "cpu"])
    assert (settings.batch_tokens, settings.total_minutes) == (4096, 3.0)
    with pytest.raises(SystemExit):
        parse(["--minutes", "3"])
