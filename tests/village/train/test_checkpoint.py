"""Checkpoints: a run that is killed at any moment continues from the last complete one."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from warpviz.village.network import Size, make_model
from warpviz.village.train import checkpoint, train
from warpviz.village.train.batch_source import LocalBatches
from warpviz.village.train.learner import Learner
from warpviz.village.train.train import Run, Settings

TINY = Size(hidden=32, layers=2, heads=2, kv_heads=1, head_dim=16, feed_forward=48)
SETTINGS = Settings(
    out=Path(),
    minutes=1,
    total_minutes=1,
    steps=1,
    total_steps=4,
    batch_tokens=512,
    device="cpu",
    size=TINY,
    curve_groups=0,
    log_every_s=1e9,
)


def fresh(seed: int = 0, size: Size = TINY) -> Learner:
    """Return a learner that has learnt nothing."""
    return Learner(make_model(300, seed, size), torch.device("cpu"))


def stepped(run: Run) -> Run:
    """Train for the settings' steps."""
    run.train(LocalBatches(run.settings.seed, run.settings.batch_tokens, run.encoder))
    return run


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    """Weights, means and both optimisers come back to the bit, in a learner that was another
    before.
    """
    learner = fresh()
    for group in (learner.mean, learner.muon.state):
        for tensor in group.values():
            tensor.normal_()
    checkpoint.save(learner, {"step": 7, "note": "x"}, tmp_path)
    other = fresh(seed=1)
    assert checkpoint.load(other, tmp_path)["note"] == "x"
    for name, parameter in learner.model.named_parameters():
        assert torch.equal(parameter, dict(other.model.named_parameters())[name]), name
    assert all(torch.equal(tensor, other.mean[name]) for name, tensor in learner.mean.items())
    assert all(
        torch.equal(tensor, other.muon.state[name]) for name, tensor in learner.muon.state.items()
    )


def test_files_stay_small_and_old_ones_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts keep to the limit, together they hold every tensor once, and a later checkpoint
    replaces an earlier one.
    """
    monkeypatch.setattr(checkpoint, "_LIMIT", 20_000)
    learner = fresh()
    checkpoint.save(learner, {"step": 1}, tmp_path)
    parts = sorted(tmp_path.glob("resume-*.safetensors"))
    names = [name for path in parts for name in load_file(path)]
    assert len(parts) > 3
    assert sorted(names) == sorted(checkpoint._tensors(learner))
    for path in parts:
        sizes = [tensor.numel() * tensor.element_size() for tensor in load_file(path).values()]
        assert sum(sizes) <= 20_000 or len(sizes) == 1
    checkpoint.save(learner, {"step": 2}, tmp_path)
    assert not {path.name for path in parts} & {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("moment", ["tensors", "state"])
def test_a_run_killed_while_it_saves_keeps_the_checkpoint_before(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it dies among the tensors or before the state: the earlier step is loaded, with its
    own weights.
    """
    learner = fresh()
    checkpoint.save(learner, {"step": 1}, tmp_path)
    with torch.no_grad():
        for parameter in learner.model.parameters():
            parameter.add_(1)
    if moment == "tensors":
        monkeypatch.setattr(checkpoint, "save_file", killed)
    else:
        monkeypatch.setattr(checkpoint.json, "dumps", killed)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(learner, {"step": 2}, tmp_path)
    monkeypatch.undo()
    other = fresh(seed=1)
    assert checkpoint.load(other, tmp_path)["step"] == 1
    first = next(other.model.parameters())
    assert torch.equal(first + 1, next(learner.model.parameters()))


def test_a_file_of_another_checkpoint_is_refused(tmp_path: Path) -> None:
    """Weights that do not belong to state.json are named; one of version 0.1 has no digest."""
    learner = fresh()
    checkpoint.save(learner, {"step": 1}, tmp_path)
    state = json.loads((tmp_path / "state.json").read_text())
    file = tmp_path / state["files"][-1]
    save_file({"weight/none": torch.zeros(1)}, file)
    with pytest.raises(ValueError, match=rf"{file.name} belongs to another checkpoint"):
        checkpoint.load(fresh(seed=1), tmp_path)
    checkpoint.save(learner, {"step": 1}, tmp_path)
    del state["sha256"]
    (tmp_path / "state.json").write_text(json.dumps(state))
    assert checkpoint.load(fresh(seed=1), tmp_path)["step"] == 1


def killed(*_: object, **__: object) -> None:
    """Die."""
    raise KeyboardInterrupt


def test_another_model_is_refused(tmp_path: Path) -> None:
    """A folder of a wider model is not loaded into a narrow one; the first tensor that differs is
    named.
    """
    checkpoint.save(fresh(), {"step": 1}, tmp_path)
    wider = fresh(size=replace(TINY, hidden=64))
    with pytest.raises(
        ValueError, match=r"model\.embed_tokens\.weight is \(300, 32\) there, \(300, 64\) here"
    ):
        checkpoint.load(wider, tmp_path)


def test_another_seed_is_refused(tmp_path: Path) -> None:
    """A run does not silently go on with the batches of another seed."""
    stepped(Run(replace(SETTINGS, out=tmp_path)))
    with pytest.raises(ValueError, match="--seed 0, this call has 3"):
        Run(replace(SETTINGS, out=tmp_path, seed=3))


def test_a_run_goes_on_with_its_own_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later call keeps the tokenizer the weights were trained with, also without `init`; none is
    trained again.
    """
    stepped(Run(replace(SETTINGS, out=tmp_path / "one")))
    path = tmp_path / "one" / "tokenizer.json"
    monkeypatch.setattr(train, "train_tokenizer", pytest.fail)
    stepped(Run(replace(SETTINGS, out=tmp_path / "two", init=tmp_path / "one")))
    Run(replace(SETTINGS, out=tmp_path / "two"))
    assert (tmp_path / "two" / "tokenizer.json").read_text() == path.read_text()


def seconds(*, every: float) -> Callable[[], float]:
    """Return a clock that moves on by `every` seconds each time it is asked."""
    now = iter(float(count) * every for count in range(10_000))
    return lambda: next(now)


def test_the_schedule_of_a_killed_run_does_not_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkpoint in the middle of a call counts the minutes of that call: the next call's
    progress begins there.
    """
    run = Run(replace(SETTINGS, out=tmp_path, steps=0, minutes=60, total_minutes=60))
    steps = run.learner.step

    def dies(*args: object, step: int, **more: object) -> object:
        if step == 2:
            raise KeyboardInterrupt
        return steps(*args, step=step, **more)

    monkeypatch.setattr(run.learner, "step", dies)
    monkeypatch.setattr(train.time, "monotonic", seconds(every=100.0))
    with pytest.raises(KeyboardInterrupt):
        stepped(run)
    monkeypatch.undo()
    resumed = Run(replace(SETTINGS, out=tmp_path, steps=0, minutes=60, total_minutes=60))
    assert (resumed.step, resumed.spent_s) == (2, 600.0)
    assert resumed.progress(0.0) == pytest.approx(600 / 3600)


def test_the_log_tells_how_far_the_whole_budget_is(tmp_path: Path) -> None:
    """Each call's last line says the share of all calls' budget; a call without a step writes none,
    and no NaN.
    """
    for _ in range(2):
        stepped(Run(replace(SETTINGS, out=tmp_path)))
    stepped(Run(replace(SETTINGS, out=tmp_path, steps=0, minutes=0)))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["progress"] for line in lines] == [
        0.25,
        0.5,
    ]
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
